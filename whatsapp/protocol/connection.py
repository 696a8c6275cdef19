"""One connection to WhatsApp without its socket: bytes in, signals and bytes out.

    connection = Connection(credentials, settings, now=..., wall_time=...)
    connection.receive_data(data, now)      what arrived; also connection.tick(now) at connection.wake_at
    connection.signals()                    what happened, to be acted on in order
    connection.data_to_send()               what to write, in this order and with nothing between
    connection.end                          why it is over, once it is

After every call that takes `now`, and after `ask` and `send`, you must fetch `signals()` and write `data_to_send()`.
Once `end` is set you must write what is left and close; further data is ignored. `now` is seconds of a monotonic clock.

    HELLO -> LOGIN -> OPEN                     with the keys of a linked device
    HELLO -> LOGIN -> PAIRING -> SCANNED -> PAIRED        with fresh ones
"""

import enum
import math
import secrets
from collections.abc import Callable

from whatsapp.credentials import Credentials
from whatsapp.ends import End
from whatsapp.events import LoggedIn
from whatsapp.exceptions import CertificateError, HandshakeError, NodeError, PairingError, ProtocolError
from whatsapp.protocol import message_stanzas, stanzas
from whatsapp.protocol.channel import Channel
from whatsapp.protocol.ends import failure_end, local_end, stream_error_end
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.keepalive import Keepalive, Verdict
from whatsapp.protocol.linking import Linking
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import pairing_error, verify_pair_success
from whatsapp.protocol.settings import Settings
from whatsapp.protocol.signals import Answered, Arrived, CodeAnswered, PreKeysLow, RoutingInfo, Signal, ack_key

PRE_KEYS_LOW = 5  # the server is given more when fewer than this are left
MAX_ROUTING_INFO = 1024  # bytes; more than that is not kept
_NAME_CHARACTERS = 200


class Phase(enum.Enum):
    HELLO = "waiting for the server's hello"
    LOGIN = "waiting for success, failure or refs"
    PAIRING = "showing refs"
    SCANNED = "a phone accepted us, the credentials are being saved"
    PAIRED = "the server was told, waiting for the restart"
    OPEN = "logged in"


