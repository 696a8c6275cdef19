"""What counts against an outlet's limits: every try that reached the wire, whatever became of the message since."""

import time
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from blast import services
from blast.claims import Claim, Outcome, PutBack, claims_write, outcomes_write, put_back_write
from blast.histories import attempts_forget, pacers
from blast.models import Attempt, OptOut, Recipient
from blast.outcomes import Why
from blast.plan import look, rest_give_up
from blast.states import OnUnhealthy, RecipientStatus
from tests.blast.house import rows
from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership

pytestmark = pytest.mark.django_db
OURS = Ownership("us", 1)


@pytest.fixture
def running(cast):
    """A blast of three by Jakarta, which moves to Bandung."""
    WhatsAppSession.objects.create(outlet=cast.jakarta, owner=OURS.owner, epoch=OURS.epoch)
    blast = services.blast_create(
        cast.adi, name="Promo", body="Halo", outlets=[cast.jakarta], rows=rows(3),
        on_unhealthy=OnUnhealthy.MOVE, move_to=cast.bandung,
    )  # fmt: skip
    return services.blast_start(blast, cast.adi)


def claimed(blast, outlet, count=1):
    (found,) = claims_write([Claim(outlet.pk, OURS, blast.pk, count, datetime.now(UTC))])
    return found


def refused(outlet, row):
    outcome = Outcome(row.pk, outlet.pk, row.phone, OURS, RecipientStatus.FAILED, None, Why.REFUSED, "400")
    outcomes_write([outcome])


def tried_today(outlet):
    now = time.time()
    return pacers([outlet.pk], now)[outlet.pk].history.day_count


def test_what_was_refused_counts_and_counts_again_when_it_is_retried(cast, running):
    (row,) = claimed(running, cast.jakarta)
    refused(cast.jakarta, row)
    assert tried_today(cast.jakarta) == 1
    assert services.blast_retry_failed(running, cast.adi) == 1
    assert tried_today(cast.jakarta) == 1, "the wire saw it, whatever people want now"
    (again,) = claimed(running, cast.jakarta)
    assert again.pk == row.pk
    assert not again.maybe_sent
    assert tried_today(cast.jakarta) == 2


def test_a_try_counts_for_the_outlet_that_made_it(cast, running):
    (row,) = claimed(running, cast.jakarta)
    refused(cast.jakarta, row)
    services.blast_retry_failed(running, cast.adi)
    assert rest_give_up(cast.jakarta.pk, look(timezone.now()).jobs[running.pk]) == 3
    assert (tried_today(cast.jakarta), tried_today(cast.bandung)) == (1, 0)


def test_a_deleted_blast_was_sent_all_the_same(cast, running):
    (row,) = claimed(running, cast.jakarta)
    refused(cast.jakarta, row)
    running.delete()
    assert tried_today(cast.jakarta) == 1


def test_what_is_put_back_unsent_does_not_count(cast, running):
    found = claimed(running, cast.jakarta, 3)
    assert tried_today(cast.jakarta) == 3
    never = found[1:]
    counted = [row.counted_at for row in never]
    put_back_write([PutBack(cast.jakarta.pk, OURS, [row.pk for row in never], counted_at=counted)])
    assert tried_today(cast.jakarta) == 1
    assert Recipient.objects.filter(claimed_at=None).count() == 2


def test_what_has_its_outcome_without_a_try_does_not_count(cast, running):
    (row,) = claimed(running, cast.jakarta)
    outcome = Outcome(
        row.pk, cast.jakarta.pk, row.phone, OURS, RecipientStatus.FAILED,
        code=Why.MISSING_VARIABLE, counted_at=row.counted_at,
    )  # fmt: skip
    outcomes_write([outcome])
    assert tried_today(cast.jakarta) == 0


def test_who_opted_out_is_no_try(cast, running):
    OptOut.objects.create(phone=rows(1)[0].phone, at=timezone.now(), outlet=cast.jakarta)
    assert claimed(running, cast.jakarta) == []
    assert not Attempt.objects.exists()


def test_old_ones_are_forgotten(cast):
    now = timezone.now()
    for days in (0, 1, 3):
        Attempt.objects.create(outlet=cast.jakarta, at=now - timedelta(days=days), count=1)
    attempts_forget(now)
    assert Attempt.objects.count() == 2


def test_what_was_sent_before_attempts_were_kept_counts(cast, running):
    Recipient.objects.filter(line=1).update(claimed_at=timezone.now())
    Recipient.objects.filter(line=2).update(claimed_at=timezone.now() - timedelta(days=9))
    import_module("blast.migrations.0002_attempt").of_recipients(apps, None)
    assert tried_today(cast.jakarta) == 1
