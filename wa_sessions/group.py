"""Group commit: many small durable writes of all outlets in one transaction.

A transaction costs about a millisecond whatever is in it. So while one is under way, what others want written waits
and goes into the next one together: nobody waits longer than two transactions, and hundreds of messages a second need
a few dozen of them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import transaction

from wa_sessions.db import DATABASE_AWAY, RETRY_S, run_db

logger = logging.getLogger("wa_sessions")

T = TypeVar("T")
R = TypeVar("R")

BATCH = 500  # items a transaction

# Called in a thread, in a transaction, with items in the order in which they came; gives a result for each. A result
# that is an exception is raised at the one whose item it was. What it raises itself undoes the transaction: then each
# item is written in one of its own, so that a bad one fails alone. One with a true `locks_first` goes before the others
# of its transaction: it waits for locks whose holders wait for rows that the others hold.
Write = Callable[[Sequence[T]], Sequence[R | Exception]]


class GroupCommit:
    """One per manager; `run` is its task. On the loop only."""

    def __init__(self) -> None:
        self._waiting: list[_Item] = []
        self._is_writing = False
        self._has_work = asyncio.Event()
        self._is_idle = asyncio.Event()  # nothing waits and nothing is being written
        self._is_idle.set()

    async def write(self, write: Write[T, R], item: T) -> R:
        """Have `write` called with `item` among others, and return its result once that is on disk.

        While the database is away this waits. Whoever stops waiting may still find the item written.
        """
        return await self.submit(write, item)

    def submit(self, write: Write[T, R], item: T) -> "asyncio.Future[R]":
        """`write` for those who need not wait at once."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, item, future))
        self._is_idle.clear()
        self._has_work.set()
        return future

    async def flush(self, timeout_s: float) -> bool:
        """Wait until all is written, at most `timeout_s` seconds. Returns whether it is."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Write what comes, for ever."""
        while True:
            await self._has_work.wait()
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                await self._write(batch)
            except asyncio.CancelledError:
                for _, _, future in (*batch, *self._waiting):
                    future.cancel()
                raise
            if not self._waiting:
                self._has_work.clear()
                self._is_idle.set()

    async def _write(self, batch: "list[_Item]") -> None:
        while True:
            try:
                results = await run_db(_write_together, batch)
            except DATABASE_AWAY as error:
                logger.warning("[WhatsApp] database is away (%s), trying again", type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            except Exception as error:
                if len(batch) > 1:
                    for item in batch:
                        await self._write([item])
                    return
                results = [error]
            break
        for (_, _, future), result in zip(batch, results, strict=True):
            if future.done():  # nobody waits any more
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


_Item = tuple[Write[Any, Any], Any, "asyncio.Future[Any]"]


def _write_together(batch: Sequence[_Item]) -> list[Any]:
    kinds: dict[Write[Any, Any], list[int]] = {}
    for place, (write, _, _) in enumerate(batch):
        kinds.setdefault(write, []).append(place)
    results: list[Any] = [None] * len(batch)
    with transaction.atomic():
        for write in sorted(kinds, key=lambda write: not getattr(write, "locks_first", False)):
            places = kinds[write]
            for place, result in zip(places, write([batch[place][1] for place in places]), strict=True):
                results[place] = result
    return results
