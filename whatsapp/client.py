"""One connection to WhatsApp on asyncio: dials once, lives until the end, says why it ended.

A thin shell around `protocol.connection`: it feeds it, writes what it wants written, and holds the one timer. Reading
never waits for the caller: events and everything that touches the store are jobs, done in order by one short-lived task
that exists only while there are any. So a handler may itself query, unlink or close, and a store that hangs kills no
line.
"""

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from whatsapp.credentials import Credentials
from whatsapp.dial import DialError, dial
from whatsapp.ends import End, EndKind
from whatsapp.events import Event, LoggedIn, Paired, QrCode, Ready
from whatsapp.exceptions import NotConnectedError, PairingError, QueryError, StoreError
from whatsapp.jobs import HandlerError, Jobs
from whatsapp.log import log_end, log_raised
from whatsapp.options import ClientOptions
from whatsapp.protocol import curve, stanzas
from whatsapp.protocol.code_pairing import CodePairing
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.ends import local_end
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import PairSuccess
from whatsapp.protocol.signals import Answered, CodeAnswered, PreKeysLow, RoutingInfo, Signal
from whatsapp.settling import kept, remember, settle, upload_pre_keys
from whatsapp.store import Store

_MAX_UNSENT = 1 << 20  # bytes waiting for a peer that does not read
_REFILL_AGAIN_S = 60.0  # after the store failed in the middle of an idle connection
_UNREACHABLE = frozenset({"keepalive", "write_blocked"})  # ends after which a polite goodbye only costs time


