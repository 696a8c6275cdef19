"""The server's voice on one connection: seals and writes, says last words, closes."""

import asyncio
import enum
import time
from typing import TYPE_CHECKING

from whatsapp.protocol.frames import frame
from whatsapp.protocol.nodes import Node, encode_node
from whatsapp.protocol.noise import TransportState

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator
    from whatsapp.simulator.wire import Wire


class State(enum.Enum):
    INTRO = "intro"
    HELLO = "hello"
    FINISH = "finish"
    PAIRING = "pairing"  # registered, waits for a phone
    OPEN = "open"  # logged in
    OVER = "over"  # the server said its last word


class Speaker:
    """What a session says. Everything is written at once and in order, unless an order makes answers slow."""

    __slots__ = ("_ids", "_transport", "queries", "simulator", "state", "wire")

    def __init__(self, simulator: "Simulator", wire: "Wire") -> None:
        self.simulator = simulator
        self.wire = wire
        self.state = State.INTRO
        self.queries: dict[str, asyncio.Future[Node]] | None = None  # ours, not answered yet
        self._transport: TransportState | None = None  # once hands are shaken
        self._ids = 0  # iq ids given

    @property
    def number(self) -> str | None:
        """The account this connection is known to belong to."""
        return self.wire.number

    def send(self, *nodes: Node) -> None:
        """Seal and write, all in one WebSocket message; later if an order says so."""
        delay = self.simulator.delay_of(self.number)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._write, nodes)
        else:
            self._write(nodes)

    def send_plain(self, plain: bytes) -> None:
        """Seal and write a plain frame as it is: compressed nodes, nonsense."""
        if self._transport is not None and self.state is not State.OVER and self.wire.silenced_by is None:
            self.wire.write(frame(self._transport.seal(plain)))

    def send_in_pieces(self, node: Node, size: int) -> None:
        """One node in WebSocket messages of `size` bytes each."""
        if self._transport is not None and self.wire.silenced_by is None:
            data = frame(self._transport.seal(encode_node(node)))
            for start in range(0, len(data), size):
                self.wire.write(data[start : start + size])

    def notify(self, node: Node) -> None:
        """Send a stanza of a client that is not logged in yet: nothing waits for its ack."""
        node.attrs.setdefault("id", self.next_id())
        node.attrs.setdefault("t", str(int(time.time())))
        self.send(node)

    def query(self, node: Node) -> "asyncio.Future[Node]":
        """Ask the client something; the future has its answer."""
        node.attrs.setdefault("id", self.next_id())
        answer: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        self.queries = self.queries or {}
        self.queries[str(node.attrs["id"])] = answer
        self.send(node)
        return answer

    def next_id(self) -> str:
        self._ids += 1
        return f"{id(self) & 0xFFFF}-{self._ids}"

    def fail(self, reason: int, **attrs: str) -> None:
        """`<failure>` in place of `<success>`, then close."""
        self.simulator.ledger.count("failures", self.number)
        self._last_word(Node("failure", {"reason": str(reason), "location": "sim", **attrs}))

    def stream_error(self, code: int | None = None, conflict: str | None = None) -> None:
        """`<stream:error>`, then close."""
        children = [Node("conflict", {"type": conflict})] if conflict else None
        self._last_word(Node("stream:error", {"code": str(code)} if code is not None else {}, children))

    def stream_end(self) -> None:
        self._last_word(Node("xmlstreamend"))

    def close(self, code: int = 1000) -> None:
        """Close the WebSocket properly."""
        self.state = State.OVER
        self.simulator.spawn(self.wire.close(code))

    def _write(self, nodes: tuple[Node, ...]) -> None:
        if self._transport is None or self.state is State.OVER or self.wire.silenced_by is not None:
            return
        self.wire.write(b"".join(frame(self._transport.seal(encode_node(node))) for node in nodes))

    def _last_word(self, node: Node) -> None:
        if self.state is not State.OVER:
            self._write((node,))
            self.close()
