"""One outlet's sending: claims rows, sends them at the outlet's pace, writes down what became of them.

A task that exists while there is work for the outlet. It sends one message at a time; each row is SENDING on disk
before anything of it reaches the wire, and given back where it was not sent.
"""

import asyncio
import enum
import logging
import math
import random
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from blast import pacing, safety, variables
from blast.batch import Batch, address
from blast.claims import Claimed
from blast.content import Contents
from blast.histories import Pacer, pacers
from blast.outcomes import Why
from blast.pace_services import outlet_stop
from blast.plan import Job, last_failures, rest_give_up, rest_held
from blast.states import OnUnhealthy, RecipientStatus
from wa_sessions.causes import Code as Cause
from wa_sessions.db import run_db_when_back
from wa_sessions.states import Status
from whatsapp.client import Client
from whatsapp.exceptions import (
    NotConnectedError,
    NotOnWhatsAppError,
    QueryError,
    SendRefusedError,
    UploadError,
    WhatsAppError,
)

if TYPE_CHECKING:
    from blast.worker import Worker

logger = logging.getLogger("blast")

AHEAD = 32  # rows claimed at once where nothing limits the pace
TRIES = 3  # of a message whose answer does not come
RETRY_S = 2.0
LOOK_S = 1.0
COUNTED_S = 2.0  # how long before the wire an attempt may have been counted
BURST = 10  # outcomes that are looked at for a burst of failures
RESTRICTED = 463
_ENDS = {Cause.TEMPORARY_BAN: 402, Cause.LOCKED: 403, Cause.BANNED: 403}
_TRANSIENT = (429, 500, 503)


class Standing(enum.Enum):
    """Whether the outlet can send."""

    READY = enum.auto()
    WAIT = enum.auto()  # it is coming back, or a person paused it
    LOST = enum.auto()
    FOREIGN = enum.auto()  # another process has it


