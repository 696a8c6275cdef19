"""All runners of this process: starts them, hears people's wishes, says what the sockets prove, stops cleanly.

Level-triggered: what people want is a column; the manager compares it with what it holds, when nudged and every 2 s.
So a wish survives a restart, and whoever writes it needs no way into this process.
"""

import asyncio
import gc
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from types import MappingProxyType
from typing import Any

from wa_sessions.claims import Claimed, claim_all, claim_new, last_seen_write, outlet_number, owned, wishes
from wa_sessions.db import DATABASE_AWAY, run_db, run_db_when_back
from wa_sessions.engine import client_options, policy, proof_window_s
from wa_sessions.gate import Gate
from wa_sessions.group import GroupCommit
from wa_sessions.journal import Journal
from wa_sessions.lifecycle_types import Admitted, Configured, Phase, Restored, State, Wished, Woken
from wa_sessions.live import Live, Snapshot
from wa_sessions.message_store import PRUNED_AT_ONCE, sent_messages_prune
from wa_sessions.ownership import Ownership, new_owner
from wa_sessions.runner import Runner
from whatsapp.client import Client
from whatsapp.ends import End
from whatsapp.events import MessageReceived, ReceiptReceived

logger = logging.getLogger("wa_sessions")

LOOK_S = 2.0  # how late a wish is noticed when its nudge was lost
LAST_SEEN_S = 30.0
STOP_PATIENCE_S = 8.0
STOPS_AT_ONCE = 200
FREEZE_AFTER_S = 60.0
PRUNE_S = 3600.0

# Called with an outlet and what came for it. WhatsApp is told that it arrived once all of them have returned.
Listener = Callable[[int, MessageReceived | ReceiptReceived], Awaitable[None]]


