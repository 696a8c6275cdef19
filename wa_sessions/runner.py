"""One outlet's connection: feeds the lifecycle with what happens, and does what it says. It decides nothing itself."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wa_sessions.causes import is_outage
from wa_sessions.credential_store import CredentialStore
from wa_sessions.journal import Change
from wa_sessions.lifecycle import receive
from wa_sessions.lifecycle_types import (
    Configured,
    Effect,
    Ended,
    Event,
    KeyLost,
    Linked,
    LoggedIn,
    Phase,
    Restored,
    State,
    Stopped,
    Wished,
    Woken,
)
from wa_sessions.live import Live
from wa_sessions.message_store import MessageStore
from wa_sessions.ownership import Ownership, OwnershipLostError
from wa_sessions.states import Source
from wa_sessions.vault import seal
from whatsapp import events
from whatsapp.client import Client
from whatsapp.ends import End, EndKind
from whatsapp.exceptions import WhatsAppError

if TYPE_CHECKING:
    from wa_sessions.manager import Manager

logger = logging.getLogger("wa_sessions")

CLOSE_PATIENCE_S = 5.0  # a connection that has not ended this long after `close` is cancelled
# Ends that say nothing about the network.
LOCAL_REASONS = frozenset({"crash", "handler", "internal", "no_credentials", "overrun", "store"})
NAME_MAX = 100  # characters of a session's name
NO_PAIRING: dict[str, Any] = {"qr": None, "qr_expires_at": None, "pairing_code": None}


class Runner:
    """Lives on the loop. At most one task, which is the connection; timers are the loop's."""

    __slots__ = (
        "_client",
        "_has_qr",
        "_is_abandoned",
        "_manager",
        "_name",
        "_overruled",
        "_since",
        "_task",
        "_timer",
        "_user",
        "_wants_code",
        "_wiping",
        "outlet",
        "ownership",
        "seen_wish",
        "state",
    )

    def __init__(self, manager: "Manager", outlet: int, ownership: Ownership, state: State) -> None:
        self._manager = manager
        self.outlet = outlet  # its primary key
        self.ownership = ownership  # goes into every write
        self.state = state
        self.seen_wish = state.wish_done  # number of the last wish that was fed to the lifecycle
        self._client: Client | None = None  # while there is a socket
        self._task: asyncio.Task[None] | None = None  # the connection, from dial to end
        self._timer: asyncio.TimerHandle | None = None  # until `state.retry_at`, or until a close is overdue
        self._wiping: asyncio.Task[None] | None = None  # keys being deleted; the next dial waits for it
        self._overruled: End | None = None  # how this connection is to count, whatever the socket says
        self._user = ""  # the jid that the server confirmed in this connection
        self._name = ""  # what people know the linked account by
        self._has_qr = False
        self._wants_code = False  # a person asked for a code; given as soon as the server is ready for it
        self._since = time.monotonic()  # when the phase last changed
        self._is_abandoned = False  # somebody newer owns the outlet: touch nothing any more

    @property
    def client(self) -> Client | None:
        """The connection, while there is a socket."""
        return self._client

    # Events in, effects out.

    def feed(self, event: Event, fields: dict[str, Any] | None = None) -> None:
        """Let the lifecycle receive `event`; write what changed, and `fields` with it; carry out its effects."""
        if self._is_abandoned:
            return
        before = self.state
        self.state, effects = receive(before, event, time.time(), random.random(), self._manager.policy)
        if self.state.phase is not before.phase:
            self._since = time.monotonic()
        self._record(before, event, fields or {})
        for effect in effects:
            self._do[effect](self)
        self.publish()

    def publish(self) -> None:
        """Put what is known of this outlet into the manager's snapshot."""
        state, manager = self.state, self._manager
        manager.publish(
            self.outlet,
            Live(
                phase=state.phase,
                since=self._since,
                proof=self._client,
                user=self._user,
                name=self._name,
                has_qr=self._has_qr,
                is_settled=manager.journal.is_settled(self.outlet),
                waits_for_network=state.phase is Phase.QUEUED and manager.gate.is_outage,
            ),
        )

    def abandon(self) -> None:
        """Somebody newer owns this outlet: drop the socket, write nothing."""
        self._is_abandoned = True
        self._cancel_timer()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Close, and wait until it is closed."""
        self.feed(Stopped())
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSE_PATIENCE_S + 1)

    def _record(self, before: State, event: Event, fields: dict[str, Any]) -> None:
        after = self.state
        fields = {**_changed_fields(before, after), **fields}
        change = None
        if after.status is not before.status:
            change = Change(after.status, after.reason, _source(event), datetime.now(UTC))
        if fields:
            self._manager.journal.record(self.outlet, self.ownership, fields, change)

    # Effects.

    def _queue(self) -> None:
        self._manager.gate.join(self.outlet)
        self._manager.open_gate()

    def _queue_first(self) -> None:
        self._manager.gate.join(self.outlet, first=True)
        self._manager.open_gate()

    def _leave_queue(self) -> None:
        self._manager.gate.forget(self.outlet)
        self._cancel_timer()

    def _dial(self) -> None:
        self._connect(pairing=False)

    def _pair(self) -> None:
        self._connect(pairing=True)

    def _close(self) -> None:
        if self._client is not None:
            self._call_later(CLOSE_PATIENCE_S, self._cut)
            self._manager.spawn(self._client.close())
        else:
            self._cut()

    def _unlink(self) -> None:
        self._manager.spawn(self._unlink_and_close())

    def _wipe(self) -> None:
        self._wiping = self._manager.spawn(self._wipe_keys(self._wiping))

    def _wake(self) -> None:
        delay = max(0.0, (self.state.retry_at or 0.0) - time.time())
        self._call_later(delay, self._manager.wake, self)

    def _code(self) -> None:
        self._wants_code = True
        if self._has_qr and self._client is not None:
            self._manager.spawn(self._request_code(self._client))

    _do = {
        Effect.QUEUE: _queue,
        Effect.QUEUE_FIRST: _queue_first,
        Effect.LEAVE_QUEUE: _leave_queue,
        Effect.DIAL: _dial,
        Effect.PAIR: _pair,
        Effect.CLOSE: _close,
        Effect.UNLINK: _unlink,
        Effect.WIPE: _wipe,
        Effect.WAKE: _wake,
        Effect.CODE: _code,
    }

    # The connection.

    def _connect(self, *, pairing: bool) -> None:
        if self._task is not None:
            raise RuntimeError(f"outlet_{self.outlet} has a socket already")
        self._task = asyncio.get_running_loop().create_task(self._live(pairing), name=f"outlet_{self.outlet}")

    async def _live(self, pairing: bool) -> None:
        """Dial once and live until the end, whatever the end is; then tell the lifecycle."""
        store = MessageStore(self.outlet, self.ownership, self._manager.group, is_fresh=pairing)
        end = End(EndKind.TRANSIENT, reason="crash")
        try:
            if self._wiping is not None:
                await asyncio.shield(self._wiping)  # whoever cancels this dial does not mean the keys
            client = Client(store, self._hears(store), self._manager.client_options, pairing=pairing)
            self._client = client
            self.publish()
            end = await client.run()
        except asyncio.CancelledError:
            end = End(EndKind.CLOSED, reason="cancelled")
        except Exception:
            logger.exception("[WhatsApp] outlet_%s: the connection's task failed", self.outlet)
        self._forget_connection()
        if store.is_unreadable:
            self._manager.gate.forget(self.outlet)
            logger.error("[WhatsApp] credentials of outlet_%s cannot be read with any of CREDENTIAL_KEYS", self.outlet)
            self.feed(KeyLost(), NO_PAIRING)
            self._manager.open_gate()
            return
        if self._overruled is not None and not end.keys_worthless:
            end = self._overruled
        self._overruled = None
        self._manager.note_end(end)
        self.feed(Ended(end, self._network_works(end)), NO_PAIRING if pairing else None)

    def _hears(self, store: CredentialStore) -> Callable[[events.Event], Any]:
        login: LoggedIn | None = None

        async def hear(event: events.Event) -> None:
            nonlocal login
            match event:
                case events.QrCode():
                    self._manager.reached(self.outlet)
                    self._show_qr(event)
                case events.Paired():
                    self._has_qr = False
                    self.feed(Linked(), NO_PAIRING)
                case events.LoggedIn():
                    self._manager.reached(self.outlet)
                    self._user = str(event.jid)
                    self._name = _one_line(event.display_name) or event.jid.user
                    login = LoggedIn(event.jid.user, store.expected_number)
                    if login.number != login.expected or self.state.unlinking:
                        self.feed(login)
                case events.Ready() if login is not None and self.state.phase is Phase.DIALING:
                    # Connected means that messages can flow, so not before the engine has settled in.
                    now = datetime.now(UTC)
                    name = {"session_name": self._name, "jid": self._user}
                    self.feed(login, {"connected_at": now, "last_seen": now, **name})
                case events.MessageReceived() | events.ReceiptReceived():
                    await self._manager.heard(self.outlet, event)

        return hear

    def _network_works(self, end: End) -> bool:
        """What this end says of the network, told to the gate, and what the gate knows of it."""
        manager = self._manager
        if end.kind is EndKind.CLOSED or end.reason in LOCAL_REASONS:
            manager.gate.forget(self.outlet)
            manager.open_gate()
            return True
        if is_outage(end):
            return manager.unreached(self.outlet)
        if manager.gate.is_under_way(self.outlet):
            manager.reached(self.outlet)
        elif end.kind is EndKind.TRANSIENT:
            # It worked before, and its end is no sign that the network works now: rather of the opposite.
            manager.gate.lost()
        return True

    def _forget_connection(self) -> None:
        self._task = None
        self._client = None
        self._user = ""
        self._has_qr = False
        self._wants_code = False
        self._cancel_timer()

    # What people see while they pair.

    def _show_qr(self, event: events.QrCode) -> None:
        self._has_qr = True
        until = datetime.now(UTC) + timedelta(seconds=event.valid_s)
        fields = {"qr": seal(event.text.encode()), "qr_expires_at": until}
        self._manager.journal.record(self.outlet, self.ownership, fields)
        self.publish()
        if self._wants_code and self._client is not None:
            self._manager.spawn(self._request_code(self._client))

    async def _request_code(self, client: Client) -> None:
        self._wants_code = False
        number = await self._manager.outlet_number(self.outlet)
        try:
            code = await client.request_pairing_code(number)
        except (WhatsAppError, TimeoutError, ValueError) as error:
            logger.warning("[WhatsApp] no pairing code for outlet_%s: %s", self.outlet, type(error).__name__)
            return
        if client is self._client:
            self._manager.journal.record(self.outlet, self.ownership, {"pairing_code": seal(code.encode())})

    # Ends that we make.

    async def _unlink_and_close(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            await client.unlink()
        except Exception as error:
            if not isinstance(error, WhatsAppError | TimeoutError):
                logger.exception("[WhatsApp] outlet_%s could not be unlinked", self.outlet)
            # The phone still lists the device: keep the keys, so that it can be tried again.
            if client is self._client:
                self._overruled = End(EndKind.TRANSIENT, code=408, reason="unlink")
        if client is self._client:
            self._close()

    async def _wipe_keys(self, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await earlier
        try:
            await CredentialStore(self.outlet, self.ownership).wipe()
        except OwnershipLostError:
            self._manager.drop({self.outlet})

    def _cut(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # Timers.

    def _call_later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(delay_s, callback, *args)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _one_line(name: str) -> str:
    """What a phone calls itself, as a row and a line of text can hold it: no NUL, no line ends, no invisible signs."""
    visible = "".join(sign if sign.isprintable() else " " for sign in name[: 4 * NAME_MAX])
    return " ".join(visible.split())[:NAME_MAX]


def _source(event: Event) -> Source:
    # What a timer changes, a person wanted earlier, when a ban still lasted.
    if isinstance(event, Wished | Configured | Woken):
        return Source.PERSON
    return Source.OWNERSHIP if isinstance(event, Restored | Stopped) else Source.SOCKET


def _changed_fields(before: State, after: State) -> dict[str, Any]:
    """The columns of the row that the step changed."""
    fields: dict[str, Any] = {}
    if after.status is not before.status:
        fields["status"] = after.status.value
    if after.retry_count != before.retry_count:
        fields["retry_count"] = after.retry_count
    if after.wish_done != before.wish_done:
        fields["wish_done"] = after.wish_done
    if after.retry_at != before.retry_at:
        fields["retry_at"] = datetime.fromtimestamp(after.retry_at, UTC) if after.retry_at is not None else None
    if before.linked and not after.linked:
        fields["jid"] = ""  # with the status, and not only once the keys are wiped
    if (after.cause, after.detail) != (before.cause, before.detail):
        fields["cause"] = str(after.cause)
        fields["cause_detail"] = dict(after.detail)
    return fields
