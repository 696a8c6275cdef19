import pytest

from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership, claim, new_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return WhatsAppSession.objects.create(outlet=cast.jakarta)


def test_it_holds_what_it_claimed(session):
    claims = claim("a")
    assert claims == {session.pk: Ownership("a", 1)}
    assert claims[session.pk].holds(session.pk)


def test_it_loses_to_the_newest_claim(session):
    first = claim("a")[session.pk]
    second = claim("b")[session.pk]
    assert not first.holds(session.pk)
    assert second == Ownership("b", 2)


def test_it_loses_to_a_newer_claim_of_the_same_name(session):
    first = claim("a")[session.pk]
    claim("a")
    assert not first.holds(session.pk)


def test_it_claims_only_what_it_is_asked_to(cast, session):
    other = WhatsAppSession.objects.create(outlet=cast.bandung)
    assert claim("a", [other.pk]) == {other.pk: Ownership("a", 1)}
    session.refresh_from_db()
    assert session.owner == ""


def test_it_names_each_start_differently():
    assert new_owner() != new_owner()
