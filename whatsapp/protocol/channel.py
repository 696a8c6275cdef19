"""The encrypted stream of a client: handshake first, then nodes both ways (PROTOCOL.md §1, §2)."""

from collections.abc import Iterator

from whatsapp.credentials import Credentials
from whatsapp.exceptions import FrameError
from whatsapp.protocol.certificate import verify_chain
from whatsapp.protocol.frames import FrameCutter, frame, intro
from whatsapp.protocol.nodes import Node, decode_node, encode_node
from whatsapp.protocol.noise import Initiator, TransportState
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload


class Channel:
    """Bytes to nodes and nodes to bytes. After the handshake it holds two keys and two counters, no credentials."""

    __slots__ = ("_cutter", "_greeting", "_out", "_transport")

    def __init__(
        self, credentials: Credentials, device: DeviceDescription, *, root_key: bytes, wall_time: float
    ) -> None:
        """Begin: the intro and our hello are in `data_to_send()`.

        `wall_time`, in seconds since 1970, is what the server's certificate is judged by. Credentials of a linked
        device log in, others register. Raises ValueError if they name an unusable address.
        """
        self._greeting: _Greeting | None = _Greeting(credentials, device, root_key, wall_time)  # until hands are shaken
        self._transport: TransportState | None = None  # from then on
        self._cutter = FrameCutter()  # the part of a frame whose rest is still to come
        self._out = intro(credentials.routing_info) + frame(self._greeting.initiator.hello())  # to be written

    @property
    def is_open(self) -> bool:
        """Hands are shaken and the server's certificate is good: nodes may be sent."""
        return self._transport is not None

    def receive(self, data: bytes) -> Iterator[Node]:
        """The nodes that are complete with `data`, decoded one by one as they are asked for.

        Raises FrameError, NodeError, HandshakeError or CertificateError: the stream is lost then.
        """
        for payload in self._cutter.feed(data):
            if self._transport is not None:
                yield decode_node(self._transport.open(payload))
            elif self._greeting is not None:
                finish, self._transport = self._greeting.answer(payload)
                self._greeting = None
                self._out += frame(finish)

    def send(self, node: Node) -> None:
        """Put a node behind what is to be written. Raises NodeError or FrameError, and then nothing was put there."""
        plain = encode_node(node)
        if self._transport is None:
            raise FrameError("no node can be sent before the handshake is over")
        self._out += frame(self._transport.seal(plain))

    def data_to_send(self) -> bytes:
        """What is to be written now, in this order and with nothing between; it is given once."""
        out, self._out = self._out, b""
        return out


class _Greeting:
    """What is needed until the handshake is over."""

    __slots__ = ("_payload", "_root_key", "_wall_time", "initiator")

    def __init__(self, credentials: Credentials, device: DeviceDescription, root_key: bytes, wall_time: float) -> None:
        self.initiator = Initiator(credentials.noise_private)
        self._payload = (login_payload if credentials.is_linked else registration_payload)(credentials, device)
        self._root_key = root_key  # that the server's certificate must lead to
        self._wall_time = wall_time  # of the dial

    def answer(self, payload: bytes) -> tuple[bytes, TransportState]:
        """Our last message to the server's hello, and what seals the frames behind it."""
        chain = self.initiator.read_hello(payload)
        verify_chain(chain, server_static=self.initiator.server_static, root_key=self._root_key, now=self._wall_time)
        return self.initiator.finish(self._payload), self.initiator.transport()
