"""One outlet's whole world without a loop, a database or a socket: its row, keys, phone, connection, gate and clock.

What the runner and the manager do around the lifecycle is done here in the same order, but every step waits to be told
to happen. Rules that must hold at a single step are asserted where it happens.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.wa_sessions.lifecycle_diagram import ARROWS, CLAIMS, source_of
from tests.wa_sessions.lifecycle_states import CLOSED, NUMBER, OUTAGE, REFS_ENDED, REMOVED, RESTART
from wa_sessions.causes import Code, is_outage
from wa_sessions.gate import Gate
from wa_sessions.lifecycle import receive
from wa_sessions.lifecycle_types import (
    Admitted,
    Configured,
    Effect,
    Ended,
    Event,
    KeyLost,
    Linked,
    LoggedIn,
    Policy,
    Restored,
    State,
    Stopped,
    Wished,
    Woken,
)
from wa_sessions.live import Live
from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import End, EndKind

OUTLET = 1
WINDOW_S = 26.0
EPOCH = 1_000_000.0  # what the wall clock says when the monotonic one says 0
UNLINK_FAILED = End(EndKind.TRANSIENT, 408, "unlink")
S = Status


class Stage(StrEnum):
    DIALING = "dialing"
    QR = "qr"
    ACCEPTED = "accepted"  # keys saved, the lifecycle not told yet
    RESTARTING = "restarting"  # waits for 515
    OPEN = "open"


@dataclass
class Socket:
    """The connection; also the proof that it lives."""

    pairing: bool
    stage: Stage = Stage.DIALING
    closing: bool = False
    unlinking: bool = False
    answered_at: float = float("-inf")

    @property
    def is_open(self) -> bool:
        return self.stage is Stage.OPEN


@dataclass
class Row:
    """`whatsapp_sessions`, and the outlet's `is_active`."""

    intent: Intent = Intent.OFFLINE
    wish: Wish | None = None
    wish_number: int = 0
    auto_reconnect: bool = True
    max_retries: int = 3
    active: bool = True
    linked: bool = False
    state: dict[str, Any] = field(
        default_factory=lambda: {
            "status": S.DISCONNECTED,
            "retry_count": 0,
            "retry_at": None,
            "cause": "",
            "detail": (),
            "wish_done": 0,
        }
    )

    @property
    def status(self) -> Status:
        return Status(self.state["status"])