class Manager:
    """One per process. Everything runs on the loop that called `start`, but for what says that any thread may."""

    def __init__(self) -> None:
        self.owner = new_owner()
        self.client_options = client_options()
        self.policy = policy()
        self.proof_window_s = proof_window_s(self.client_options)
        self.gate = Gate()
        self.journal = Journal(self._on_written, self.drop)
        self.group = GroupCommit()  # what must be on disk before the network learns of it
        self.listeners: list[Listener] = []
        self.ends: Counter[str] = Counter()  # connections ended, by kind; for the metrics
        self.dials = 0
        self.is_ready = False  # rows are claimed and every runner exists
        self._loop = asyncio.get_running_loop()
        self._runners: dict[int, Runner] = {}
        self._live: dict[int, Live] = {}  # what the next snapshot will be
        self._snapshot: Snapshot = MappingProxyType({})
        self._snapshot_is_due = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._nudged = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None  # hears wishes
        self._is_stopping = False
        self._gate_timer: asyncio.TimerHandle | None = None
        self._freeze_timer: asyncio.TimerHandle | None = None

    # For readers, from any thread.

    def snapshot(self) -> Snapshot:
        """What the sockets prove: one immutable mapping from an outlet's primary key, never changed, only replaced."""
        return self._snapshot

    @property
    def is_outage(self) -> bool:
        return self.gate.is_outage

    def owns(self, owner: str) -> bool:
        return owner == self.owner

    def nudge(self) -> None:
        """Look for wishes now."""
        self._loop.call_soon_threadsafe(self._nudged.set)

    # For those who send messages, on the loop.

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where everything of this manager runs."""
        return self._loop

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def client_of(self, outlet: int) -> Client | None:
        """The outlet's connection, while it is logged in and settled."""
        runner = self._runners.get(outlet)
        return runner.client if runner is not None and runner.state.phase is Phase.OPEN else None

    def ownership_of(self, outlet: int) -> Ownership | None:
        """Our claim of the outlet; None if we have none."""
        runner = self._runners.get(outlet)
        return runner.ownership if runner is not None else None

    def state_of(self, outlet: int) -> State | None:
        """What the lifecycle says of an outlet of ours."""
        runner = self._runners.get(outlet)
        return runner.state if runner is not None else None

    def subscribe(self, listener: Listener) -> None:
        """Have `listener` awaited for each message and receipt of every outlet. What it raises is logged, no more:
        WhatsApp would bring the same again and again, and each time it would cost the connection."""
        self.listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        self.listeners.remove(listener)

    async def heard(self, outlet: int, event: MessageReceived | ReceiptReceived) -> None:
        """For runners: let all listeners know."""
        for listener in tuple(self.listeners):
            try:
                await listener(outlet, event)
            except Exception:
                logger.exception("[WhatsApp] outlet_%s: %s was not taken", outlet, type(event).__name__)

    # Start and stop.

    async def start(self) -> None:
        """Own every session, restore those that people want online, and begin to listen to people.

        Waits for the database for as long as it takes: nothing is true before the rows are claimed.
        """
        self.spawn(self.journal.run())
        self.spawn(self.group.run())
        self._begin(await run_db_when_back(claim_all, self.owner), restore=True)
        self.is_ready = True
        self._looking = self.spawn(self._look())
        self.spawn(self._note_last_seen())
        self.spawn(self._prune())
        # By then the outlets are back, and stay: the collector need not walk them again and again (0.4 s for 10,000).
        self._freeze_timer = self._loop.call_later(FREEZE_AFTER_S, gc.freeze)

    async def stop(self) -> None:
        """Close every socket, write what is true, within about 10 s."""
        self.is_ready = False
        self._is_stopping = True
        if self._looking is not None:  # a wish that is heard from now on is for the next start
            self._looking.cancel()
        for timer in (self._gate_timer, self._freeze_timer):
            if timer is not None:
                timer.cancel()
        runners = list(self._runners.values())
        for start in range(0, len(runners), STOPS_AT_ONCE):
            await asyncio.gather(*(runner.stop() for runner in runners[start : start + STOPS_AT_ONCE]))
        if not await self.journal.flush(STOP_PATIENCE_S):
            logger.error("[WhatsApp] stopped with %d rows unwritten: the database is away", len(self.journal))
        await self.group.flush(STOP_PATIENCE_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, claimed: list[Claimed], *, restore: bool) -> None:
        for item in claimed:
            runner = Runner(self, item.outlet, item.ownership, item.state)
            self._runners[item.outlet] = runner
            runner.publish()
            if restore:
                runner.feed(Restored())

    # For runners.

    def publish(self, outlet: int, live: Live) -> None:
        """Put `live` into the snapshot; changes of one turn of the loop make one new snapshot."""
        self._live[outlet] = live
        if not self._snapshot_is_due:
            self._snapshot_is_due = True
            self._loop.call_soon(self._swap)

    def _swap(self) -> None:
        self._snapshot_is_due = False
        self._snapshot = MappingProxyType(self._live.copy())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else; a failure of it is logged and concerns nobody else."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("[WhatsApp] background work failed", exc_info=error)

    def wake(self, runner: Runner) -> None:
        runner.feed(Woken())

    def note_end(self, end: End) -> None:
        self.ends[end.kind.value] += 1

    async def outlet_number(self, outlet: int) -> str:
        return await run_db_when_back(outlet_number, outlet)

    def drop(self, outlets: set[int]) -> None:
        """Somebody newer owns these: no socket, no writes, nothing to say about them."""
        for outlet in outlets:
            runner = self._runners.pop(outlet, None)
            if runner is None:
                continue
            logger.warning("[WhatsApp] outlet_%s is owned by another server now, dropping its socket", outlet)
            runner.abandon()
            self.gate.forget(outlet)
            self.journal.forget(outlet)
            self._live.pop(outlet, None)
        self._loop.call_soon(self._swap)

    def _on_written(self, outlets: set[int]) -> None:
        for outlet in outlets:
            if (runner := self._runners.get(outlet)) is not None:
                runner.publish()

    # Whose turn it is to dial.

    def reached(self, outlet: int) -> None:
        was_outage = self.gate.is_outage
        self.gate.reached(outlet, time.monotonic())
        self.open_gate()
        if was_outage:
            self._publish_waiting()

    def unreached(self, outlet: int) -> bool:
        """A dial did not reach WhatsApp. Returns whether another one did meanwhile."""
        was_outage = self.gate.is_outage
        works = self.gate.failed(outlet, time.monotonic())
        if self.gate.is_outage is not was_outage:
            self._publish_waiting()
        return works

    def open_gate(self) -> None:
        """Let those dial whose turn it is. A runner that fails here fails alone."""
        if self._gate_timer is not None:
            self._gate_timer.cancel()
            self._gate_timer = None
        if self._is_stopping:
            return
        was_outage = self.gate.is_outage
        leaving, again_in_s = self.gate.leave(time.monotonic())
        if again_in_s is not None:
            self._gate_timer = self._loop.call_later(again_in_s, self.open_gate)
        for outlet in leaving:
            if (runner := self._runners.get(outlet)) is not None:
                self.dials += 1
                self._loop.call_soon(runner.feed, Admitted())
        if self.gate.is_outage is not was_outage:
            self._publish_waiting()

    def _publish_waiting(self) -> None:
        for outlet, runner in self._runners.items():
            if outlet in self.gate:
                runner.publish()

    # What people want.

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._nudged.wait()
            except TimeoutError:
                pass
            self._nudged.clear()
            try:
                await self._hear()
            except DATABASE_AWAY as error:
                logger.warning("[WhatsApp] database is away (%s), wishes wait", type(error).__name__)
            except Exception:
                logger.exception("[WhatsApp] wishes could not be read, trying again")

    async def _hear(self) -> None:
        found = await run_db(wishes, self.owner, self._inactive())
        self.drop(found.taken & self._runners.keys())
        if unowned := found.unowned - self._runners.keys():
            self._begin(await run_db(claim_new, self.owner, unowned), restore=False)
            found = await run_db(wishes, self.owner, self._inactive())
        for asked in found.asked:
            runner = self._runners.get(asked.outlet)
            if runner is None:
                continue
            is_wish = asked.number > runner.seen_wish
            state = runner.state
            settings = (asked.active, asked.auto_reconnect, asked.max_retries)
            if is_wish or settings != (state.active, state.auto_reconnect, state.max_retries):
                done = asked.number if is_wish and asked.wish is None else 0
                runner.feed(Configured(*settings, number=done))
            if is_wish:
                runner.seen_wish = asked.number
                if asked.wish is not None:
                    runner.feed(Wished(asked.wish, asked.intent, asked.number))

    def _inactive(self) -> set[int]:
        return {outlet for outlet, runner in self._runners.items() if not runner.state.active}

    # What is written now and then.

    async def _prune(self) -> None:
        """Now and then, delete what nobody may ask for any more."""
        while True:
            try:
                while await run_db(sent_messages_prune) == PRUNED_AT_ONCE:
                    pass
            except DATABASE_AWAY as error:
                logger.warning("[WhatsApp] database is away (%s), nothing is pruned", type(error).__name__)
            except Exception:
                logger.exception("[WhatsApp] old messages could not be pruned")
            await asyncio.sleep(PRUNE_S)

    async def _note_last_seen(self) -> None:
        """Write when the server last answered each outlet: at most once per 30 s per outlet, in one statement."""
        while True:
            await asyncio.sleep(LAST_SEEN_S)
            clock = time.time() - time.monotonic()
            proofs = ((pk, live.proof) for pk, live in self._live.items())
            seen = {pk: proof.answered_at + clock for pk, proof in proofs if proof is not None and proof.is_open}
            held = set(self._runners)
            try:
                # Rows that were deleted, or claimed elsewhere while nothing was written here, are noticed now.
                self.drop(held - await run_db(owned, self.owner))
                if seen:
                    await run_db(last_seen_write, self.owner, seen)
            except DATABASE_AWAY:
                logger.warning("[WhatsApp] database is away, last seen waits")
            except Exception:
                logger.exception("[WhatsApp] last seen could not be written")


_current: Manager | None = None
_starting = threading.Lock()


def current() -> Manager | None:
    """This process's manager, once it has been started; from any thread."""
    return _current


async def start() -> Manager:
    """Start this process's manager on this loop; a second call gives back the first one's."""
    global _current
    with _starting:
        if _current is not None:
            return _current
        manager = _current = Manager()
    await manager.start()
    return manager


async def stop() -> None:
    """Stop this process's manager, if there is one."""
    global _current
    manager = _current
    if manager is None:
        return
    try:
        await manager.stop()
    finally:
        _current = None
