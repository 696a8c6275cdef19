"""One open WebSocket as the hub sees it: what is still to be said to it, and how long it may take to listen."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from django.utils import timezone

from wa_sessions.visitors import Visitor

Send = Callable[[dict[str, Any]], Awaitable[None]]

SEND_TIMEOUT_S = 5.0  # a client that takes longer to take one message is stalled
MAX_BACKLOG = 64 * 1024  # bytes that the server may hold for one client
BACKLOG_POLL_S = 0.05
MANY = 25  # more outlets than this at once are told as one "look again", without a name
CLOSE_STALLED = 4408
CLOSE_GONE = 1006  # never sent: there is nobody to send it to


def text_of(kind: str, **fields: Any) -> str:
    """One message as it goes over the wire."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def stamped(kind: str) -> str:
    """A message that carries the server's time."""
    return text_of(kind, at=timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"))


class Viewer:
    """A client and its outbox.

    The outbox cannot grow: it keeps an outlet once however often it changed, turns into "many" beyond `MANY`, and
    holds one tick. A client that takes no message for `SEND_TIMEOUT_S` is stalled; the hub looks for such ones, since
    a timer for each message would cost as much as the message.
    """

    __slots__ = ("_drain", "_is_many", "_loop", "_messages", "_outlets", "_send", "_sending_since", "closed", "visitor")

    def __init__(self, visitor: Visitor, send: Send) -> None:
        self.visitor = visitor
        self._loop = asyncio.get_running_loop()
        # Resolved with a close code once this socket must end; its consumer waits for it.
        self.closed: asyncio.Future[int] = self._loop.create_future()
        self._send = send
        self._sending_since: float | None = None  # when the message that is on its way was handed to the server
        self._messages: dict[str, str] = {"hello": stamped("hello")}  # by kind, the newest of each; sent first
        self._outlets: dict[int, str] = {}  # changed outlets and their messages, oldest first
        self._is_many = False  # more outlets changed than are worth naming
        self._drain: asyncio.Task[None] | None = None  # runs while there is something to say
        self._wake()

    def tell_changed(self, changed: dict[int, str]) -> bool:
        """Note changed outlets (public key -> message) and say those that this visitor may see. False: none of them."""
        seen = changed if self.visitor.sees is None else {
            pk: changed[pk] for pk in self.visitor.sees if pk in changed
        }  # fmt: skip
        if not seen:
            return False
        if not self._is_many:
            self._outlets.update(seen)
            if len(self._outlets) > MANY:
                self._outlets.clear()
                self._is_many = True
        self._wake()
        return True

    def tell_blasts(self, blasts: Iterable[tuple[int, int | None]]) -> bool:
        """Note changed blasts, each with the one outlet that it concerns (None: several), as `tell_changed`."""
        sees = self.visitor.sees
        told = False
        for pk, outlet in blasts:
            if sees is None or outlet in sees:
                self._messages[f"blast_{pk}"] = text_of("blast", blastId=f"blast_{pk}")
                told = True
        if len(self._messages) > MANY:
            self._messages = {kind: text for kind, text in self._messages.items() if not kind.startswith("blast_")}
            self._messages["blasts"] = text_of("blast", blastId=None)
        if told:
            self._wake()
        return told

    def tell(self, kind: str, text: str) -> None:
        """Say something that is about no outlet; an older unsaid message of the same kind is dropped."""
        self._messages[kind] = text
        self._wake()

    def close(self, code: int) -> None:
        """Have the consumer end this socket. Nothing more is said to it."""
        if not self.closed.done():
            self.closed.set_result(code)
        if self._drain is not None:
            self._drain.cancel()

    def is_stalled(self, now: float) -> bool:
        """Whether the client has not taken the last message for too long. `now` is the loop's time."""
        return self._sending_since is not None and now - self._sending_since > SEND_TIMEOUT_S

    def _wake(self) -> None:
        if self._drain is None and not self.closed.done():
            self._drain = self._loop.create_task(self._say_all())

    async def _say_all(self) -> None:
        try:
            while (text := self._next()) is not None:
                self._sending_since = self._loop.time()
                await self._send({"type": "websocket.send", "text": text})
                # Daphne's send returns at once whatever the client does, and buffers without end.
                while held_back(self._send) > MAX_BACKLOG:  # noqa: ASYNC110 - Twisted has no event for it
                    await asyncio.sleep(BACKLOG_POLL_S)
        except Exception:  # the server found the line gone; its disconnect message may or may not follow
            if not self.closed.done():
                self.closed.set_result(CLOSE_GONE)
        finally:
            self._sending_since = None
            self._drain = None

    def _next(self) -> str | None:
        for kind in self._messages:
            return self._messages.pop(kind)
        if self._is_many:
            self._is_many = False
            return text_of("changed", outletId=None)
        for pk in self._outlets:
            return self._outlets.pop(pk)
        return None


def held_back(send: Send) -> int:
    """Bytes that the server still holds for the client behind `send`; 0 where the server waits by itself.

    Daphne hands out `partial(handle_reply, protocol)`, Twisted's transport below it has a buffer and no word for its
    length. Where any of this is not as known, nothing is held back and Daphne's ping finds the stalled client.
    """
    transport = getattr(_daphne_protocol(send), "transport", None)
    try:
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)  # type: ignore[union-attr]
    except (AttributeError, TypeError):
        return 0


def abort(send: Send) -> None:
    """Drop the line behind `send` without a closing handshake, where the server can only close politely (Daphne)."""
    drop = getattr(_daphne_protocol(send), "dropConnection", None)
    if drop is not None:
        drop(abort=True)


def _daphne_protocol(send: Send) -> Any:
    args: Collection[Any] = getattr(send, "args", ())
    return next(iter(args), None)
