"""Everything about messages that one connection does. Made when the first is sent or arrives."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from whatsapp.desk import Desk
from whatsapp.ends import End
from whatsapp.events import Event
from whatsapp.exceptions import NotConnectedError, StoreError
from whatsapp.jobs import Jobs
from whatsapp.line import Line
from whatsapp.log import log_raised
from whatsapp.options import ClientOptions
from whatsapp.protocol.ends import local_end
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind, UploadedMedia
from whatsapp.protocol.messages import Content
from whatsapp.protocol.nodes import Node
from whatsapp.receiving import Receiver
from whatsapp.sending import Sender, Sent
from whatsapp.store import Store
from whatsapp.uploads import Uploader

T = TypeVar("T")

_MAX_ARRIVED: Final = 1000  # stanzas waiting to be handled...
_MAX_ARRIVED_BYTES: Final = 8 << 20  # ...and the bytes in them


class _Parts(NamedTuple):
    desk: Desk
    sender: Sender
    receiver: Receiver
    uploader: Uploader


class Messenger:
    """What `Client` offers on messages, and the queue of what arrives."""

    __slots__ = (
        "_arrived", "_bytes", "_finish", "_jobs", "_line", "_missed",
        "_opening", "_options", "_parts", "_store", "_tell",
    )  # fmt: skip

    def __init__(
        self,
        line: Line,
        store: Store,
        options: ClientOptions,
        *,
        jobs: Jobs,
        tell: Callable[[Event], Awaitable[None]],
        finish: Callable[[End], None],
    ) -> None:
        self._line = line
        self._store = store
        self._options = options
        self._jobs = jobs
        self._tell = tell
        self._finish = finish
        self._arrived: deque[Node] = deque()  # to be handled, in order
        self._bytes = 0  # in them
        self._missed = False  # there were too many: the rest comes again with the next connection
        self._opening = asyncio.Lock()  # while they are
        self._parts: _Parts | None = None  # once the credentials were read

    # --- for the caller

    async def show_typing(self, to: Jid, seconds: float) -> None:
        sender = (await self._open()).sender
        await self._guarded(sender.show_typing(to, seconds))

    async def send(self, to: Jid, content: Content, message_id: str) -> Sent:
        sender = (await self._open()).sender
        return await self._guarded(sender.send(to, content, message_id))

    async def prepare(self, recipients: Collection[Jid]) -> Mapping[Jid, bool]:
        sender = (await self._open()).sender
        return await self._guarded(sender.prepare(recipients))

    async def check(self, numbers: Sequence[str]) -> Mapping[str, Jid | None]:
        people = (await self._open()).desk.people
        return await self._guarded(people.check(numbers))

    async def upload(self, data: bytes, kind: MediaKind) -> UploadedMedia:
        return await (await self._open()).uploader.upload(data, kind)

    # --- for what arrives

    def take(self, stanza: Node) -> None:
        """Handle it after what waits. Does not wait."""
        size = sum(len(part.data) for part in stanza.children())
        if len(self._arrived) >= _MAX_ARRIVED or self._bytes + size > _MAX_ARRIVED_BYTES:
            self._missed = True
            return
        self._bytes += size
        self._arrived.append(stanza)
        if len(self._arrived) == 1:
            self._jobs.add(self._handle_first, None)

    async def _handle_first(self, _: None) -> None:
        """One stanza, so that other jobs come in between."""
        if self._line.is_over:
            self._arrived.clear()
            return
        await (await self._open_parts()).receiver.take(self._arrived[0])
        done = self._arrived.popleft()
        self._bytes -= sum(len(part.data) for part in done.children())
        if self._arrived:
            self._jobs.add(self._handle_first, None)
        elif self._missed:
            self._finish(local_end("overrun"))

    # --- within

    async def _open(self) -> _Parts:
        return await self._guarded(self._open_parts())

    async def _open_parts(self) -> _Parts:
        async with self._opening:
            if self._parts is None:
                desk = await Desk.open(self._line, self._store, self._options, self._tell)
                self._parts = _Parts(desk, Sender(desk), Receiver(desk), Uploader(self._line, self._options))
            return self._parts

    async def _guarded(self, work: Awaitable[T]) -> T:
        """A store that fails ends the connection, here as elsewhere; what was not written was not sent."""
        try:
            return await work
        except StoreError as error:
            log_raised("store", error.__cause__ or error)
            self._finish(local_end("store"))
            raise NotConnectedError("the store failed") from error
