"""One connection to WhatsApp on asyncio: dials once, lives until the end, says why it ended.

A thin shell: `dial` opens the socket, `line` feeds the sans-I/O core and writes what it wants written. Reading never
waits for the caller: events and everything that touches the store are jobs, done in order by one short-lived task that
exists only while there are any. So a handler may itself query, unlink or close, and a store that hangs kills no line.
"""

import asyncio
import dataclasses
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from whatsapp.credentials import Credentials
from whatsapp.dial import DialError, dial
from whatsapp.ends import End, EndKind
from whatsapp.events import Event, LoggedIn, Paired, QrCode, Ready
from whatsapp.exceptions import NotConnectedError, PairingError, QueryError, StoreError
from whatsapp.jobs import HandlerError, Jobs
from whatsapp.line import Line
from whatsapp.log import log_end, log_raised
from whatsapp.messaging import Messenger
from whatsapp.options import ClientOptions
from whatsapp.protocol import curve, stanzas
from whatsapp.protocol.code_pairing import CodePairing
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.ends import local_end
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.media import MediaKind, UploadedMedia
from whatsapp.protocol.messages import Content
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import PairSuccess
from whatsapp.protocol.signals import Arrived, CodeAnswered, PreKeysLow, RoutingInfo, Signal
from whatsapp.sending import Sent
from whatsapp.settling import kept, remember, settle, upload_pre_keys
from whatsapp.store import Store

_REFILL_AGAIN_S = 60.0  # after a refill failed in the middle of an idle connection


