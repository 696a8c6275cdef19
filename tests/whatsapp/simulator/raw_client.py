"""A client that says whatever it is told, right or wrong, and shows all that the server answers."""

import asyncio
import itertools
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from whatsapp.credentials import Credentials
from whatsapp.protocol import curve
from whatsapp.protocol.frames import INTRO, FrameCutter, frame
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Attr, Node, decode_node, encode_node
from whatsapp.protocol.noise import Initiator, TransportState
from whatsapp.protocol.pairing import qr_text, refs_of, verify_pair_success
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload
from whatsapp.simulator import Simulator
from whatsapp.simulator.listening import ORIGIN

_PATIENCE_S = 5


class RawClient:
    def __init__(self, socket: ClientConnection, credentials: Credentials) -> None:
        self.socket = socket
        self.credentials = credentials
        self.certificate = b""
        self._cutter = FrameCutter()
        self._frames: list[bytes] = []
        self._initiator = Initiator(credentials.noise_private)
        self._transport: TransportState | None = None
        self._ids = itertools.count(1)

    @classmethod
    async def dial(cls, simulator: Simulator, credentials: Credentials | None = None) -> "RawClient":
        """The WebSocket, and nothing said yet."""
        socket = await connect(simulator.url, origin=Origin(ORIGIN), compression=None, proxy=None, ping_interval=None)
        return cls(socket, credentials or new_credentials())

    @classmethod
    async def register(cls, simulator: Simulator) -> tuple["RawClient", Node]:
        """As far as the refs."""
        client = await cls.dial(simulator)
        await client.shake(registration_payload(client.credentials, DeviceDescription()))
        announced = await client.receive()
        await client.send("iq", {"to": SERVER_JID, "type": "result", "id": announced.attr("id")})
        return client, announced

    @classmethod
    async def log_in(cls, simulator: Simulator, credentials: Credentials, *, active: bool = True) -> "RawClient":
        """As far as `<success>`, and further if it shall be active."""
        client = await cls.dial(simulator, credentials)
        await client.shake(login_payload(credentials, DeviceDescription()))
        assert (await client.receive()).tag == "success"
        if active:
            await client.query("passive", "set", Node("active"))
            assert (await client.receive()).child("offline") is not None
        return client

    async def shake(self, payload: bytes, intro: bytes = INTRO) -> None:
        """The whole handshake."""
        await self.hello(intro)
        await self.socket.send(frame(self._initiator.finish(payload)))
        self._transport = self._initiator.transport()

    async def hello(self, intro: bytes = INTRO) -> None:
        await self.socket.send(intro + frame(self._initiator.hello()))
        self.certificate = self._initiator.read_hello(await self._next_frame())
        self.server_static = self._initiator.server_static

    async def send(self, tag: str, attrs: dict[str, Attr] | None = None, content: Any = None) -> None:
        await self.send_plain(encode_node(Node(tag, attrs or {}, content)))

    async def send_plain(self, plain: bytes) -> None:
        assert self._transport is not None
        await self.socket.send(frame(self._transport.seal(plain)))

    async def receive(self) -> Node:
        """The next stanza."""
        assert self._transport is not None
        return decode_node(self._transport.open(await self._next_frame()))

    async def query(self, namespace: str, kind: str, *children: Node, **attrs: Attr) -> Node:
        """The answer to a query; stanzas in between are not expected."""
        query_id = attrs.pop("id", f"q-{next(self._ids)}")
        base: dict[str, Attr] = {"to": SERVER_JID, "type": kind, "xmlns": namespace, "id": query_id}
        await self.send("iq", {**base, **attrs}, list(children) or None)
        answer = await self.receive()
        assert answer.attrs.get("id") == query_id, answer
        return answer

    async def error(self, namespace: str, kind: str, *children: Node, **attrs: Attr) -> int:
        """The code that a query is refused with."""
        answer = await self.query(namespace, kind, *children, **attrs)
        error = answer.child("error")
        assert answer.attr("type") == "error"
        assert error is not None
        return error.attr_int("code")

    async def closed(self) -> int | None:
        """Wait until the server ended the connection; the close code, None where TCP was cut."""
        async with asyncio.timeout(_PATIENCE_S):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None

    async def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self.receive()
        except TimeoutError:
            return True
        return False

    async def _next_frame(self) -> bytes:
        async with asyncio.timeout(_PATIENCE_S):
            while not self._frames:
                message = await self.socket.recv()
                self._frames += self._cutter.feed(message if isinstance(message, bytes) else message.encode())
        return self._frames.pop(0)

    # --- pairing

    def qr(self, announced: Node, number: int = 0) -> str:
        pair_device = announced.child("pair-device")
        assert pair_device is not None
        return qr_text(refs_of(pair_device)[number], self.credentials)

    def sign(self, pair_success: Node) -> Node:
        """The right answer to a pair-success; remembers the credentials."""
        success = verify_pair_success(pair_success, self.credentials)
        self.credentials = success.credentials
        return success.answer

    @property
    def noise_public(self) -> bytes:
        return curve.public_of(self.credentials.noise_private)