class Sender:
    """Lives on the loop. `run` is its task; `wake` makes it look around."""

    def __init__(self, worker: "Worker", outlet: int) -> None:
        self._worker = worker
        self._manager = worker.manager
        self.outlet = outlet
        self._woken = asyncio.Event()
        self._batch = Batch(worker, outlet)
        self._contents = Contents(worker.plan.names.get(outlet, ""))
        self._pacer: Pacer | None = None
        self._failed: deque[bool] = deque(maxlen=BURST)
        self._next_at: float | None = None  # when the next message may go; drawn once for each
        self._wants_reload = False
        self._unwell_since: float | None = None

    # For the worker

    def wake(self, *, reload: bool = False) -> None:
        """Something changed: the connection, a blast, or (`reload`) how the outlet may send."""
        self._wants_reload = self._wants_reload or reload
        self._woken.set()

    async def run(self) -> None:
        try:
            await self._load()
            while not self._worker.is_stopping and await self._step():
                pass
        finally:
            await asyncio.shield(self._leave())

    # One step

    async def _step(self) -> bool:
        """Do one thing. False: there is nothing left to do."""
        if self._wants_reload:
            await self._load()
        await self._worker.settled()
        await self._batch.give_back(but_of=self._worker.plan.jobs.keys())
        job = self._job()
        if job is None:
            return False
        standing = self._standing()
        if standing is Standing.FOREIGN:
            return False
        client = self._manager.client_of(self.outlet) if standing is Standing.READY else None
        if client is None:
            await self._batch.give_back()
            await self._unwell(standing)
            return True
        self._unwell_since = None
        wait_s = self._wait_s() - self._typing_s(job)
        if wait_s > 0:
            await self._batch.rest(is_long=wait_s > LOOK_S)
            await self._sleep(wait_s)
            return True
        if not self._batch.rows:
            return await self._take(job, client)
        await self._send(client, self._batch.rows[0], job)
        return True

    def _job(self) -> Job | None:
        plan = self._worker.plan
        pk = self._batch.rows[0].blast if self._batch.rows else next(iter(self._worker.queue_of(self.outlet)), None)
        return plan.jobs.get(pk) if pk is not None else None

    def _wait_s(self) -> float:
        """How long the pace makes us wait."""
        assert self._pacer is not None
        pacer, now = self._pacer, time.time()
        if pacer.is_free:
            return 0.0
        if self._next_at is None:
            self._next_at = pacing.next_at(pacer.history, pacer.pace, now, random.random())
        if self._next_at <= now:
            self._next_at = max(self._next_at, pacing.next_at(pacer.history, pacer.pace, now, 0.0))
        return max(0.0, self._next_at - now)

    def _typing_s(self, job: Job) -> float:
        """How long before its time the next message begins to be typed. A file is not typed."""
        is_typed = bool(self._batch.rows) and self._batch.rows[0].is_typed
        return 0.0 if is_typed or job.has_attachment else settings.BLAST_TYPING_S

    async def _load(self) -> None:
        self._wants_reload = False
        self._pacer = (await run_db_when_back(pacers, [self.outlet], time.time()))[self.outlet]
        since = self._pacer.released_at
        self._failed = deque(await run_db_when_back(last_failures, self.outlet, BURST, since), maxlen=BURST)
        self._next_at = None

    # Whether the outlet can send

    def _standing(self) -> Standing:
        assert self._pacer is not None
        manager, outlet = self._manager, self.outlet
        if manager.ownership_of(outlet) is None:
            return Standing.LOST if outlet in self._worker.plan.unlinked else Standing.FOREIGN
        if self._pacer.stop is not None:
            return Standing.LOST
        if self._worker.is_healthy(outlet):
            return Standing.READY
        state = manager.state_of(outlet)
        if state is None or not state.active or not state.auto_reconnect:
            return Standing.LOST
        if state.status is Status.PAUSED:
            return Standing.WAIT
        self._unwell_since = self._unwell_since or time.monotonic()
        is_patient = time.monotonic() - self._unwell_since < settings.BLAST_GRACE
        is_coming = state.status in (Status.CONNECTING, Status.CONNECTED)
        return Standing.WAIT if is_coming and is_patient else Standing.LOST

    async def _unwell(self, standing: Standing) -> None:
        """Stop, and do with the rest what people chose."""
        if standing is Standing.LOST:
            await self._note_ban()
            await self._batch.written()
            for pk in self._worker.queue_of(self.outlet):
                job = self._worker.plan.jobs.get(pk)
                if job is None:  # it ended while the last one was seen to
                    continue
                gives_up = job.on_unhealthy == OnUnhealthy.SKIP or (
                    job.on_unhealthy == OnUnhealthy.MOVE
                    and job.move_to is not None
                    and self._worker.is_healthy(job.move_to)
                )
                if gives_up and await run_db_when_back(rest_give_up, self.outlet, job) > 0:
                    self._worker.changed(pk)
                    self._worker.nudge()
                else:
                    await run_db_when_back(rest_held, self.outlet, job)
        await self._sleep(LOOK_S)

    async def _note_ban(self) -> None:
        state = self._manager.state_of(self.outlet)
        code = _ENDS.get(Cause(state.cause)) if state is not None and state.cause else None
        if state is None or code is None or (state.retry_at is not None and state.retry_at <= time.time()):
            return
        expires_s = state.retry_at - time.time() if state.retry_at is not None else None
        if (stop := safety.after_code(code, expires_s)) is not None:
            await self._stop_outlet(stop, None)

    async def _stop_outlet(self, stop: safety.Stop, blast: int | None) -> None:
        assert self._pacer is not None
        if self._pacer.stop is None:
            logger.warning("[WhatsApp] outlet_%s may send no more blasts for now: %s", self.outlet, stop.code.value)
            self._pacer.stop = stop
            await run_db_when_back(outlet_stop, self.outlet, stop, blast)

    # Sending

    async def _take(self, job: Job, client: Client) -> bool:
        assert self._pacer is not None
        claim = self._manager.ownership_of(self.outlet)
        if claim is None:
            return False
        if not await self._batch.take(claim, job.pk, AHEAD if self._pacer.is_free else 1, client):
            self._worker.exhausted(self.outlet, job.pk)
        return True

    async def _send(self, client: Client, row: Claimed, job: Job) -> None:
        if row.phone in self._worker.opted_out:
            self._batch.settle(
                row, RecipientStatus.UNKNOWN if row.maybe_sent else RecipientStatus.SKIPPED, Why.OPTED_OUT
            )
            return
        if (why := self._unsafe(row)) is not None:
            self._batch.settle(row, RecipientStatus.UNKNOWN, why)
            return
        try:
            content = await self._contents.of(row, job, client)
        except variables.Missing as missing:
            status = RecipientStatus.UNKNOWN if row.maybe_sent else RecipientStatus.FAILED
            self._batch.settle(row, status, Why.MISSING_VARIABLE, missing.name)
            return
        except (NotConnectedError, TimeoutError):
            await self._sleep(RETRY_S)
            return
        except (UploadError, QueryError, ValueError) as error:
            await self._fail(row, Why.UPLOAD, type(error).__name__)
            return
        if (typing_s := self._typing_s(job)) > 0:
            row.is_typed = True
            with suppress(WhatsAppError, TimeoutError):  # the message finds out what is wrong
                await client.show_typing(address(row), typing_s)
            return  # meanwhile people may have wished something, here as below
        if not self._is_counted(row):
            await self._batch.count(row)
            return
        was_maybe, row.maybe_sent = row.maybe_sent, True
        counted_at, row.counted_at = row.counted_at, None
        self._note_sending()
        try:
            sent = await client.send_message(address(row), content, message_id=row.message_id)
        except NotConnectedError as error:
            row.maybe_sent = was_maybe or error.was_sent
            row.counted_at = None if error.was_sent else counted_at
            await self._sleep(0.05)  # the connection is going; `_step` finds out
        except NotOnWhatsAppError:
            status = RecipientStatus.UNKNOWN if was_maybe else RecipientStatus.SKIPPED
            self._batch.settle(row, status, Why.NOT_ON_WHATSAPP)
        except SendRefusedError as error:
            row.maybe_sent = was_maybe
            await self._refused(row, error.code)
        except TimeoutError:
            await self._unanswered(row)
        except QueryError as error:
            row.maybe_sent = was_maybe
            await self._no_keys(row, error.code)
        except ValueError:
            row.maybe_sent = was_maybe
            await self._fail(row, Why.INTERNAL, "")
        else:
            self._failed.append(False)
            self._batch.settle(row, RecipientStatus.SENT, at=datetime.fromtimestamp(sent.at, UTC))
        if self._batch.is_behind:
            await self._batch.written()

    def _unsafe(self, row: Claimed) -> Why | None:
        """Why a row that may have been sent must not be sent again."""
        if not row.maybe_sent or row.tries:
            return None
        if row.device != row.present_device:
            return Why.RELINKED
        age = datetime.now(UTC) - row.claimed_at
        return Why.TOO_OLD if age > timedelta(hours=settings.BLAST_REPEAT_HOURS) else None

    def _is_counted(self, row: Claimed) -> bool:
        """Whether the disk knows of this try, and nearly when it is."""
        assert self._pacer is not None
        if row.counted_at is None:
            return False
        return self._pacer.is_free or abs((datetime.now(UTC) - row.counted_at).total_seconds()) < COUNTED_S

    def _note_sending(self) -> None:
        assert self._pacer is not None
        self._pacer.history.note(time.time())
        self._next_at = None

    async def _refused(self, row: Claimed, code: int) -> None:
        stop = safety.after_code(code)
        why = Why.RESTRICTED if code == RESTRICTED else Why.REFUSED
        # What is refused was delivered to nobody; a try before, which was not answered, may have been.
        self._settle_failed(row, Why.REPEAT_REFUSED if row.maybe_sent else why, str(code))
        if stop is not None:
            await self._stop_outlet(stop, row.blast)
        else:
            await self._look_for_burst(row.blast)

    async def _unanswered(self, row: Claimed) -> None:
        row.tries += 1
        if row.tries >= TRIES:
            self._failed.append(True)
            self._batch.settle(row, RecipientStatus.UNKNOWN, Why.NO_ANSWER)
            await self._look_for_burst(row.blast)

    async def _no_keys(self, row: Claimed, code: int | None) -> None:
        """A question before the message was answered with an error: nothing was sent."""
        row.tries += 1
        if code in _TRANSIENT and row.tries < TRIES:
            await self._sleep(RETRY_S * row.tries)
            return
        await self._fail(row, Why.REFUSED, str(code or ""))

    async def _fail(self, row: Claimed, why: Why, detail: str) -> None:
        self._settle_failed(row, why, detail)
        await self._look_for_burst(row.blast)

    def _settle_failed(self, row: Claimed, why: Why, detail: str) -> None:
        """This try failed. That the message did, which people may then retry, is said where no earlier try is open."""
        self._failed.append(True)
        self._batch.settle(row, RecipientStatus.UNKNOWN if row.maybe_sent else RecipientStatus.FAILED, why, detail)

    async def _look_for_burst(self, blast: int) -> None:
        if (stop := safety.after_outcomes(list(self._failed))) is not None:
            await self._stop_outlet(stop, blast)

    async def _leave(self) -> None:
        await self._batch.give_back()
        await self._batch.written()

    async def _sleep(self, seconds: float) -> None:
        """Wait, at most so long, until something changes."""
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else min(seconds, 3600.0)):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()
