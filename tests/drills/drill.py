"""A drill: the program, a simulated WhatsApp, the cast of the tests, and the words to say what happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from accounts.models import ApiToken
from outlets.models import Outlet
from tests.cast import Cast
from tests.drills.server import Server, SimulatedWhatsApp, wait_for
from tests.wa_sessions.house import save_keys
from wa_sessions import selectors
from wa_sessions.models import Credential, Flip, WhatsAppSession

QUICK = {"WA_RETRY_DELAY": "0.2", "WA_PING_INTERVAL": "2", "WA_PING_TIMEOUT": "2"}


class Drill:
    """A server, a simulated WhatsApp, the cast, and Sari's token."""

    def __init__(self, server: Server, whatsapp: SimulatedWhatsApp, cast: Cast) -> None:
        self.server = server
        self.whatsapp = whatsapp
        self.phones = whatsapp.control
        self.cast = cast
        self.token = ApiToken.objects.issue(cast.sari, lifetime=timedelta(days=1))[0]

    def ask(self, outlet: Outlet, wish: str) -> None:
        answer = self.server.post(f"/api/outlets/outlet_{outlet.pk}/{wish}", self.token)
        assert answer.status_code == 202, answer.text

    def qr(self, outlet: Outlet) -> str:
        return wait_for(lambda: selectors.qr_of(outlet), f"the QR of {outlet}").text

    def link(self, *outlets: Outlet) -> None:
        for outlet in outlets:
            self.phones.add_phone(outlet.whatsapp_number, name=outlet.name)
            self.ask(outlet, "connect")
        for outlet in outlets:
            self.phones.scan(outlet.whatsapp_number, self.qr(outlet))
            self.becomes(outlet, "CONNECTED")

    def link_directly(self, *outlets: Outlet) -> None:
        """The same without QR codes, which is quicker."""
        save_keys(outlets, self.phones.link_directly([outlet.whatsapp_number for outlet in outlets]), {})
        for outlet in outlets:
            self.ask(outlet, "connect")
        for outlet in outlets:
            self.becomes(outlet, "CONNECTED")

    def row(self, outlet: Outlet) -> WhatsAppSession:
        return WhatsAppSession.objects.get(pk=outlet.pk)

    def becomes(self, outlet: Outlet, status: str, patience_s: float = 30.0) -> WhatsAppSession:
        rows = WhatsAppSession.objects.filter(pk=outlet.pk, status=status)
        try:
            return wait_for(rows.first, f"{outlet} to become {status}", patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.row(outlet).__dict__}\n{self.server.log[-3000:]}") from None

    def is_back(self, outlet: Outlet) -> None:
        """Wait until a socket of this start proves what the row may have said all the time."""
        wait_for(lambda: self.statuses()[outlet.name]["verified"], f"{outlet} to be back", 30)

    def statuses(self) -> dict[str, Any]:
        answer = self.server.get("/api/outlets/status", self.token)
        assert answer.status_code == 200, answer.text
        return {status["outlet"]["name"]: status for status in answer.json()["statuses"]}

    def sockets(self, outlet: Outlet) -> int:
        return int(self.phones.counts(outlet.whatsapp_number)["sockets"])

    def is_true(self) -> None:
        """Rows, answers and the other side's sockets agree, for every outlet."""
        statuses = self.statuses()
        for outlet in Outlet.objects.all():
            status = statuses[outlet.name]
            claims = bool(status["session"]) and status["session"]["status"] in ("CONNECTED", "PAUSED")
            assert claims == (self.sockets(outlet) == 1), f"{outlet}: {status}, sockets {self.sockets(outlet)}"
            assert status["verified"] == claims
            assert self.phones.counts(outlet.whatsapp_number)["max_sockets"] <= 1
            flips = list(
                Flip.objects.filter(session_id=outlet.pk).order_by("pk").values_list("from_status", "to_status")
            )
            for (_, earlier), (later, _to) in pairwise(flips):
                assert earlier == later, f"{outlet}: {flips}"
        assert self.phones.mistakes() == []

    def is_at_rest(self, outlet: Outlet) -> None:
        """Not linked: nothing is dialled, no QR is opened, and nothing is claimed."""
        status = self.statuses()[outlet.name]
        assert status["session"]["status"] in ("DISCONNECTED", "FAILED", "TIMEOUT"), status
        assert status["liveStatus"] == {"status": "DISCONNECTED", "qrCode": None, "name": None}
        assert not Credential.objects.filter(session_id=outlet.pk).exists()


@contextmanager
def drill(folder: Path, cast: Cast, *, command: str = "serve", **environment: str) -> Iterator[Drill]:
    with (
        SimulatedWhatsApp(folder) as whatsapp,
        Server(folder, whatsapp, command=command, **{**QUICK, **environment}) as server,
    ):
        yield Drill(server, whatsapp, cast)