class Client:
    """One connection of one account. Make a new one for the next.

    `on_event` is awaited for each event, one after the other. If it raises, the connection ends as TRANSIENT "handler".
    With `pairing` and no linked credentials in the store it asks for a phone; without, it never shows a QR.
    """

    __slots__ = (
        "__weakref__",
        "_code_pairing",
        "_end",
        "_jobs",
        "_known",
        "_line",
        "_messenger",
        "_on_event",
        "_options",
        "_pairing",
        "_scope",
        "_started",
        "_store",
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
        self._started = False  # `run` was called
        self._scope: asyncio.Timeout | None = None  # around `run`, to wake it when the end comes from elsewhere
        self._known: dict[str, str | None] = {}  # what the server may tell us anew at the login; until then
        self._line: Line | None = None  # while the WebSocket is open
        self._messenger: Messenger | None = None  # once there was a message
        self._end: End | None = None  # the first cause wins
        self._jobs = Jobs(self._finish)  # what waits for the caller or for answers
        self._code_pairing: CodePairing | None = None  # the code that a phone may answer

    # --- for the caller

    async def run(self) -> End:
        """Dial once, live until the end, return why. Raises only CancelledError. Call it once."""
        if self._started:
            raise RuntimeError("a client runs once")
        self._started = True
        try:
            await self._until_the_end()
            end = self._end or local_end("internal")
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
        credentials = self._open_line().core.pairing_credentials
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

    async def show_typing(self, to: Jid, seconds: float) -> None:
        """Be seen writing to a person, named by number or LID, for so long. For the time before a message.

        Raises NotOnWhatsAppError, and as `query`.
        """
        await self._messages().show_typing(to, seconds)

    async def send_message(self, to: Jid, content: Content, *, message_id: str) -> Sent:
        """Send a message to a person, named by number or LID, and wait until the server has it.

        `message_id` names it for good: sent again with the same one, it is shown once. One message at a time goes
        out, in the order of the calls; what is sent is in the store before.
        Raises NotOnWhatsAppError; SendRefusedError; QueryError if the server has no keys for any of their devices;
        ValueError for a text that is no Unicode, or no id. In doubt whether the server has it: TimeoutError, and
        NotConnectedError with `was_sent`.
        """
        return await self._messages().send(to, content, message_id)

    async def prepare(self, recipients: Collection[Jid]) -> Mapping[Jid, bool]:
        """Ask ahead, in few queries, for what messages to these persons will need. Gives who is on WhatsApp.

        Raises as `query`.
        """
        return await self._messages().prepare(recipients)

    async def check_numbers(self, numbers: Sequence[str]) -> Mapping[str, Jid | None]:
        """The address for each number (digits, with country code), None for those not on WhatsApp. Raises as `query`.

        It may have other digits than the number.
        """
        return await self._messages().check(numbers)

    async def upload(self, data: bytes, kind: MediaKind) -> UploadedMedia:
        """Encrypt a file and put it on WhatsApp's servers. Raises UploadError, and as `query`."""
        return await self._messages().upload(data, kind)

    async def query(self, node: Node, timeout_s: float | None = None) -> Node:
        """Send an iq and wait for its answer. The id is ours to give.

        Raises QueryError if the answer is an error, NotConnectedError, TimeoutError, NodeError for what cannot be sent.
        """
        return await self._open_line().query(node, timeout_s)

    async def send_node(self, node: Node) -> None:
        """Send a stanza. Raises NotConnectedError, NodeError for what cannot be sent."""
        self._open_line().send(node)

    @property
    def user(self) -> Jid | None:
        """Who this connection is; set only while it stands and the server confirmed it in this very connection."""
        return self._line.core.user if self._line is not None and self._end is None else None

    @property
    def is_open(self) -> bool:
        """The WebSocket is open and the login done."""
        return self.user is not None and self._line is not None and self._line.is_open

    @property
    def answered_at(self) -> float:
        """`loop.time()` of the last genuine frame from the server; -inf before the first."""
        return self._line.core.answered_at if self._line is not None else -math.inf

    # --- the life of the connection

    async def _until_the_end(self) -> None:
        """Returns with `_end` set, unless cancelled."""
        try:
            try:
                async with asyncio.timeout(None) as self._scope:
                    await self._live()
            finally:
                self._scope = None
        except TimeoutError:
            pass  # `_finish` woke us
        except StoreError as error:
            log_raised("store", error.__cause__ or error)
            self._finish(local_end("store"))
        except DialError as error:
            self._finish(error.end)
        except Exception as error:
            log_raised("engine", error)
            self._finish(local_end("internal"))

    async def _live(self) -> None:
        if self._end is not None:
            return
        credentials = await self._credentials()
        if credentials is None:
            self._finish(local_end("no_credentials"))
            return
        socket = await dial(self._options)
        try:
            core = Connection(
                credentials, self._options.settings, now=socket.loop.time(), wall_time=self._options.now()
            )
        except ValueError as error:  # they name nobody
            socket.transport.abort()
            raise StoreError("unusable credentials") from error
        self._known = {"lid": credentials.lid, "display_name": credentials.display_name}
        del credentials  # they are not kept: thousands of idle clients would each hold theirs
        self._line = Line(
            socket,
            core,
            take=self._take,
            finish=self._finish,
            query_timeout_s=self._options.query_timeout_s,
        )
        await self._line.read()

    async def _credentials(self) -> Credentials | None:
        credentials = await kept(self._store.load_credentials())
        if credentials is not None and credentials.is_linked:
            return credentials
        if not self._pairing:
            return None
        return credentials or new_credentials()

    def _messages(self) -> Messenger:
        if self._messenger is None:
            self._messenger = Messenger(
                self._open_line(), self._store, self._options, jobs=self._jobs, tell=self._tell, finish=self._finish
            )
        self._open_line()
        return self._messenger

    def _open_line(self) -> Line:
        if self._line is None or self._end is not None:
            raise NotConnectedError("the connection is not open")
        return self._line

    def _finish(self, end: End) -> None:
        """The connection is over, for the first cause that is given. `run` wakes up and returns it."""
        if self._end is None:
            self._end = end
            if self._scope is not None:
                self._scope.reschedule(0)

    async def _tidy(self, end: End) -> None:
        if self._line is not None:
            self._line.let_go()
            await self._line.close(end)
        if end.kind is EndKind.CLOSED:
            self._jobs.drop()
        await self._jobs.drain(self._options.drain_timeout_s)
        self._line = None

    def _abandon(self) -> None:
        """`run` was cancelled: leave at once."""
        self._finish(local_end("closed_by_us"))
        if self._line is not None:
            self._line.let_go()
            self._line.abort()
        self._jobs.cancel()
        self._line = None

    # --- jobs

    def _take(self, signal: Signal) -> None:
        if self._end is not None:
            return
        match signal:
            case QrCode():
                self._jobs.add(self._tell, signal)
            case LoggedIn():
                self._jobs.add(self._on_logged_in, signal)
            case PairSuccess():
                self._jobs.add(self._on_pair_success, signal)
            case CodeAnswered():
                self._jobs.add(self._on_code_answered, signal)
            case PreKeysLow():
                self._jobs.add(self._on_pre_keys_low, signal, replace=True)
            case Arrived():
                self._messages().take(signal.stanza)
            case RoutingInfo():
                self._jobs.add(self._on_routing_info, signal, replace=True)

    async def _tell(self, event: Event) -> None:
        try:
            await self._on_event(event)
        except Exception as error:
            raise HandlerError from error

    async def _on_logged_in(self, event: LoggedIn) -> None:
        await self._tell(event)
        said = {"lid": str(event.lid) if event.lid else "", "display_name": event.display_name}
        news = {key: value for key, value in said.items() if value and value != self._known[key]}
        self._known = {}
        if news:
            await remember(self._store, news)
        await settle(self._open_line(), self._store, self._options, event.display_name)
        self._open_line()  # a line that ended meanwhile is not ready
        await self._tell(Ready())

    async def _on_pair_success(self, success: PairSuccess) -> None:
        line, credentials = self._open_line(), success.credentials
        await kept(self._store.save_credentials(credentials))
        # Only now: a crash before this line leaves nothing linked, one after it leaves keys that can log in.
        line.confirm_pairing()
        await self._tell(Paired(success.jid, success.lid, credentials.platform, credentials.business_name))

    async def _on_code_answered(self, signal: CodeAnswered) -> None:
        line = self._open_line()
        credentials, attempt = line.core.pairing_credentials, self._code_pairing
        if credentials is None or attempt is None:
            raise PairingError("a phone answered a code that nobody asked for")
        closing, adv_secret = await asyncio.to_thread(attempt.finish, signal.notification, credentials.identity_private)
        line.core.replace_adv_secret(dataclasses.replace(credentials, adv_secret=adv_secret))
        await line.query(closing)

    async def _on_pre_keys_low(self, signal: PreKeysLow) -> None:
        try:
            await upload_pre_keys(self._open_line(), self._store, self._options.pre_keys_refill)
        except (StoreError, QueryError, TimeoutError) as error:
            # No reason to end a connection that works: a few pre-keys are left, and sessions go on without.
            log_raised("pre-key refill", error.__cause__ or error)
            asyncio.get_running_loop().call_later(_REFILL_AGAIN_S, self._take, signal)

    async def _on_routing_info(self, signal: RoutingInfo) -> None:
        await remember(self._store, {"routing_info": signal.data})