class Client:
    """One connection of one account. Make a new one for the next.

    `on_event` is awaited for each event, one after the other. If it raises, the connection ends as TRANSIENT "handler".
    With `pairing` and no linked credentials in the store it asks for a phone; without, it never shows a QR.
    """

    __slots__ = (
        "__weakref__",
        "_code_pairing",
        "_core",
        "_end",
        "_jobs",
        "_loop",
        "_on_event",
        "_options",
        "_pairing",
        "_scope",
        "_socket",
        "_store",
        "_timer",
        "_timer_at",
        "_waiting",
    )

    def __init__(
        self,
        store: Store,
        on_event: Callable[[Event], Awaitable[None]],
        options: ClientOptions,
        *,
        pairing: bool = False,
    ) -> None:
        self._store = store
        self._on_event = on_event
        self._options = options
        self._pairing = pairing  # may ask for a phone
        self._loop: asyncio.AbstractEventLoop | None = None  # set once `run` began
        self._scope: asyncio.Timeout | None = (
            None  # around all of `run`: what wakes it when the end comes from elsewhere
        )
        self._socket: ClientConnection | None = None
        self._core: Connection | None = None  # the protocol's state, from the open WebSocket on
        self._end: End | None = None  # the first cause wins
        self._timer: asyncio.TimerHandle | None = None  # for the next tick of the core
        self._timer_at = math.inf  # when it fires
        self._waiting: dict[str, asyncio.Future[Node]] | None = None  # queries without an answer, by id
        self._jobs = Jobs(self._finish)  # what waits for the caller or for answers
        self._code_pairing: CodePairing | None = None  # the code that a phone may answer

    # --- for the caller

    async def run(self) -> End:
        """Dial once, live until the end, return why. Raises only CancelledError. Call it once."""
        if self._loop is not None:
            raise RuntimeError("a client runs once")
        self._loop = asyncio.get_running_loop()
        try:
            try:
                async with asyncio.timeout(None) as self._scope:
                    await self._live()
            finally:
                self._scope = None
        except asyncio.CancelledError:
            self._abandon()
            raise
        except TimeoutError:  # the scope was ended by `_finish`
            self._finish(local_end("internal"))
        except Exception as error:
            log_raised("engine", error)
            self._finish(local_end("internal"))
        end = self._end or local_end("internal")
        try:
            await self._tidy(end)
        except asyncio.CancelledError:
            self._abandon()
            raise
        log_end(end)
        return end

    async def request_pairing_code(self, number: str) -> str:
        """Ring the phone of `number` (digits, with country code) and give the 8 characters to type there.

        Needs a connection that shows QR codes. Raises ValueError for a number that is none, NotConnectedError,
        QueryError if the server refuses, PairingError if it answers nonsense, TimeoutError.
        """
        credentials = self._core.pairing_credentials if self._core else None
        if credentials is None:
            raise NotConnectedError("no QR is on show")
        attempt = CodePairing(number)
        hello = await asyncio.to_thread(attempt.hello_node, curve.public_of(credentials.noise_private))
        attempt.read_ref(await self.query(hello))
        self._code_pairing = attempt
        return attempt.code

    async def unlink(self) -> None:
        """Remove this device from the account, and wait until the server did. Raises as `query`.

        The server ends the connection then; the keys are worthless.
        """
        if self.user is None:
            raise NotConnectedError("not logged in")
        try:
            await self.query(stanzas.remove_companion_device(self.user))
        except NotConnectedError:
            if self._end is None or self._end.kind is not EndKind.UNLINKED:
                raise

    async def close(self) -> None:
        """Ask `run` to return End(CLOSED), unless it ended already. Does not wait for it."""
        self._finish(local_end("closed_by_us"))

    async def query(self, node: Node, timeout_s: float | None = None) -> Node:
        """Send an iq and wait for its answer. The id is ours to give.

        Raises QueryError if the answer is an error, NotConnectedError, TimeoutError, NodeError for what cannot be sent.
        """
        core, loop = self._require()
        request_id = core.ask(node)
        answer: asyncio.Future[Node] = loop.create_future()
        if self._waiting is None:
            self._waiting = {}
        self._waiting[request_id] = answer
        self._flush()
        try:
            async with asyncio.timeout(self._options.query_timeout_s if timeout_s is None else timeout_s):
                result = await answer
        finally:
            core.forget(request_id)
            self._waiting.pop(request_id, None)
            if not self._waiting:
                self._waiting = None
        if result.attr("type") == "error":
            error = result.child("error")
            raise QueryError(error.attr_int("code") if error else None, error.attr("text") if error else "")
        return result

    async def send_node(self, node: Node) -> None:
        """Send a stanza. Raises NotConnectedError, NodeError for what cannot be sent."""
        core, _ = self._require()
        core.send(node)
        self._flush()

    @property
    def user(self) -> Jid | None:
        """Who this connection is; set only while it stands and the server confirmed it in this very connection."""
        return self._core.user if self._core is not None and self._end is None else None

    @property
    def is_open(self) -> bool:
        """The WebSocket is open and the login done."""
        return self.user is not None and self._socket is not None and self._socket.state is State.OPEN

    @property
    def answered_at(self) -> float:
        """`loop.time()` of the last genuine frame from the server; -inf before the first."""
        return self._core.answered_at if self._core is not None else -math.inf

    # --- the life of the connection

    async def _live(self) -> None:
        try:
            credentials = await self._credentials()
            if credentials is None or self._end is not None:
                self._finish(local_end("no_credentials"))
                return
            self._socket = socket = await dial(self._options)
            core = Connection(
                credentials, self._options.settings, now=socket.loop.time(), wall_time=self._options.now()
            )
        except StoreError as error:
            log_raised("store", error.__cause__ or error)
            self._finish(local_end("store"))
            return
        except ValueError as error:  # credentials that name nobody
            log_raised("store", error)
            self._finish(local_end("store"))
            return
        except DialError as error:
            self._finish(error.end)
            return
        del credentials  # they are not kept: thousands of idle clients would each hold theirs
        self._core = core
        self._flush()
        try:
            while self._end is None:
                data = await socket.recv()
                if isinstance(data, str):
                    self._finish(local_end("bad_frame", detail="a text message"))
                    return
                core.receive_data(data, socket.loop.time())
                self._flush()
        except ConnectionClosed:
            core.receive_eof()
            self._flush()

    async def _credentials(self) -> Credentials | None:
        credentials = await kept(self._store.load_credentials())
        if credentials is not None and credentials.is_linked:
            return credentials
        if not self._pairing:
            return None
        return credentials or new_credentials()

    def _require(self) -> tuple[Connection, asyncio.AbstractEventLoop]:
        if self._core is None or self._loop is None or self._end is not None:
            raise NotConnectedError("the connection is not open")
        return self._core, self._loop

    def _flush(self) -> None:
        """Carry out what the core wants: to be called after everything that was fed to it or ordered from it."""
        core = self._core
        if core is None:
            return
        for signal in core.signals():
            self._receive(signal)
        data = core.data_to_send()
        if data:
            self._write(data)
        if core.end is not None:
            self._finish(core.end)
        elif core.wake_at < self._timer_at:
            self._set_timer(core.wake_at)

    def _write(self, data: bytes) -> None:
        # Not `send()`: that would wait. What was sealed must be written at once and in order.
        if self._socket is not None:
            broadcast((self._socket,), data)
            if self._socket.transport.get_write_buffer_size() > _MAX_UNSENT:
                self._finish(local_end("write_blocked"))

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self._loop is not None
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._tick) if at < math.inf else None

    def _tick(self) -> None:
        # Frames only ever put the next tick off, so the timer is not moved for each of them: it looks when it fires.
        self._timer, self._timer_at = None, math.inf
        if self._core is not None and self._end is None and self._loop is not None:
            self._core.tick(self._loop.time())
            self._flush()

    def _finish(self, end: End) -> None:
        """The connection is over, for the first cause that is given. `run` wakes up and returns it."""
        if self._end is None:
            self._end = end
            if self._scope is not None and self._loop is not None:
                self._scope.reschedule(self._loop.time())

    async def _tidy(self, end: End) -> None:
        self._let_go()
        socket = self._socket
        if socket is not None:
            if end.reason in _UNREACHABLE:
                socket.transport.abort()
            await socket.close()
        if end.kind is EndKind.CLOSED:
            self._jobs.drop()
        await self._jobs.drain(self._options.drain_timeout_s)
        self._core = self._socket = None

    def _abandon(self) -> None:
        """`run` was cancelled: leave at once."""
        self._finish(local_end("closed_by_us"))
        self._let_go()
        if self._socket is not None:
            self._socket.transport.abort()
        self._jobs.cancel()
        self._core = self._socket = None

    def _let_go(self) -> None:
        self._set_timer(math.inf)
        for answer in (self._waiting or {}).values():
            if not answer.done():
                answer.set_exception(NotConnectedError("the connection ended before the answer came"))

    # --- jobs

    def _receive(self, signal: Signal) -> None:
        if self._end is not None:
            return
        add = self._jobs.add
        match signal:
            case Answered():
                answer = self._waiting.get(signal.request_id) if self._waiting else None
                if answer is not None and not answer.done():
                    answer.set_result(signal.answer)
            case QrCode():
                add(self._tell, signal)
            case LoggedIn():
                add(self._on_logged_in, signal)
            case PairSuccess():
                add(self._on_pair_success, signal)
            case CodeAnswered():
                add(self._on_code_answered, signal)
            case PreKeysLow():
                add(self._refill, signal.count, replace=True)
            case RoutingInfo():
                add(self._on_routing_info, signal, replace=True)

    async def _tell(self, event: Event) -> None:
        try:
            await self._on_event(event)
        except Exception as error:
            raise HandlerError from error

    async def _on_logged_in(self, event: LoggedIn) -> None:
        await self._tell(event)
        known = {"lid": str(event.lid) if event.lid else "", "display_name": event.display_name}
        await remember(self._store, {key: value for key, value in known.items() if value})
        await settle(self, self._store, self._options, event.display_name)
        await self._tell(Ready())

    async def _on_pair_success(self, success: PairSuccess) -> None:
        await kept(self._store.save_credentials(success.credentials))
        # Only now: a crash before this line leaves nothing linked, one after it leaves keys that can log in.
        if self._core is not None and self._loop is not None:
            self._core.confirm_pairing(self._loop.time())
            self._flush()
        credentials = success.credentials
        await self._tell(Paired(success.jid, success.lid, credentials.platform, credentials.business_name))

    async def _on_code_answered(self, signal: CodeAnswered) -> None:
        core, _ = self._require()
        credentials, attempt = core.pairing_credentials, self._code_pairing
        if credentials is None or attempt is None:
            raise PairingError("a phone answered a code that nobody asked for")
        finish = attempt.finish
        closing, adv_secret = await asyncio.to_thread(finish, signal.notification, credentials.identity_private)
        core.replace_adv_secret(dataclasses.replace(credentials, adv_secret=adv_secret))
        await self.query(closing)

    async def _refill(self, count: int) -> None:
        try:
            await upload_pre_keys(self, self._store, self._options.pre_keys_refill)
        except (StoreError, QueryError, TimeoutError) as error:
            # No reason to end a connection that works: a few pre-keys are left, and sessions go on without.
            log_raised("pre-key refill", error.__cause__ or error)
            if self._loop is not None:
                self._loop.call_later(_REFILL_AGAIN_S, self._receive, PreKeysLow(count))

    async def _on_routing_info(self, signal: RoutingInfo) -> None:
        await remember(self._store, {"routing_info": signal.data})
