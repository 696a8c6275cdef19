"""The status of every outlet, from rows and sockets made by hand: what a reader is told, and what it corrects."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone, translation

from wa_sessions import manager, selectors
from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import Live
from wa_sessions.models import WhatsAppSession
from wa_sessions.states import Status
from wa_sessions.vault import seal

pytestmark = pytest.mark.django_db
JID = "6287788987745:7@s.whatsapp.net"


@dataclass
class Socket:
    is_open: bool = True
    answered_at: float = 0.0


@pytest.fixture
def sockets(monkeypatch):
    """The snapshot of a manager called "me": outlet -> Live."""
    snapshot = {}
    here = SimpleNamespace(owner="me", proof_window_s=26.0, snapshot=lambda: snapshot, nudge=lambda: None)
    monkeypatch.setattr(manager, "_current", here)
    return snapshot


def row(outlet, **fields):
    fields = {"intent": "ONLINE", "status": Status.CONNECTED, "jid": JID, "owner": "me", "epoch": 1} | fields
    return WhatsAppSession.objects.create(outlet=outlet, **fields)


def live(age_s=1.0, **fields):
    now = time.monotonic()
    fields = {"phase": Phase.OPEN, "since": now - 60, "user": JID, "name": "Device Name"} | fields
    return Live(proof=Socket(answered_at=now - age_s), **fields)


def test_it_answers_with_the_documented_keys_in_their_order(cast, sockets):
    row(cast.jakarta, session_name="Device Name", connected_at=datetime(2025, 10, 25, 10, 30, tzinfo=UTC))
    sockets[cast.jakarta.pk] = live()
    page = selectors.status_page(cast.jaka)
    assert list(page)[:4] == ["success", "count", "healthy", "statuses"]
    assert (page["success"], page["count"], page["healthy"]) == (True, 1, 1)
    (element,) = page["statuses"]
    assert list(element)[:10] == [
        "outletId", "outlet", "session", "liveStatus", "healthy",
        "checks", "cause", "synced", "verifiedAt", "maxRetries",
    ]  # fmt: skip
    assert element["outletId"] == cast.jakarta.public_id
    assert element["outlet"] == {"name": "Outlet Jakarta", "whatsappNumber": "6287788987745", "isActive": True}
    assert list(element["session"]) == [
        "status", "sessionName", "connectedAt", "lastSeen", "qrCode", "autoReconnect", "retryCount",
    ]  # fmt: skip
    assert element["session"]["connectedAt"] == "2025-10-25T10:30:00Z"
    assert element["liveStatus"] == {"status": "CONNECTED", "qrCode": None, "name": "Device Name"}
    assert element["checks"] == dict.fromkeys(
        ("dbConnected", "liveConnected", "socketHasUser", "websocketOpen", "autoReconnect"), True
    )
    assert (element["cause"], element["synced"], element["maxRetries"]) == (None, False, 3)
    json.dumps(page)


def test_it_has_no_session_for_an_outlet_that_never_had_one(cast, sockets):
    element = selectors.status_of(cast.medan)
    assert element["session"] is None
    assert element["liveStatus"]["status"] == "DISCONNECTED"
    assert element["actions"] == ["connect"]


@pytest.mark.parametrize(
    ("db", "socket", "becomes"),
    [
        ("CONNECTED", {"age_s": 27.0}, "DISCONNECTED"),
        ("PAUSED", {"user": ""}, "DISCONNECTED"),
        ("CONNECTING", {}, "CONNECTED"),
        ("DISCONNECTED", {}, "CONNECTED"),
        ("FAILED", {}, "CONNECTED"),
        ("TIMEOUT", {}, "CONNECTED"),
        ("CONNECTING", {"phase": Phase.IDLE}, "DISCONNECTED"),
    ],
)
def test_it_corrects_a_row_that_disagrees_with_its_socket(cast, sockets, db, socket, becomes):
    session = row(cast.jakarta, status=db)
    sockets[cast.jakarta.pk] = live(**socket)
    element = selectors.status_of(cast.jakarta)
    assert (element["session"]["status"], element["synced"]) == (becomes, True)
    session.refresh_from_db()
    assert session.status == becomes
    assert selectors.status_of(cast.jakarta)["synced"] is False


def test_it_leaves_a_row_alone_that_its_writer_is_about_to_write(cast, sockets):
    row(cast.jakarta, status="CONNECTING")
    sockets[cast.jakarta.pk] = live(is_settled=False)
    element = selectors.status_of(cast.jakarta)
    assert (element["session"]["status"], element["liveStatus"]["status"], element["synced"]) == (
        "CONNECTING",
        "CONNECTED",
        False,
    )


def test_it_corrects_nothing_of_an_outlet_whose_owner_cannot_be_asked(cast, sockets):
    row(cast.jakarta, owner="another", last_seen=datetime(2025, 10, 25, 10, 35, tzinfo=UTC))
    element = selectors.status_of(cast.jakarta)
    assert (element["unverified"], element["verified"], element["synced"]) == (True, False, False)
    assert (element["session"]["status"], element["healthy"]) == ("CONNECTED", False)
    assert element["verifiedAt"] == "2025-10-25T10:35:00Z"


def test_it_is_unhealthy_as_soon_as_one_term_fails(cast, sockets):
    session = row(cast.jakarta)
    sockets[cast.jakarta.pk] = live()
    assert selectors.status_of(cast.jakarta)["healthy"]
    WhatsAppSession.objects.filter(pk=session.pk).update(auto_reconnect=False)
    element = selectors.status_of(cast.jakarta)
    assert not element["healthy"]
    assert [name for name, holds in element["checks"].items() if not holds] == ["autoReconnect"]


def test_it_counts_over_everything_the_user_may_see_and_not_over_the_page(cast, sockets):
    for outlet in cast.outlets[:3]:
        row(outlet)
        sockets[outlet.pk] = live()
    cast.semarang.is_active = False
    cast.semarang.save()
    page = selectors.status_page(cast.adi, healthy=True, page=1, page_size=2)
    assert (page["count"], page["healthy"], page["problems"], page["inactive"]) == (5, 3, 1, 1)
    assert [e["outlet"]["name"] for e in page["statuses"]] == ["Outlet Bandung", "Outlet Jakarta"]
    assert (page["page"], page["pageSize"], page["found"]) == (1, 2, 3)


def test_it_shows_each_person_only_their_outlets(cast, sockets):
    assert selectors.status_page(cast.adi)["count"] == 5
    assert [e["outlet"]["name"] for e in selectors.status_page(cast.budi)["statuses"]] == ["Outlet Bandung"]
    assert selectors.status_page(cast.nina)["count"] == 0


@pytest.mark.parametrize(
    ("q", "names"), [("bandung", ["Outlet Bandung"]), ("0877-8898", ["Outlet Jakarta"]), ("x", [])]
)
def test_it_searches_names_and_numbers(cast, sockets, q, names):
    assert [e["outlet"]["name"] for e in selectors.status_page(cast.adi, q=q)["statuses"]] == names


def test_it_filters_by_db_status(cast, sockets):
    row(cast.jakarta, status="FAILED", intent="OFFLINE")
    assert len(selectors.status_page(cast.adi, status="FAILED")["statuses"]) == 1


@pytest.mark.parametrize("count", [1, 5])
def test_it_needs_the_same_few_queries_for_any_number_of_outlets(cast, sockets, count, django_assert_max_num_queries):
    for outlet in cast.outlets[:count]:
        row(outlet, status="DISCONNECTED")
        sockets[outlet.pk] = live()
    with django_assert_max_num_queries(5):  # three, and the savepoint that a test puts around the two writes
        assert sum(e["synced"] for e in selectors.status_page(cast.sari)["statuses"]) == count
    with django_assert_max_num_queries(1):
        selectors.status_page(cast.sari)


def test_it_names_the_cause_and_the_next_step_in_the_readers_language(cast, sockets):
    until = timezone.now() + timedelta(minutes=14)
    row(cast.jakarta, status="FAILED", cause="temporary_ban", retry_at=until, intent="OFFLINE")
    with translation.override("en"):
        cause = selectors.status_of(cast.jakarta)["cause"]
    assert (cause["code"], cause["retryAt"]) == ("temporary_ban", until.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert "14 minutes" in cause["action"]


def test_it_offers_no_connection_while_whatsapp_restricts_the_number(cast, sockets):
    until = timezone.now() + timedelta(minutes=14)
    session = row(cast.jakarta, status="FAILED", cause="temporary_ban", retry_at=until)
    sockets[cast.jakarta.pk] = Live(Phase.WAITING, time.monotonic())
    element = selectors.status_of(cast.jakarta)
    assert (element["liveStatus"]["status"], element["actions"]) == ("DISCONNECTED", ["disconnect", "unlink"])
    WhatsAppSession.objects.filter(pk=session.pk).update(retry_at=timezone.now() - timedelta(seconds=1))
    assert "connect" in selectors.status_of(cast.jakarta)["actions"]


def test_it_names_both_numbers_when_the_wrong_phone_scanned(cast, sockets):
    detail = {"scanned": "6281111111111", "expected": "6287788987745"}
    row(cast.jakarta, status="FAILED", cause="wrong_number", cause_detail=detail, jid="", intent="OFFLINE")
    message = selectors.status_of(cast.jakarta)["cause"]["message"]
    assert "6281111111111" in message
    assert "6287788987745" in message


def test_it_never_puts_the_qr_itself_into_a_status(cast, sockets):
    row(cast.medan, status="CONNECTING", jid="", qr=seal(b"2@secret"), qr_expires_at=timezone.now() + timedelta(60))
    sockets[cast.medan.pk] = live(phase=Phase.PAIRING, user="", has_qr=True)
    element = selectors.status_of(cast.medan)
    assert element["session"]["qrCode"] == element["liveStatus"]["qrCode"] == "Present"
    assert "secret" not in json.dumps(element)
    qr = selectors.qr_of(cast.medan)
    assert qr is not None
    assert qr.text == "2@secret"
    assert "secret" not in repr(qr)


def test_it_has_no_qr_when_it_is_over_or_cannot_be_read(cast, sockets):
    session = row(cast.medan, qr=seal(b"2@secret"), qr_expires_at=timezone.now() - timedelta(seconds=1))
    assert selectors.qr_of(cast.medan) is None
    WhatsAppSession.objects.filter(pk=session.pk).update(qr=b"?", qr_expires_at=timezone.now() + timedelta(60))
    assert selectors.qr_of(cast.medan) is None
    assert selectors.qr_of(cast.jakarta) is None


def test_it_logs_the_live_check_only_for_those_who_ask(cast, sockets, caplog):
    row(cast.jakarta)
    sockets[cast.jakarta.pk] = live()
    with caplog.at_level("INFO", "wa_sessions"):
        selectors.status_of(cast.jakarta)
    assert caplog.messages == []
    with caplog.at_level("DEBUG", "wa_sessions"):
        selectors.status_of(cast.jakarta)
    assert caplog.messages == [
        "[WhatsApp] getSessionStatus live check: DB status=CONNECTED, verified=true, has qrCode=false",
        f"[WhatsApp] verifyLiveConnection: VERIFIED for outlet_{cast.jakarta.pk}, user: {JID}",
    ]
