"""An open WebSocket and the protocol's state on it, held together: what arrives is fed, what is wanted is written."""

import asyncio
import math
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from whatsapp.ends import End
from whatsapp.exceptions import NotConnectedError, QueryError
from whatsapp.log import log_raised
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.ends import local_end
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signals import Answered, Signal, ack_key

_MAX_UNSENT = 1 << 20  # bytes waiting for a peer that does not read
_UNREACHABLE = frozenset({"keepalive", "write_blocked"})  # ends after which a polite goodbye only costs time


class Line:
    """One open connection. `take` is called for each signal, in order, and `finish` when it has to end; neither waits.

    It holds one timer, and otherwise nothing but the socket and the core while it is idle.
    """

    __slots__ = (
        "_finish",
        "_query_timeout_s",
        "_socket",
        "_take",
        "_timer",
        "_timer_at",
        "_waiting",
        "core",
        "is_over",
    )

    def __init__(
        self,
        socket: ClientConnection,
        core: Connection,
        *,
        take: Callable[[Signal], None],
        finish: Callable[[End], None],
        query_timeout_s: float,
    ) -> None:
        self.core = core  # the protocol's state; after everything ordered from it `flush` is due
        self.is_over = False  # the caller let go of it
        self._socket = socket
        self._take = take
        self._finish = finish
        self._query_timeout_s = query_timeout_s  # for queries that name none
        self._timer: asyncio.TimerHandle | None = None  # for the next tick of the core
        self._timer_at = math.inf  # when it fires
        self._waiting: dict[str, asyncio.Future[Node]] | None = None  # queries without an answer, by id

    @property
    def is_open(self) -> bool:
        """The WebSocket is open."""
        return not self.is_over and self._socket.state is State.OPEN

    async def read(self) -> None:
        """Feed what arrives until the socket closes or the core has enough. The end was given to `finish` then."""
        socket, core = self._socket, self.core
        self.flush()
        try:
            while core.end is None:
                data = await socket.recv()
                if isinstance(data, str):
                    self._finish(local_end("bad_frame", detail="a text message"))
                    return
                core.receive_data(data, socket.loop.time())
                self.flush()
        except ConnectionClosed:
            core.receive_eof()
            self.flush()

    async def query(self, node: Node, timeout_s: float | None = None) -> Node:
        """Send an iq and wait for its answer. The id is ours to give.

        Raises QueryError if the answer is an error, NotConnectedError, TimeoutError, NodeError for what cannot be sent.
        """
        self._require()
        request_id = self.core.ask(node)
        try:
            result = await self._answer(request_id, self._query_timeout_s if timeout_s is None else timeout_s)
        finally:
            self.core.forget(request_id)
        if result.attr("type") == "error":
            error = result.child("error")
            raise QueryError(error.attr_int("code") if error else None, error.attr("text") if error else "")
        return result

    async def acknowledged(self, message: Node, timeout_s: float) -> Node:
        """Send a message and wait for the server's ack, which may say that it was refused.

        Raises NotConnectedError, TimeoutError, NodeError for what cannot be sent.
        """
        self._require()
        self.core.send(message)
        try:
            return await self._answer(ack_key(message.attr("id")), timeout_s)
        except NotConnectedError as error:
            error.was_sent = True
            raise

    def post(self, node: Node) -> None:
        """Send an iq whose answer makes no difference. Raises NotConnectedError, NodeError."""
        self._require()
        self.core.forget(self.core.ask(node))
        self.flush()

    def send(self, node: Node) -> None:
        """Send a stanza. Raises NotConnectedError, NodeError for what cannot be sent."""
        self._require()
        self.core.send(node)
        self.flush()

    def confirm_pairing(self) -> None:
        """The credentials of the PairSuccess are saved. Raises NotConnectedError: the server was not told."""
        self._require()
        self.core.confirm_pairing(self._socket.loop.time())
        self.flush()

    def flush(self) -> None:
        """Carry out what the core wants: signals, then bytes, then its end or its next tick."""
        core = self.core
        for signal in core.signals():
            if isinstance(signal, Answered):
                self._resolve(signal)
            else:
                self._take(signal)
        data = core.data_to_send()
        if data:
            self._write(data)
        if core.end is not None:
            self._finish(core.end)
        elif core.wake_at < self._timer_at and not self.is_over:
            self._set_timer(core.wake_at)

    def let_go(self) -> None:
        """Nothing will come any more: stop the timer, tell those who wait. Call it once the end is known."""
        self.is_over = True
        self._set_timer(math.inf)
        for answer in (self._waiting or {}).values():
            if not answer.done():
                answer.set_exception(NotConnectedError("the connection ended before the answer came"))

    async def close(self, end: End) -> None:
        """Close the socket, politely where somebody may be listening."""
        if end.reason in _UNREACHABLE:
            self.abort()
        await self._socket.close()

    def abort(self) -> None:
        """Drop the TCP connection."""
        self._socket.transport.abort()

    def _require(self) -> None:
        if self.is_over or self.core.end is not None:
            raise NotConnectedError("the connection is not open")

    async def _answer(self, key: str, timeout_s: float) -> Node:
        """Write what is to be written, then wait for what answers it."""
        answer: asyncio.Future[Node] = self._socket.loop.create_future()
        waiting = self._waiting = self._waiting or {}
        waiting[key] = answer
        try:
            self.flush()
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            waiting.pop(key, None)
            if not waiting and self._waiting is waiting:
                self._waiting = None

    def _write(self, data: bytes) -> None:
        # Not `send()`: that would wait. What was sealed must be written at once and in order.
        broadcast((self._socket,), data)
        if self._socket.transport.get_write_buffer_size() > _MAX_UNSENT:
            self._finish(local_end("write_blocked"))

    def _resolve(self, signal: Answered) -> None:
        answer = self._waiting.get(signal.request_id) if self._waiting else None
        if answer is not None and not answer.done():
            answer.set_result(signal.answer)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._socket.loop.call_at(at, self._tick) if at < math.inf else None

    def _tick(self) -> None:
        # Frames only ever put the next tick off, so the timer is not moved for each of them: it looks when it fires.
        self._timer, self._timer_at = None, math.inf
        if self.is_over:
            return
        try:
            self.core.tick(self._socket.loop.time())
            self.flush()
        except Exception as error:  # here nobody else would see it, and nothing would ever tick again
            log_raised("engine", error)
            self._finish(local_end("internal"))