class Connection:
    """See the module. Bad bytes from the server never raise: they set `end`."""

    __slots__ = (
        "_asked",
        "_channel",
        "_deadline",
        "_deadline_reason",
        "_id_prefix",
        "_ids",
        "_jid",
        "_keepalive",
        "_linking",
        "_settings",
        "_signals",
        "answered_at",
        "end",
        "is_available",
        "phase",
    )

    def __init__(self, credentials: Credentials, settings: Settings, *, now: float, wall_time: float) -> None:
        """Begin: the hello is in `data_to_send()`. `wall_time` (seconds since 1970) is what certificates are judged by.

        Credentials of a linked device log in, others register. Raises ValueError if they name an unusable address.
        """
        self._settings = settings
        self._channel = Channel(credentials, settings.device, root_key=settings.root_key, wall_time=wall_time)
        self._jid = Jid.parse(credentials.jid) if credentials.jid else None  # who we are once the server confirmed it
        self._linking: Linking | None = None  # only while pairing
        if not credentials.is_linked:
            self._linking = Linking(credentials, first_s=settings.qr_first_s, next_s=settings.qr_next_s)
        self._keepalive = Keepalive()
        self._asked: set[str] | None = None  # ids of our queries without an answer yet; None when there are none
        self._id_prefix = secrets.randbits(16)  # makes ids differ between connections
        self._ids = 0  # ids given out
        self._signals: list[Signal] = []  # to be fetched
        self._deadline = now + settings.hello_timeout_s  # when waiting in this phase is over
        self._deadline_reason = "hello_timeout"  # what that would be called
        self.phase = Phase.HELLO
        self.is_available = False  # we told the server that we are online
        self.answered_at = -math.inf  # when the last genuine frame arrived
        self.end: End | None = None

    # --- what the shell feeds

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes arrived: parts of frames, or several."""
        if self.end is None:
            try:
                self._receive(data, now)
            except NodeError as error:
                self._finish("bad_node", detail=str(error))
            except CertificateError as error:
                self._finish("certificate", detail=str(error))
            except HandshakeError as error:
                self._finish("handshake", detail=str(error))
            except ProtocolError as error:
                self._finish("bad_frame", detail=str(error))

    def receive_eof(self) -> None:
        """The socket closed, from the other side or by a fault of the line."""
        if self.phase is Phase.PAIRED:
            self._finish("paired")
        else:
            self._finish("hello_closed" if self.phase is Phase.HELLO else "closed")

    def tick(self, now: float) -> None:
        """Time passed. Due at `wake_at`; any other moment does no harm."""
        linking = self._linking
        if self.end is not None:
            return
        if now >= self._deadline:
            self._finish(self._deadline_reason)
        elif linking is not None and now >= linking.next_at:
            self._show_next(linking, now)
        else:
            verdict = self._keepalive.tick(now, self._settings.ping_timeout_s)
            if verdict is Verdict.PING:
                self._channel.send(self._with_id(stanzas.ping()))
            elif verdict is Verdict.DEAD:
                self._finish("keepalive")

    @property
    def wake_at(self) -> float:
        """When `tick` is due; infinity for never."""
        if self.end is not None:
            return math.inf
        wake_at = min(self._deadline, self._keepalive.wake_at)
        return wake_at if self._linking is None else min(wake_at, self._linking.next_at)

    # --- what the shell fetches

    def data_to_send(self) -> bytes:
        """What is to be written now; it is given once."""
        return self._channel.data_to_send()

    def signals(self) -> list[Signal]:
        """What happened since the last call, in order."""
        if not self._signals:
            return []
        signals, self._signals = self._signals, []
        return signals

    @property
    def user(self) -> Jid | None:
        """Who this connection is, once the server confirmed it."""
        return self._jid if self.phase is Phase.OPEN else None

    @property
    def pairing_credentials(self) -> Credentials | None:
        """The keys that the refs on show stand for; None when this connection is not pairing."""
        return self._linking.credentials if self._linking is not None and self.phase is Phase.PAIRING else None

    # --- what the shell orders

    def send(self, node: Node) -> None:
        """Write a stanza. Raises NodeError, or FrameError before the handshake is over; then nothing is written."""
        self._channel.send(node)
        if node.tag == "presence":
            self.is_available = node.attr("type") == "available"

    def ask(self, node: Node) -> str:
        """Send an iq under a fresh id and give that: an `Answered` with it follows, or the end. Raises as `send`."""
        node = self._with_id(node)
        self._channel.send(node)
        request_id = node.attr("id")
        if self._asked is None:
            self._asked = set()
        self._asked.add(request_id)
        return request_id

    def forget(self, request_id: str) -> None:
        """Nobody waits for that answer any more."""
        if self._asked is not None:
            self._asked.discard(request_id)
            if not self._asked:
                self._asked = None

    def replace_adv_secret(self, credentials: Credentials) -> None:
        """Judge pair-success by these credentials: a pairing code made a new secret."""
        if self._linking is not None:
            self._linking.credentials = credentials

    def confirm_pairing(self, now: float) -> None:
        """The credentials of the PairSuccess are saved: tell the server. It restarts the connection then."""
        linking = self._linking
        if self.end is not None or linking is None or linking.success is None or self.phase is not Phase.SCANNED:
            return
        self._channel.send(linking.success.answer)
        self.phase = Phase.PAIRED
        self._wait_for("paired", now + self._settings.login_timeout_s)

    # --- within

    def _receive(self, data: bytes, now: float) -> None:
        for node in self._channel.receive(data):
            self._leave_hello(now)
            handler = _HANDLERS.get(node.tag)
            if handler is not None:
                handler(self, node, now)
            self.answered_at = now
            if self.phase is not Phase.LOGIN:
                self._keepalive.received(now, self._settings.ping_interval_s, self._settings.random())
            if self._is_over():
                return
        self._leave_hello(now)

    def _leave_hello(self, now: float) -> None:
        if self.phase is Phase.HELLO and self._channel.is_open:
            self.phase = Phase.LOGIN
            self._wait_for("login_timeout", now + self._settings.login_timeout_s)

    def _is_over(self) -> bool:
        return self.end is not None

    def _with_id(self, node: Node) -> Node:
        self._ids += 1
        return Node(node.tag, {**node.attrs, "id": f"{self._id_prefix}-{self._ids}"}, node.content)

    def _wait_for(self, reason: str, deadline: float) -> None:
        self._deadline_reason = reason
        self._deadline = deadline

    def _finish(self, reason: str, *, detail: str = "", code: int | None = None) -> None:
        self._end_as(local_end(reason, detail=detail, code=code))

    def _end_as(self, end: End) -> None:
        if self.end is None:
            self.end = end

    # --- stanzas

    def _on_success(self, node: Node, now: float) -> None:
        if self.phase is not Phase.LOGIN or self._jid is None:
            return
        self.phase = Phase.OPEN
        self._wait_for("", math.inf)
        lid = node.attr_jid("lid")
        name = node.attr("display_name")[:_NAME_CHARACTERS]
        self._signals.append(LoggedIn(self._jid, lid, name, server_time=node.attr_int("t")))

    def _on_failure(self, node: Node, now: float) -> None:
        self._end_as(failure_end(node))

    def _on_stream_error(self, node: Node, now: float) -> None:
        self._end_as(stream_error_end(node))

    def _on_stream_end(self, node: Node, now: float) -> None:
        self._finish("paired" if self.phase is Phase.PAIRED else "stream_end")

    def _on_iq(self, node: Node, now: float) -> None:
        kind = node.attr("type")
        request_id = node.attr("id")
        if kind in ("result", "error"):
            if self._asked is not None and request_id in self._asked:
                self.forget(request_id)
                self._signals.append(Answered(request_id, node))
        elif node.attr("xmlns") == "urn:xmpp:ping":
            self._channel.send(stanzas.iq_result(request_id))
        elif node.child("pair-device") is not None:
            self._on_pair_device(node, now)
        elif node.child("pair-success") is not None:
            self._on_pair_success(node, now)

    def _on_delivery(self, node: Node, now: float) -> None:
        if self.phase is Phase.OPEN and message_stanzas.needs_memory(node):
            self._signals.append(Arrived(node))
            return
        own = () if self._jid is None else (self._jid.user,)
        answer = stanzas.delivery(node, own, is_available=self.is_available)
        if answer is not None:
            self._channel.send(answer)
        if node.tag == "notification":
            self._on_notification(node, now)

    def _on_ack(self, node: Node, now: float) -> None:
        if node.attr("class") == "message":
            self._signals.append(Answered(ack_key(node.attr("id")), node))

    def _on_notification(self, node: Node, now: float) -> None:
        kind = node.attr("type")
        if kind == "encrypt":
            count = node.child("count")
            if count is not None and count.attr_int("value") < PRE_KEYS_LOW:
                self._signals.append(PreKeysLow(count.attr_int("value")))
        elif kind == "link_code_companion_reg":
            linking, stage = self._linking, node.child("link_code_companion_reg")
            if self.phase is Phase.PAIRING and linking and stage and stage.attr("stage") == "primary_hello":
                linking.stop_showing()
                self._wait_for("pairing", now + self._settings.login_timeout_s)
                self._signals.append(CodeAnswered(node))
        elif kind == "passkey_prologue_request" and self.phase is Phase.PAIRING:
            self._finish("passkey")

    def _on_ib(self, node: Node, now: float) -> None:
        for child in node.children():
            if child.tag == "edge_routing":
                info = child.child("routing_info")
                if info is not None and 0 < len(info.data) <= MAX_ROUTING_INFO:
                    self._signals.append(RoutingInfo(info.data))
            elif child.tag == "offline_preview":
                self._channel.send(stanzas.offline_batch())
            elif child.tag == "dirty":
                self._channel.send(self._with_id(stanzas.clean(child)))
            elif child.tag == "downgrade_webclient":
                self._finish("not_multi_device")

    # --- pairing

    def _on_pair_device(self, node: Node, now: float) -> None:
        linking, refs = self._linking, node.child("pair-device")
        if linking is None or refs is None or self.phase not in (Phase.LOGIN, Phase.PAIRING):
            return
        self._channel.send(stanzas.iq_result(node.attr("id")))
        self.phase = Phase.PAIRING
        self._wait_for("", math.inf)
        linking.take_refs(refs)
        self._show_next(linking, now)

    def _show_next(self, linking: Linking, now: float) -> None:
        code = linking.next_code(now)
        if code is None:
            self._finish("not_scanned")
        else:
            self._signals.append(code)

    def _on_pair_success(self, node: Node, now: float) -> None:
        linking = self._linking
        if linking is None or self.phase is not Phase.PAIRING:
            return
        try:
            linking.success = verify_pair_success(node, linking.credentials)
        except PairingError as error:
            self._channel.send(pairing_error(node, error))
            self._finish("pairing", detail=str(error), code=error.code)
            return
        linking.stop_showing()
        self.phase = Phase.SCANNED
        self._wait_for("", math.inf)
        self._signals.append(linking.success)


_HANDLERS: dict[str, Callable[[Connection, Node, float], None]] = {
    "success": Connection._on_success,
    "failure": Connection._on_failure,
    "stream:error": Connection._on_stream_error,
    "xmlstreamend": Connection._on_stream_end,
    "iq": Connection._on_iq,
    "ib": Connection._on_ib,
    "ack": Connection._on_ack,
    **dict.fromkeys(stanzas.ANSWERED_TAGS, Connection._on_delivery),
}
