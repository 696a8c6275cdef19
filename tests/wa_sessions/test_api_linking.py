"""QR and pairing code: shown to those who may link, never kept on the way."""

import threading
import time
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from tests.wa_sessions.test_api_status import IDS, described_by
from wa_sessions import linking_api
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.serializers import PairingCodeAnswer, QrAnswer
from wa_sessions.states import Intent, Source, Status, Wish
from wa_sessions.vault import seal

pytestmark = pytest.mark.django_db

TEXT = "2@ref,noise,identity,adv"


def pairing(outlet, **fields) -> WhatsAppSession:
    values = {
        "status": Status.CONNECTING,
        "intent": Intent.ONLINE,
        "qr": seal(TEXT.encode()),
        "qr_expires_at": timezone.now() + timedelta(seconds=20),
        **fields,
    }
    return WhatsAppSession.objects.create(outlet=outlet, **values)


@pytest.fixture
def owner(cast, monkeypatch):
    """Somebody who acts on wishes as the owner of the connection would. Set `acts` to what is done, in its thread."""
    monkeypatch.setattr(linking_api, "CODE_POLL_S", 0.02)
    monkeypatch.setattr(linking_api, "CODE_WAIT_S", 3.0)

    class Owner:
        acts = staticmethod(lambda rows: None)
        codes_given = 0

    owner, ends = Owner(), threading.Event()

    def act():
        try:
            while not ends.wait(0.02):
                rows = WhatsAppSession.objects.filter(wish=Wish.CONNECT_BY_CODE).exclude(wish_number=F("wish_done"))
                if rows.exists():
                    owner.acts(rows)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    yield owner
    ends.set()
    thread.join()


def give_code(rows):
    rows.update(pairing_code=seal(b"ABCDEFGH"), status=Status.CONNECTING, wish_done=F("wish_number"))


# QR


@pytest.mark.parametrize("slash", ["", "/"])
def test_it_gives_the_qr_that_waits(cast, api, slash):
    row = pairing(cast.jakarta)
    response = api(cast.jaka).get(f"/api/outlets/{cast.jakarta.public_id}/qr{slash}")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    described_by(QrAnswer, answer)
    assert answer["qr"] == TEXT
    assert answer["expiresAt"] == f"{row.qr_expires_at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("why", ["never", "ended", "none", "inactive"])
def test_it_says_no_qr_while_none_waits(cast, api, why):
    if why == "ended":
        pairing(cast.jakarta, qr_expires_at=timezone.now() - timedelta(seconds=1))
    elif why == "none":
        pairing(cast.jakarta, qr=None, qr_expires_at=None)
    elif why == "inactive":
        pairing(cast.jakarta)
        cast.jakarta.is_active = False
        cast.jakarta.save()
    response = api(cast.jaka).get(f"/api/outlets/{cast.jakarta.public_id}/qr")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "no_qr"
    assert response.json()["error"]["message"]


def test_the_status_says_that_a_qr_is_there_and_never_what(cast, api):
    pairing(cast.jakarta, pairing_code=seal(b"ABCDEFGH"))
    for path in ("/api/outlets/status", f"/api/outlets/{cast.jakarta.public_id}/status"):
        body = api(cast.jaka).get(path).content.decode()
        assert TEXT not in body
        assert "ABCD" not in body


# Pairing code


@pytest.mark.django_db(transaction=True)
def test_it_asks_for_a_code_and_gives_it(cast, api, owner):
    owner.acts = give_code
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    described_by(PairingCodeAnswer, answer)
    assert answer["code"] == "ABCD-EFGH"
    left = datetime.fromisoformat(answer["expiresAt"]) - timezone.now()
    assert timedelta(seconds=100) < left <= timedelta(seconds=160)


def test_it_gives_the_code_that_stands_without_asking_for_another(cast, api):
    began = timezone.now() - timedelta(seconds=60)
    row = pairing(cast.jakarta, pairing_code=seal(b"ABCDEFGH"))
    Flip.objects.create(session=row, from_status="DISCONNECTED", to_status="CONNECTING", source=Source.PERSON, at=began)
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code/")
    assert response.status_code == 200
    assert response.json()["code"] == "ABCD-EFGH"
    assert response.json()["expiresAt"] == f"{began + timedelta(seconds=160):%Y-%m-%dT%H:%M:%SZ}"
    row.refresh_from_db()
    assert row.wish_number == 0


