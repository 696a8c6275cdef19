"""Work that waits for the caller or the network, done in order beside the reading of the socket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from whatsapp.ends import End
from whatsapp.exceptions import NotConnectedError, PairingError, ProtocolError, QueryError, StoreError
from whatsapp.log import log_raised
from whatsapp.protocol.ends import local_end

Job = Callable[[Any], Awaitable[None]]

MAX_WAITING = 64  # jobs; an honest server causes a handful


class HandlerError(Exception):
    """The caller's event handler raised; its exception is the cause."""


class Jobs:
    """A queue and the one task that works it off. Neither exists while there is nothing to do.

    A job that raises ends the connection: `finish` is called with the End that its exception means.
    """

    __slots__ = ("_finish", "_task", "_waiting")

    def __init__(self, finish: Callable[[End], None]) -> None:
        self._finish = finish
        self._waiting: deque[tuple[Job, Any]] | None = None  # in order
        self._task: asyncio.Task[None] | None = None  # at work on them

    def add(self, job: Job, argument: Any, *, replace: bool = False) -> None:
        """Do `job(argument)` after all that waits. With `replace`, in place of what waits of the same job."""
        waiting = self._waiting or deque()
        if replace:
            waiting = deque(entry for entry in waiting if entry[0] != job)
        if len(waiting) >= MAX_WAITING:
            self._finish(local_end("overrun"))
            return
        waiting.append((job, argument))
        self._waiting = waiting
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def drop(self) -> None:
        """Forget what waits. The job under way goes on."""
        self._waiting = None

    def cancel(self) -> None:
        """Stop at once."""
        self.drop()
        if self._task is not None:
            self._task.cancel()

    async def drain(self, timeout_s: float) -> None:
        """Wait until all is done, at most so long; what is late is cancelled."""
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=timeout_s)
            if late:
                self.cancel()
                await asyncio.wait(late, timeout=1)

    async def _work(self) -> None:
        try:
            while self._waiting:
                job, argument = self._waiting.popleft()
                await self._do(job, argument)
        finally:
            self._task = self._waiting = None

    async def _do(self, job: Job, argument: Any) -> None:
        try:
            await job(argument)
        except NotConnectedError:
            pass  # it ended meanwhile, and why is known
        except Exception as error:
            self._finish(_end_of(error))


def _end_of(error: Exception) -> End:
    match error:
        case HandlerError():
            log_raised("handler", error.__cause__ or error)
            return local_end("handler")
        case StoreError():
            log_raised("store", error.__cause__ or error)
            return local_end("store")
        case PairingError():
            return local_end("pairing", detail=str(error), code=error.code)
        case QueryError():
            return local_end("query_refused", detail=error.text, code=error.code)
        case TimeoutError():
            return local_end("query_timeout")
        case ProtocolError():
            return local_end("bad_node", detail=str(error))
        case _:
            log_raised("engine", error)
            return local_end("internal")
