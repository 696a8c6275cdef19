"""Elements are kept between reads: each read is still told what is true when it asks."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import translation

from outlets.models import Outlet
from wa_sessions import elements
from wa_sessions.elements import element_of, encode
from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import NOTHING, Live
from wa_sessions.models import WhatsAppSession
from wa_sessions.rows import session_rows
from wa_sessions.states import Status

pytestmark = pytest.mark.django_db
JID = "6287788987745:7@s.whatsapp.net"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(elements, "_kept", {})


@pytest.fixture
def outlet(cast):
    WhatsAppSession.objects.create(
        outlet=cast.jakarta, intent="ONLINE", status=Status.CONNECTED, jid=JID, owner="me", epoch=1
    )
    return cast.jakarta


def linked():
    clock = time.monotonic()
    proof = SimpleNamespace(is_open=True, answered_at=clock - 1)
    return Live(Phase.OPEN, clock - 60, proof=proof, user=JID, name="Device")


def drawn(outlet, live, *, is_ours=True, corrected=None, after_s=0.0):
    (row,) = session_rows(Outlet.objects.filter(pk=outlet.pk))
    clock = time.monotonic() + after_s
    now = datetime.now(UTC) + timedelta(seconds=after_s)
    return element_of(row, live, is_ours, corrected, 26.0, clock, now.timestamp() - clock, now)


def test_what_did_not_change_is_not_drawn_again(outlet):
    live = linked()
    assert drawn(outlet, live) is drawn(outlet, replace(live, since=live.since + 1))


def test_a_socket_that_changes_is_told_at_once(outlet):
    live = linked()
    assert drawn(outlet, live)["healthy"] is True
    live.proof.is_open = False
    assert drawn(outlet, live)["checks"]["websocketOpen"] is False
    live.proof.is_open = True
    assert drawn(outlet, live)["healthy"] is True
    before = drawn(outlet, live)["verifiedAt"]
    live.proof.answered_at += 3
    assert drawn(outlet, live)["verifiedAt"] > before
    assert drawn(outlet, live, after_s=60)["liveStatus"]["status"] == "DISCONNECTED"  # a server that says nothing more
    assert drawn(outlet, replace(live, user=""))["checks"]["socketHasUser"] is False
    assert drawn(outlet, replace(live, name="Other"))["liveStatus"]["name"] == "Other"
    assert drawn(outlet, replace(live, waits_for_network=True))["waitingForNetwork"] is True
    assert drawn(outlet, NOTHING, is_ours=False)["unverified"] is True
    assert drawn(outlet, live, corrected=Status.PAUSED)["synced"] is True
    assert drawn(outlet, live)["synced"] is False


def test_a_row_that_changes_is_told_at_once(outlet):
    live = linked()
    assert drawn(outlet, live)["session"]["autoReconnect"] is True
    WhatsAppSession.objects.filter(pk=outlet.pk).update(auto_reconnect=False)
    assert drawn(outlet, live)["session"]["autoReconnect"] is False
    Outlet.objects.filter(pk=outlet.pk).update(name="Renamed")
    assert drawn(outlet, live)["outlet"]["name"] == "Renamed"


def test_a_cause_is_told_in_each_readers_language(outlet):
    WhatsAppSession.objects.filter(pk=outlet.pk).update(status=Status.DISCONNECTED, cause="network")
    with translation.override("id"):
        indonesian = drawn(outlet, NOTHING)["cause"]["message"]
    with translation.override("en"):
        english = drawn(outlet, NOTHING)["cause"]["message"]
    assert indonesian != english


def test_the_json_is_that_of_the_element(outlet):
    element = drawn(outlet, linked())
    assert element.json == encode(dict(element)) == drawn(outlet, linked()).json


def test_no_more_is_kept_than_allowed(outlet, monkeypatch):
    monkeypatch.setattr(elements, "KEPT", 0)
    assert drawn(outlet, linked())["healthy"] is True
    assert elements._kept == {}
