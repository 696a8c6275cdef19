"""Sends the blasts of the outlets whose sockets this process holds.

Level-triggered, like the manager: what people want is a column, looked at when they wish something and every second.
One `Sender` for each outlet that has work. A wish counts from the moment in which it is heard: no sender begins another
message before the wish was read.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from blast import hints
from blast.batch import CHECKED_AT_ONCE
from blast.claims import Checked, checked_write, left_behind, unchecked
from blast.incoming import Listener
from blast.models import Blast
from blast.plan import NOTHING, Plan, look
from blast.sender import Sender
from wa_sessions import broadcast, manager as sessions
from wa_sessions.db import DATABASE_AWAY, run_db, run_db_when_back
from wa_sessions.health import checks_of, is_healthy
from wa_sessions.live import NOTHING as NO_SOCKET
from wa_sessions.manager import Manager

logger = logging.getLogger("blast")

LOOK_S = 1.0
TELL_S = 0.5  # a blast's numbers are told to open pages at most this often
STOP_S = 4.0  # how long a message that is on the wire is waited for
GIVE_BACK_S = 2.0
GAP_S = 0.02  # between two looks


class Worker:
    """One per process, beside the manager and on its loop."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self.loop = manager.loop
        self.plan: Plan = NOTHING
        self.is_stopping = False
        self.opted_out: set[str] = set()  # since this process started: rows that are claimed already know nothing of it
        self._queues: dict[int, list[int]] = {}  # outlet -> blasts with work, the oldest first
        self._senders: dict[int, tuple[Sender, asyncio.Task[None]]] = {}
        self._nudged = asyncio.Event()
        self._is_settled = asyncio.Event()  # every wish that was heard is in `plan`
        self._is_settled.set()
        self._heard = 0  # wishes
        self._lock = threading.Lock()
        self._changed: set[int] = set()  # blasts whose numbers open pages do not know yet
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = Listener(self)

    # Start and stop

    def start(self) -> None:
        """Hear messages from the first one on, and begin to look. On the loop, right after the manager's start."""
        self.manager.subscribe(self._listener.take)
        hints.on_wish(self._on_wish)
        broadcast.subscribe(self._on_hints)
        work = (self._look_always(), self._tell_always(), self._listener.confirm_always())
        self._tasks = [self.loop.create_task(each) for each in work]

    async def stop(self) -> None:
        """Send nothing more and leave no row SENDING, within some seconds. Before the manager stops.

        Messages and receipts are still heard; `close` ends that.
        """
        self.is_stopping = True
        with suppress(ValueError):
            hints.off_wish(self._on_wish)
        broadcast.unsubscribe(self._on_hints)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._is_settled.set()
        tasks = {task for _, task in self._senders.values()}
        for sender, _ in self._senders.values():
            sender.wake()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks, timeout=GIVE_BACK_S)

    def close(self) -> None:
        """Hear nothing more. After the manager's stop: what is heard by nobody would be lost."""
        with suppress(ValueError):
            self.manager.unsubscribe(self._listener.take)

    # For senders

    def queue_of(self, outlet: int) -> Sequence[int]:
        """The running blasts that have work for this outlet."""
        return [pk for pk in self._queues.get(outlet, ()) if pk in self.plan.jobs]

    def exhausted(self, outlet: int, blast: int) -> None:
        """Nothing was left to claim."""
        with suppress(ValueError, KeyError):
            self._queues[outlet].remove(blast)
        self.nudge()

    async def settled(self) -> None:
        """Wait until every wish that was heard is read."""
        await self._is_settled.wait()

    def changed(self, blast: int) -> None:
        """Its numbers moved; open pages hear of it soon."""
        self._changed.add(blast)

    def is_healthy(self, outlet: int) -> bool:
        """Whether the outlet can send: the five terms of its health, as the sockets prove them."""
        manager = self.manager
        state, live = manager.state_of(outlet), manager.snapshot().get(outlet, NO_SOCKET)
        if state is None or manager.client_of(outlet) is None:
            return False
        proof = live.proof
        checks = checks_of(
            status=state.status,
            live_status=live.status(time.monotonic(), manager.proof_window_s),
            has_user=bool(live.user),
            is_open=proof is not None and proof.is_open,
            auto_reconnect=state.auto_reconnect,
        )
        return is_healthy(checks, is_active=state.active)

    def nudge(self) -> None:
        """Look now. On the loop."""
        self._nudged.set()

    # For requests, on the loop

    async def check_numbers(self, blast: int, at_most: int) -> None:
        """Ask WhatsApp about numbers of this blast that nobody asked about, by a connection of one of its outlets.

        Raises as `Client.check_numbers`.
        """
        outlets = await run_db(_outlets_of, blast)
        left = at_most
        for outlet in outlets:
            client = self.manager.client_of(outlet)
            while client is not None and self.is_healthy(outlet) and left > 0:
                phones = await run_db(unchecked, outlet, blast, min(left, CHECKED_AT_ONCE))
                if not phones:
                    break
                left -= len(phones)
                jids = await client.check_numbers(phones)
                found = {phone: str(jid) if jid is not None else None for phone, jid in jids.items()}
                await self.manager.group.write(checked_write, Checked(outlet, blast, found))
                self.changed(blast)

    # Looking

    def _on_wish(self, blast: int | None) -> None:
        """In the thread of whoever wishes, after its commit."""
        try:
            self.loop.call_soon_threadsafe(self._hear_wish, blast is None)
        except RuntimeError:  # the loop is gone
            return
        # Between here and the loop's next turn a sender may begin one message, and no more.

    def _hear_wish(self, reload: bool) -> None:
        if self.is_stopping:
            return
        self._heard += 1
        self._is_settled.clear()
        self._nudged.set()
        if reload:
            for sender, _ in self._senders.values():
                sender.wake(reload=True)

    def _on_hints(self, heard: broadcast.Hints) -> None:
        """In the thread where it arises: connections opened or ended, perhaps."""
        if heard.outlets and self._senders:
            with suppress(RuntimeError):  # the loop is gone
                self.loop.call_soon_threadsafe(self._wake, heard.outlets)

    def _wake(self, outlets: Collection[int]) -> None:
        for outlet in outlets:
            if outlet in self._senders:
                self._senders[outlet][0].wake()

    async def _look_always(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._nudged.wait()
            await asyncio.sleep(GAP_S)
            self._nudged.clear()
            heard = self._heard
            try:
                await self._look()
            except DATABASE_AWAY as error:
                logger.warning("[WhatsApp] database is away (%s), blasts wait", type(error).__name__)
                continue
            except Exception:
                logger.exception("[WhatsApp] blasts could not be read, trying again")
                continue
            if heard == self._heard:
                self._is_settled.set()

    async def _look(self) -> None:
        plan = await run_db(look, datetime.now(UTC))
        self.plan = plan
        self._queues = {outlet: list(blasts) for outlet, blasts in plan.queues.items()}
        for outlet in plan.left:
            if outlet not in self._senders and self.manager.ownership_of(outlet) is not None:
                self._changed |= await run_db(left_behind, outlet)
        for outlet in plan.queues:
            if outlet not in self._senders and not self.is_stopping and self._is_ours(outlet):
                self._begin(outlet)
        for sender, _ in self._senders.values():
            sender.wake()

    def _is_ours(self, outlet: int) -> bool:
        return self.manager.ownership_of(outlet) is not None or outlet in self.plan.unlinked

    def _begin(self, outlet: int) -> None:
        sender = Sender(self, outlet)
        task = self.loop.create_task(sender.run(), name=f"blast outlet_{outlet}")
        self._senders[outlet] = sender, task
        task.add_done_callback(lambda done: self._on_end(outlet, done))

    def _on_end(self, outlet: int, task: asyncio.Task[None]) -> None:
        self._senders.pop(outlet, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("[WhatsApp] outlet_%s: its blasts stopped, trying again", outlet, exc_info=error)
        else:
            self.nudge()

    async def _tell_always(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            changed, self._changed = self._changed, set()
            for blast in changed:
                if (job := self.plan.jobs.get(blast)) is not None:
                    broadcast.blast_changed(blast, job.outlets)
                else:
                    await run_db_when_back(hints.changed, blast)


def _outlets_of(blast: int) -> list[int]:
    return list(Blast.outlets.through.objects.filter(blast=blast).values_list("outlet", flat=True))


_current: Worker | None = None


def current() -> Worker | None:
    """This process's worker, while it runs; from any thread."""
    return _current


def start() -> Worker:
    """Start this process's worker beside its manager, which has just been started on this loop."""
    global _current
    manager = sessions.current()
    if manager is None:
        raise RuntimeError("the manager comes first")
    _current = Worker(manager)
    _current.start()
    return _current


async def stop() -> None:
    """End the sending. Call `close` once the manager has stopped."""
    if _current is not None:
        await _current.stop()


def close() -> None:
    global _current
    if _current is not None:
        _current.close()
        _current = None
