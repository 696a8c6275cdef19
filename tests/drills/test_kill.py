"""`kill -9` of the server at any moment, and its orderly end: rows never claim a socket that is not there, and every
linked outlet is back without a new scan.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from outlets.models import Outlet
from tests.cast import Cast, OutletFactory
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from wa_sessions import selectors
from wa_sessions.models import Credential, WhatsAppSession
from wa_sessions.states import Status
from whatsapp.simulator.control import ControlClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


# Pairing: in each round four fresh outlets are at four moments of it when the server is killed.


def _kill_after(seconds: float) -> Callable[[Drill, Outlet], None]:
    def wait(here: Drill, outlet: Outlet) -> None:
        time.sleep(seconds)

    return wait


def _kill_when_keys_are_stored(here: Drill, outlet: Outlet) -> None:
    """As early as the keys can be seen on disk: between pair-success and 515, or 515 and the login."""
    wait_for(Credential.objects.filter(session_id=outlet.pk).exists, "keys on disk", pause_s=0.001)


def _kill_when_logged_in(here: Drill, outlet: Outlet) -> None:
    with ControlClient(here.whatsapp.control_url) as phones:
        wait_for(lambda: phones.counts(outlet.whatsapp_number)["logins"], "the login", pause_s=0.001)


DICE = random.Random(7)
ROUNDS = [
    _kill_after(DICE.uniform(0, 0.02)),
    _kill_after(DICE.uniform(0.02, 0.1)),
    _kill_when_keys_are_stored,
    _kill_when_logged_in,
]


def test_it_can_be_killed_at_any_moment_of_pairing(tmp_path: Path, cast: Cast) -> None:
    with drill(tmp_path, cast) as here:
        for moment in ROUNDS:
            asked, shown, scanned, hung = outlets = OutletFactory.create_batch(4)
            for outlet in outlets:
                here.phones.add_phone(outlet.whatsapp_number)
            # 515 came, and nobody answers the login.
            here.phones.fault("black_hole", hung.whatsapp_number)
            for outlet in (hung, shown, scanned):
                here.ask(outlet, "connect")
            here.phones.scan(hung.whatsapp_number, here.qr(hung))
            wait_for(lambda hung=hung: here.phones.counts(hung.whatsapp_number)["dials"] >= 2, "the dial after 515")
            here.qr(shown)
            qr = here.qr(scanned)
            with ThreadPoolExecutor(1) as scanning:
                scan = scanning.submit(here.phones.scan, scanned.whatsapp_number, qr, 2.0)
                here.ask(asked, "connect")
                moment(here, scanned)
                here.server.kill()
                scan.exception()  # the phone may say that the device went away
            here.phones.lift()
            wait_for(lambda outlets=outlets: not any(map(here.sockets, outlets)), "the other side to notice")
            linked = set(Credential.objects.values_list("session_id", flat=True))
            assert hung.pk in linked
            here.server.start()
            for outlet in outlets:
                assert selectors.qr_of(outlet) is None, "what was on show died with its connection"
                if outlet.pk not in linked:
                    here.is_at_rest(outlet)
                elif _phone_knows(here, outlet):
                    here.becomes(outlet, "CONNECTED")
                else:
                    assert here.becomes(outlet, "FAILED").cause == "unlinked"
            here.is_true()
        here.link(*(outlet for outlet in outlets if here.row(outlet).status != Status.CONNECTED))
        here.is_true()


def _phone_knows(here: Drill, outlet: Outlet) -> bool:
    """Keys go to disk before the phone's last step: killed in between, the phone has forgotten us, and says 401."""
    phone = next(phone for phone in here.phones.phones() if phone["number"] == outlet.whatsapp_number)
    return bool(phone["devices"])


def test_it_can_be_killed_at_any_moment_of_normal_running(tmp_path: Path, cast: Cast) -> None:
    jakarta, bandung, surabaya, medan, semarang = cast.outlets
    with drill(tmp_path, cast) as here:
        here.link(jakarta, bandung, surabaya, semarang)
        here.ask(bandung, "pause")
        here.becomes(bandung, "PAUSED")
        here.ask(semarang, "disconnect")
        here.becomes(semarang, "DISCONNECTED")
        here.ask(medan, "connect")
        here.qr(medan)
        here.phones.fault("failure", surabaya.whatsapp_number, code=503)
        here.phones.fault("drop", surabaya.whatsapp_number)
        here.becomes(surabaya, "CONNECTING")

        here.server.kill()
        here.phones.lift()
        assert WhatsAppSession.objects.filter(status="CONNECTED").exists(), "a row cannot know that it was killed"
        here.server.start()
        for outlet, status in ((jakarta, "CONNECTED"), (bandung, "PAUSED"), (surabaya, "CONNECTED")):
            here.is_back(outlet)
            here.becomes(outlet, status)
        here.is_at_rest(medan)
        assert here.row(medan).cause == "pairing_interrupted"
        assert here.row(semarang).status == "DISCONNECTED"
        here.is_true()
        assert here.row(surabaya).retry_count == 0

        # Again, while no line stands: the first answers already say so.
        here.phones.fault("refuse")
        here.server.kill()
        here.server.start()
        for status in here.statuses().values():
            assert status["session"] is None or status["session"]["status"] not in ("CONNECTED", "PAUSED"), status
            assert not status["verified"]
        here.phones.lift()
        for outlet, status in ((jakarta, "CONNECTED"), (bandung, "PAUSED"), (surabaya, "CONNECTED")):
            here.becomes(outlet, status)
        here.is_true()
        for outlet in (jakarta, bandung, surabaya, semarang):
            assert here.phones.counts(outlet.whatsapp_number)["pairings"] == 1, "no new scan"


def test_it_ends_in_time_with_true_rows_and_closed_sockets(tmp_path: Path, cast: Cast) -> None:
    jakarta, bandung, surabaya, medan, _ = cast.outlets
    with drill(tmp_path, cast) as here:
        here.link(jakarta, bandung, surabaya)
        here.ask(bandung, "pause")
        here.becomes(bandung, "PAUSED")
        here.ask(medan, "connect")
        here.qr(medan)
        here.phones.fault("black_hole", surabaya.whatsapp_number)  # its goodbye is answered by nobody
        took = here.server.terminate()
        assert took < 10
        assert set(WhatsAppSession.objects.values_list("status", flat=True)) == {"DISCONNECTED"}
        assert not WhatsAppSession.objects.filter(qr__isnull=False).exists()
        wait_for(lambda: here.phones.counts()["sockets"] == 0, "closed sockets", 5)
        assert "Traceback" not in here.server.log
        here.phones.lift()
        here.server.start()
        for outlet, status in ((jakarta, "CONNECTED"), (bandung, "PAUSED"), (surabaya, "CONNECTED")):
            here.becomes(outlet, status)
        here.is_true()


@pytest.mark.parametrize("command", ["daphne", "uvicorn"])
def test_every_way_to_serve_starts_the_same_manager_once(tmp_path: Path, cast: Cast, command: str) -> None:
    with drill(tmp_path, cast, command=command) as here:
        here.link(cast.jakarta)
        owners = set(WhatsAppSession.objects.values_list("owner", flat=True))
        here.is_true()
        assert here.server.terminate() < 10
        assert here.row(cast.jakarta).status == "DISCONNECTED"
        here.server.start()
        row = here.becomes(cast.jakarta, "CONNECTED")
        assert {row.owner} != owners
        assert row.epoch == 2
        here.is_true()
        here.server.kill()
        here.server.start()
        here.is_back(cast.jakarta)
        here.is_true()
