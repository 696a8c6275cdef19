"""`POST /api/outlets/{outletId}/connect` and the other wishes. What is asked for stands in the row; nothing else is."""

import threading

import pytest
from django.db import connection

from tests.wa_sessions.test_api_status import IDS, described_by
from wa_sessions import broadcast
from wa_sessions.models import WhatsAppSession
from wa_sessions.serializers import WishAnswer
from wa_sessions.states import Intent, Status

pytestmark = pytest.mark.django_db

WISHES = ["connect", "disconnect", "pause", "resume", "unlink"]
JID = "6287788987745:7@s.whatsapp.net"


def linked(outlet, **fields) -> WhatsAppSession:
    values = {"status": Status.CONNECTED, "intent": Intent.ONLINE, "jid": JID, **fields}
    return WhatsAppSession.objects.create(outlet=outlet, **values)


def row_of(outlet) -> WhatsAppSession:
    return WhatsAppSession.objects.get(outlet=outlet)


@pytest.mark.parametrize(
    ("wish", "before", "intent"),
    [
        ("connect", Intent.OFFLINE, Intent.ONLINE),
        ("disconnect", Intent.ONLINE, Intent.OFFLINE),
        ("pause", Intent.ONLINE, Intent.PAUSED),
        ("resume", Intent.PAUSED, Intent.ONLINE),
        ("unlink", Intent.ONLINE, Intent.OFFLINE),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_wish_is_written_and_answered_with_the_session(cast, api, wish, before, intent, slash):
    linked(cast.jakarta, intent=before)
    response = api(cast.adi).post(f"/api/outlets/{cast.jakarta.public_id}/{wish}{slash}")
    assert response.status_code == 202, response.content
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    described_by(WishAnswer, answer)
    assert answer["outletId"] == cast.jakarta.public_id
    assert answer["session"]["intent"] == intent
    assert answer["session"]["pending"] is True
    row = row_of(cast.jakarta)
    assert (row.intent, row.wish, row.status) == (intent, wish, Status.CONNECTED)  # the owner alone changes the status


def test_the_first_connect_makes_the_session(cast, api):
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/connect")
    assert response.status_code == 202
    assert row_of(cast.jakarta).intent == Intent.ONLINE


@pytest.mark.parametrize("wish", ["connect", "disconnect", "pause"])
def test_an_outlets_user_may_wish_for_their_own(cast, api, wish):
    linked(cast.jakarta)
    assert api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/{wish}").status_code == 202


def test_an_outlets_user_may_not_unlink_their_own(cast, api):
    linked(cast.jakarta)
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/unlink")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "permission_denied"
    assert row_of(cast.jakarta).intent == Intent.ONLINE


@pytest.mark.parametrize("wish", WISHES)
def test_absent_foreign_and_malformed_outlets_are_the_same_404(cast, api, wish):
    linked(cast.bandung)
    client = api(cast.jaka)
    answers = [client.post(f"/api/outlets/{found}/{wish}") for found in (cast.bandung.public_id, *IDS)]
    assert {response.status_code for response in answers} == {404}
    assert len({response.content for response in answers}) == 1
    row = row_of(cast.bandung)
    assert (row.intent, row.wish_number) == (Intent.ONLINE, 0)


@pytest.mark.parametrize("wish", WISHES)
def test_nobody_may_wish(cast, api, wish):
    linked(cast.jakarta)
    assert api().post(f"/api/outlets/{cast.jakarta.public_id}/{wish}").status_code == 401
    assert api(cast.nina).post(f"/api/outlets/{cast.jakarta.public_id}/{wish}").status_code == 404
    assert row_of(cast.jakarta).wish_number == 0


@pytest.mark.parametrize("wish", WISHES)
def test_reading_is_no_wish(cast, api, wish):
    linked(cast.jakarta)
    assert api(cast.adi).get(f"/api/outlets/{cast.jakarta.public_id}/{wish}").status_code == 405
    assert row_of(cast.jakarta).wish_number == 0


def test_a_browsers_session_needs_the_csrf_token(cast):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.jaka)
    response = client.post(f"/api/outlets/{cast.jakarta.public_id}/connect")
    assert response.status_code == 403
    assert response.json()["success"] is False
    assert not WhatsAppSession.objects.exists()


@pytest.mark.parametrize(
    ("wish", "prepare", "code"),
    [
        ("connect", "inactive", "outlet_inactive"),
        ("pause", "inactive", "outlet_inactive"),
        ("pause", "never", "not_connected"),
        ("resume", "never", "not_paused"),
        ("unlink", "never", "not_linked"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_its_reason(cast, api, wish, prepare, code):
    if prepare == "inactive":
        linked(cast.jakarta)
        cast.jakarta.is_active = False
        cast.jakarta.save()
    response = api(cast.adi).post(f"/api/outlets/{cast.jakarta.public_id}/{wish}", headers={"Accept-Language": "en"})
    assert response.status_code == 409
    answer = response.json()
    assert answer["success"] is False
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].endswith(".")


@pytest.mark.django_db(transaction=True)
def test_open_pages_are_told_of_a_wish_once_it_is_written(cast, api):
    heard = []

    def listener(hints):
        heard.append((hints.outlets, row_of(cast.jakarta).intent))

    broadcast.subscribe(listener)
    try:
        api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/connect")
    finally:
        broadcast.unsubscribe(listener)
    assert heard == [({cast.jakarta.pk}, Intent.ONLINE)]


@pytest.mark.django_db(transaction=True)
def test_many_connects_at_once_are_one_session(cast, api):
    client = api(cast.jaka)
    codes = []

    def connect():
        try:
            codes.append(client.post(f"/api/outlets/{cast.jakarta.public_id}/connect").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=connect) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [202] * 10
    assert WhatsAppSession.objects.count() == 1