def test_it_does_not_give_the_code_of_a_linking_that_has_ended(cast, api, monkeypatch):
    monkeypatch.setattr(linking_api, "CODE_WAIT_S", 0.05)
    pairing(cast.jakarta, pairing_code=seal(b"ABCDEFGH"), status=Status.TIMEOUT)
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert response.status_code == 504


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": Status.TIMEOUT}, "pairing_ended"),
        ({"status": Status.CONNECTED, "jid": "6287788987745:7@s.whatsapp.net"}, "already_linked"),
    ],
)
def test_it_says_at_once_that_no_code_will_come(cast, api, owner, fields, code):
    owner.acts = lambda rows: rows.update(wish_done=F("wish_number"), **fields)
    began = time.monotonic()
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert time.monotonic() - began < 2.0
    assert response.status_code == 409
    assert response.json()["error"]["code"] == code


@pytest.mark.django_db(transaction=True)
def test_it_gives_up_in_time(cast, api, monkeypatch):
    monkeypatch.setattr(linking_api, "CODE_WAIT_S", 0.3)
    began = time.monotonic()
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert 0.3 <= time.monotonic() - began < 2.0
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "no_code"


@pytest.mark.django_db(transaction=True)
def test_an_outlet_that_is_deleted_meanwhile_is_not_there(cast, api, owner):
    owner.acts = lambda rows: cast.jakarta.delete()
    response = api(cast.adi).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_linked_outlet_needs_no_code(cast, api):
    row = pairing(cast.jakarta, status=Status.DISCONNECTED, jid="6287788987745:7@s.whatsapp.net")
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "already_linked"
    row.refresh_from_db()
    assert row.wish_number == 0


def test_an_inactive_outlet_gets_no_code(cast, api):
    cast.jakarta.is_active = False
    cast.jakarta.save()
    response = api(cast.jaka).post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "outlet_inactive"


@pytest.mark.django_db(transaction=True)
def test_waiting_requests_do_not_hold_every_thread(cast, api, monkeypatch):
    monkeypatch.setattr(linking_api, "CODE_WAIT_S", 1.0)
    client, codes = api(cast.adi), []

    def ask(outlet):
        try:
            codes.append(client.post(f"/api/outlets/{outlet.public_id}/pairing-code").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(outlet,)) for outlet in cast.outlets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [503, 503, 503, 504, 504]


def test_it_does_not_let_phones_ring_without_end(cast, api):
    pairing(cast.jakarta, pairing_code=seal(b"ABCDEFGH"))
    client = api(cast.jaka)
    answers = [client.post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code") for _ in range(8)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["code"] == "throttled"
    assert int(answers[-1]["Retry-After"]) > 0


def test_codes_are_for_those_who_see_the_outlet(cast, api):
    pairing(cast.bandung, pairing_code=seal(b"ABCDEFGH"))
    assert api().post(f"/api/outlets/{cast.bandung.public_id}/pairing-code").status_code == 401
    assert api(cast.nina).post(f"/api/outlets/{cast.bandung.public_id}/pairing-code").status_code == 404
    client = api(cast.jaka)
    answers = [client.post(f"/api/outlets/{found}/pairing-code") for found in (cast.bandung.public_id, *IDS[:4])]
    assert {response.status_code for response in answers} == {404}
    assert len({response.content for response in answers}) == 1


def test_no_secret_reaches_a_log(cast, api, caplog):
    caplog.set_level(0)
    pairing(cast.jakarta, pairing_code=seal(b"ABCDEFGH"))
    client = api(cast.jaka)
    client.get(f"/api/outlets/{cast.jakarta.public_id}/qr")
    client.post(f"/api/outlets/{cast.jakarta.public_id}/pairing-code")
    for secret in (TEXT, "ABCDEFGH", "ABCD-EFGH", client.token):
        assert secret not in caplog.text
