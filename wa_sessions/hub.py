"""Local fan-out: one hub for each event loop that serves WebSockets, made with its first viewer, gone with its last.

A hint that reaches the process is told to each viewer that may see the outlet. That costs one pass over the viewers,
so hints that come while a pass runs wait and go out together; a pass yields to the sockets every `CHUNK` viewers, and
takes at most about half of the loop's time.

Nothing here relies on a server calling `disconnect` (Daphne does not when it is stopped) or on membership in groups of
the channel layer (which forgets slow members): a viewer is in the set while its consumer runs.
"""

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

from wa_sessions import broadcast
from wa_sessions.broadcast import Hints
from wa_sessions.db import run_db
from wa_sessions.viewers import CLOSE_STALLED, Viewer, stamped, text_of
from wa_sessions.visitors import verdicts

logger = logging.getLogger("wa_sessions")

TICK_S = 15.0
SWEEP_S = 1.0
CHECK_S = 1.0  # every viewer's right to be here is checked this often
CHUNK = 50  # viewers told between two turns of the loop
MIN_GAP_S = 0.002
MAX_GAP_S = 0.5
MAX_VIEWERS = 5000

_hubs: dict[asyncio.AbstractEventLoop, "Hub"] = {}


def current() -> "Hub":
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        for old in [known for known in _hubs if known.is_closed()]:
            _hubs.pop(old).forget()
        hub = _hubs[loop] = Hub(loop)
    return hub


def viewers_now() -> int:
    """How many WebSockets are open in this process. From any thread."""
    return sum(len(hub.viewers) for hub in list(_hubs.values()))


def is_full() -> bool:
    """Whether this process has as many open WebSockets as it will serve."""
    return viewers_now() >= MAX_VIEWERS


class Hub:
    """Knows the viewers of one event loop. Everything but `note` is called on that loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.viewers: set[Viewer] = set()
        self._loop = loop
        self._lock = threading.Lock()
        self._outlets: set[int] = set()  # changed, not yet told; under the lock, as the next three
        self._users: set[int] = set()  # to be checked at once
        self._blasts: set[tuple[int, int | None]] = set()  # changed, with the one outlet that they concern
        self._is_woken = False  # the loop knows that there are notes
        self._wake = asyncio.Event()  # there is something to tell
        self._check_now = asyncio.Event()  # somebody's rights changed
        self._tasks: list[asyncio.Task[None]] = []  # the hub's own work, while there are viewers

    @contextlib.contextmanager
    def viewing(self, viewer: Viewer) -> Iterator[None]:
        """Tell this viewer of changes for the length of a `with` block."""
        self.viewers.add(viewer)
        if not self._tasks:
            self._start()
        try:
            yield
        finally:
            self.viewers.discard(viewer)
            viewer.close(1001)
            if not self.viewers:
                self._stop()

    def note(self, hints: Hints) -> None:
        """Take a note of changes; the telling follows on the loop. From any thread."""
        with self._lock:
            self._outlets |= hints.outlets
            self._users |= hints.users
            self._blasts |= hints.blasts
            if self._is_woken:
                return
            self._is_woken = True
        try:
            self._loop.call_soon_threadsafe(self._on_note)
        except RuntimeError:  # the loop was closed under its viewers
            self.forget()

    def forget(self) -> None:
        """Hear no more hints."""
        broadcast.unsubscribe(self.note)

    def _start(self) -> None:
        broadcast.subscribe(self.note)
        work = (self._tell_always(), self._sweep_always(), self._check_always(), self._listen())
        self._tasks = [self._loop.create_task(self._guarded(each)) for each in work]

    def _stop(self) -> None:
        self.forget()
        _hubs.pop(self._loop, None)
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            # Pages still refresh by themselves; but if nobody's rights are checked any more, nobody may stay.
            logger.exception("The hub of open pages failed; its pages connect again")
            for viewer in list(self.viewers):
                viewer.close(1011)

    def _on_note(self) -> None:
        with self._lock:
            self._is_woken = False
            if self._users:
                self._users.clear()
                self._check_now.set()
            if self._outlets or self._blasts:
                self._wake.set()

    async def _tell_always(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = self._loop.time()
            await self._tell()
            # As long a rest as the telling took: a storm of changes leaves half of the loop to the sockets.
            await asyncio.sleep(min(MAX_GAP_S, max(MIN_GAP_S, self._loop.time() - began)))

    async def _tell(self) -> None:
        with self._lock:
            outlets, self._outlets = self._outlets, set()
            blasts, self._blasts = self._blasts, set()
        changed = {pk: _changed_text(pk) for pk in outlets}
        told = 0
        for viewer in list(self.viewers):
            told += bool(changed) and viewer.tell_changed(changed)
            told += bool(blasts) and viewer.tell_blasts(blasts)
            if told >= CHUNK:
                told = 0
                await asyncio.sleep(0)

    async def _sweep_always(self) -> None:
        """Close the stalled, and let everybody else know that the line is good."""
        tick_at = self._loop.time() + TICK_S
        while True:
            await asyncio.sleep(min(SWEEP_S, TICK_S))
            now = self._loop.time()
            for viewer in [viewer for viewer in self.viewers if viewer.is_stalled(now)]:
                viewer.close(CLOSE_STALLED)
            if now >= tick_at:
                tick_at = now + TICK_S
                await self._tick()

    async def _tick(self) -> None:
        text = stamped("tick")
        for number, viewer in enumerate(list(self.viewers), start=1):
            viewer.tell("tick", text)
            if number % CHUNK == 0:
                await asyncio.sleep(0)

    async def _check_always(self) -> None:
        is_blind = False  # the database could not be asked the last time
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._check_now.wait()
            self._check_now.clear()
            try:
                ended = await run_db(verdicts, {viewer.visitor for viewer in self.viewers})
            except Exception as error:  # a database that does not answer closes nobody's page
                if not is_blind:
                    logger.warning("The rights of open pages cannot be checked (%s)", type(error).__name__)
                is_blind = True
                continue
            is_blind = False
            for viewer in list(self.viewers) if ended else ():
                if viewer.visitor in ended:
                    viewer.close(ended[viewer.visitor])

    async def _listen(self) -> None:
        async for hints in broadcast.remote_hints():
            self.note(hints)


@functools.lru_cache(maxsize=4096)
def _changed_text(outlet_pk: int) -> str:
    return text_of("changed", outletId=f"outlet_{outlet_pk}")