class World:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.now = 0.0  # monotonic
        self.row = Row()
        self.keys: str = ""  # the number whose keys are on disk
        self.listed: str = ""  # the number whose phone lists this device
        self.can_read_keys = True
        self.network_is_up = True
        self.person_asked = False  # to connect, since a QR was last opened for it
        self.random = 0.5
        self._forget_process()
        self.start()

    def _forget_process(self) -> None:
        """All that is only in memory."""
        self.state: State | None = None
        self.socket: Socket | None = None
        self.gate = Gate()
        self.gate_asks_at: float | None = None
        self.admitted = 0  # turns to dial that are on their way
        self.timer: float | None = None
        self.unwritten: dict[str, Any] = {}
        self.is_wiping = False
        self.seen_wish = 0
        self.since = self.now

    # The server process.

    def start(self) -> None:
        row = self.row
        self.state = State(
            intent=row.intent,
            active=row.active,
            auto_reconnect=row.auto_reconnect,
            max_retries=row.max_retries,
            linked=row.linked,
            **row.state,
        )
        self.seen_wish = self.state.wish_done
        self.feed(Restored())

    def crash(self) -> None:
        if self.is_wiping and self.keys != self.listed:
            self.wipe()  # lost half-way it leaves keys that open nothing
        self._forget_process()
        is_open = self.row.wish_number != self.row.state["wish_done"]
        if is_open and self.row.wish in (Wish.CONNECT, Wish.CONNECT_BY_CODE):
            self.person_asked = True  # it is not on disk that this was done: it is heard again

    def stop(self) -> None:
        self.feed(Stopped())
        if self.socket is not None:
            assert self.socket.closing
            self.end(CLOSED)
        if self.is_wiping:
            self.wipe()
        self.write()
        assert self.socket is None
        assert self.row.status not in CLAIMS
        self._forget_process()

    # The runner.

    def feed(self, event: Event) -> None:
        before = self.state
        assert before is not None
        after, effects = receive(before, event, EPOCH + self.now, self.random, self.policy)
        self.state = after
        if after.phase is not before.phase:
            self.since = self.now
        self._check_step(before, after, event)
        for name in self.row.state:
            if getattr(after, name) != getattr(before, name):
                self.unwritten[name] = getattr(after, name)
        if before.linked and not after.linked:
            self.unwritten["linked"] = False
        for effect in effects:
            self._do(effect)

    def _check_step(self, before: State, after: State, event: Event) -> None:
        if after.status is not before.status:
            arrow = (before.status, after.status)
            assert arrow in ARROWS[source_of(event)], f"{arrow} by {event}"
            assert after.reason, f"no reason for {arrow} by {event}"
        assert after.wish_done >= before.wish_done
        if after.retry_count > before.retry_count:
            assert isinstance(event, Ended)
            assert event.end.kind is not EndKind.NOT_SCANNED
            assert not is_outage(event.end) or event.network_works

    def _do(self, effect: Effect) -> None:
        match effect:
            case Effect.QUEUE | Effect.QUEUE_FIRST:
                self.gate.join(OUTLET, first=effect is Effect.QUEUE_FIRST)
                self.open_gate()
            case Effect.LEAVE_QUEUE:
                self.gate.forget(OUTLET)
                self.timer = None
            case Effect.DIAL | Effect.PAIR:
                self._connect(pairing=effect is Effect.PAIR)
            case Effect.CLOSE:
                assert self.socket is not None
                self.socket.closing = True
            case Effect.UNLINK:
                assert self.socket is not None
                assert self.socket.is_open
                self.socket.unlinking = True
            case Effect.WIPE:
                assert self.keys != self.listed or not (self.keys and self.can_read_keys), "good keys wiped"
                self.is_wiping = True
            case Effect.WAKE:
                assert self.state is not None
                assert self.state.retry_at is not None
                self.timer = max(self.now, self.state.retry_at - EPOCH)
            case Effect.CODE:
                assert self.socket is not None
                assert self.socket.pairing

    def _connect(self, *, pairing: bool) -> None:
        assert self.socket is None, "a second socket"
        assert self.state is not None
        if self.is_wiping:
            self.wipe()
        if pairing:
            assert self.person_asked, "a QR that nobody asked for"
            self.person_asked = False
        assert pairing or self.state.linked
        self.socket = Socket(pairing)

    def wipe(self) -> None:
        self.is_wiping = False
        self.keys = ""
        self.row.linked = False

    def write(self) -> None:
        """The journal's transaction."""
        if "linked" in self.unwritten:
            self.row.linked = self.unwritten.pop("linked")
        self.row.state |= self.unwritten
        self.unwritten = {}

    def live(self) -> Live:
        assert self.state is not None
        return Live(
            phase=self.state.phase,
            since=self.since,
            proof=self.socket,
            user=f"{self.keys}@s.whatsapp.net" if self.socket and self.socket.is_open else "",
            is_settled=not self.unwritten,
        )

    # The manager.

    def open_gate(self) -> None:
        leaving, again_in_s = self.gate.leave(self.now)
        self.gate_asks_at = None if again_in_s is None else self.now + again_in_s
        self.admitted += len(leaving)

    def hear(self) -> None:
        row, state = self.row, self.state
        assert state is not None
        if row.wish_number == row.state["wish_done"] and row.active == state.active:
            return
        is_wish = row.wish_number > self.seen_wish
        wanted = (row.active, row.auto_reconnect, row.max_retries)
        if is_wish or wanted != (state.active, state.auto_reconnect, state.max_retries):
            self.feed(Configured(*wanted, row.wish_number if is_wish and row.wish is None else 0))
        if is_wish:
            self.seen_wish = row.wish_number
            if row.wish is not None:
                self.feed(Wished(row.wish, row.intent, row.wish_number))

    # WhatsApp.

    def end(self, end: End) -> None:
        """The connection is gone."""
        assert self.socket is not None
        if self.socket.stage is Stage.ACCEPTED:
            self.feed(Linked())  # the engine ends what it is at before it says that the line is gone
        was_reached = not self.gate.is_under_way(OUTLET)
        self.socket = None
        self.timer = None
        if end.keys_worthless:
            self.listed = ""
        works = True
        if end.kind is EndKind.CLOSED:
            self.gate.forget(OUTLET)
        elif is_outage(end):
            works = self.gate.failed(OUTLET, self.now)
        elif not was_reached:
            self.gate.reached(OUTLET, self.now)
        elif end.kind is EndKind.TRANSIENT:
            self.gate.lost()
        self.feed(Ended(end, works))
        self.open_gate()

    def scan(self, number: str) -> None:
        """A phone accepts: the keys are on disk, and the phone lists the device, before the lifecycle hears of it."""
        assert self.socket is not None
        self.socket.stage = Stage.ACCEPTED
        self.keys = self.listed = number
        self.row.linked = True

    def proceed(self, *, scanned_by: str = "") -> None:
        """The next thing that must happen to the connection, happens."""
        socket = self.socket
        assert socket is not None
        if socket.stage is Stage.ACCEPTED:
            socket.stage = Stage.RESTARTING
            self.feed(Linked())
        elif socket.closing:
            self.end(CLOSED)
        elif socket.unlinking:
            if self.network_is_up:
                self.listed = ""
                self.end(CLOSED)
            else:
                self.end(UNLINK_FAILED)
        elif socket.stage is Stage.DIALING:
            self._dialed(socket)
        elif socket.stage is Stage.QR and scanned_by:
            self.scan(scanned_by)
        elif socket.stage is Stage.QR:
            self.end(REFS_ENDED)
        elif socket.stage is Stage.RESTARTING:
            self.end(RESTART)

    def _dialed(self, socket: Socket) -> None:
        if self.keys and not self.can_read_keys:
            self.socket = None
            self.gate.forget(OUTLET)
            self.feed(KeyLost())
            self.open_gate()
        elif not self.network_is_up:
            self.end(OUTAGE)
        elif socket.pairing and not self.keys:
            socket.stage = Stage.QR
            self.gate.reached(OUTLET, self.now)
            self.open_gate()
        elif self.keys != self.listed:
            self.end(REMOVED)
        else:
            socket.stage, socket.answered_at = Stage.OPEN, self.now
            self.gate.reached(OUTLET, self.now)
            self.open_gate()
            self.feed(LoggedIn(self.keys, NUMBER))

    # Everything at its own pace.

    def happens_next(self) -> bool:
        """Let the next due thing happen; time passes if nothing else is due. False if nothing will ever happen."""
        if self.unwritten:
            self.write()
        elif self.is_wiping:
            self.wipe()
        elif self.admitted:
            self.admitted -= 1
            self.feed(Admitted())
        elif self._wish_is_open():
            self.hear()
        elif self.socket is not None and not (self.socket.is_open and not self._is_leaving(self.socket)):
            self.proceed()
        elif due := [at for at in (self.timer, self.gate_asks_at) if at is not None]:
            self.now = max(self.now, min(due))
            self.ring()
        else:
            return False
        return True

    def ring(self) -> None:
        """What was to happen by now, happens."""
        if self.timer is not None and self.timer <= self.now:
            self.timer = None
            self.feed(Woken())
        if self.gate_asks_at is not None and self.gate_asks_at <= self.now:
            self.open_gate()

    def _wish_is_open(self) -> bool:
        assert self.state is not None
        return self.row.wish_number > self.seen_wish or self.row.active != self.state.active

    @staticmethod
    def _is_leaving(socket: Socket) -> bool:
        return socket.closing or socket.unlinking

    def is_refused(self, wish: Wish) -> bool:
        """What the services refuse."""
        row = self.row
        ban_lasts = row.state["cause"] == Code.TEMPORARY_BAN and (row.state["retry_at"] or 0) > EPOCH + self.now
        match wish:
            case Wish.CONNECT | Wish.CONNECT_BY_CODE:
                return not row.active or ban_lasts
            case Wish.PAUSE:
                return not row.active or not row.linked or row.intent is Intent.OFFLINE
            case Wish.RESUME:
                return not row.active or row.intent is Intent.OFFLINE
            case Wish.UNLINK:
                return not row.linked
        return False
