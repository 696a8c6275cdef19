"""The seeds' picture made by hand: three connected, Bandung disconnected, Medan waiting for a scan."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

from outlets.models import Outlet
from tests.cast import Cast
from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import Live
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.states import Status
from wa_sessions.vault import seal

QR_TEXT = "2@" + "secret" * 30


@dataclass
class Socket:
    is_open: bool = True

    @property
    def answered_at(self) -> float:
        return time.monotonic() - 1


class Scene:
    """`cast` plus a session for each outlet; the verbs change one outlet as its owner would."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.live: dict[int, Live] = {}
        self.manager = SimpleNamespace(
            owner="me", proof_window_s=26.0, snapshot=lambda: self.live, nudge=lambda: None, is_ready=True
        )
        for outlet in (cast.jakarta, cast.surabaya, cast.semarang):
            self.connected(outlet)
        self.down(cast.bandung, cause="unlinked")
        self.qr(cast.medan)

    def _row(self, outlet: Outlet, status: Status, **fields: Any) -> WhatsAppSession:
        if outlet.pk in self.live:  # whoever reads meanwhile knows that its owner is about to write
            self.live[outlet.pk] = replace(self.live[outlet.pk], is_settled=False)
        before = WhatsAppSession.objects.filter(pk=outlet.pk).values_list("status", flat=True).first()
        plain = {
            "intent": "ONLINE", "status": status, "owner": "me", "epoch": 1, "cause": "", "cause_detail": {},
            "qr": None, "qr_expires_at": None, "pairing_code": None, "jid": "", "retry_at": None,
        }  # fmt: skip
        session = WhatsAppSession.objects.update_or_create(outlet=outlet, defaults=plain | fields)[0]
        WhatsAppSession.objects.filter(pk=outlet.pk).update(wish_done=session.wish_number)
        if before != status:
            Flip.objects.create(
                session=session,
                from_status=before or Status.DISCONNECTED,
                to_status=status,
                reason=fields.get("cause", ""),
                source="socket",
                at=timezone.now() - timedelta(minutes=12),
            )
        return session

    def connected(self, outlet: Outlet, name: str = "Redmi Note 13", **fields: Any) -> None:
        jid = f"{outlet.whatsapp_number}:7@s.whatsapp.net"
        at = timezone.now() - timedelta(hours=2)
        self._row(outlet, Status.CONNECTED, jid=jid, session_name=name, connected_at=at, last_seen=at, **fields)
        self.live[outlet.pk] = Live(Phase.OPEN, time.monotonic() - 60, Socket(), jid, name)

    def down(self, outlet: Outlet, cause: str = "", status: Status = Status.DISCONNECTED, **fields: Any) -> None:
        self._row(outlet, status, cause=cause, **fields)
        self.live[outlet.pk] = Live(Phase.IDLE, time.monotonic())

    def qr(self, outlet: Outlet, seconds: int = 60, text: str = QR_TEXT) -> None:
        until = timezone.now() + timedelta(seconds=seconds)
        self._row(outlet, Status.CONNECTING, qr=seal(text.encode()), qr_expires_at=until)
        self._pairing(outlet)

    def code(self, outlet: Outlet, code: str = "K7M2XQ4P") -> None:
        until = timezone.now() + timedelta(seconds=60)
        fields = {"qr": seal(QR_TEXT.encode()), "qr_expires_at": until, "pairing_code": seal(code.encode())}
        self._row(outlet, Status.CONNECTING, **fields)
        self._pairing(outlet)

    def _pairing(self, outlet: Outlet) -> None:
        self.live[outlet.pk] = Live(Phase.PAIRING, time.monotonic(), Socket(), has_qr=True)
