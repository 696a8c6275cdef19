"""The rows that one outlet's sender holds: claimed before the wire, settled after it, given back where unsent."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from blast.claims import (
    Checked,
    Claim,
    Claimed,
    Outcome,
    PutBack,
    checked_write,
    claims_write,
    outcomes_write,
    put_back_write,
    unchecked,
)
from blast.histories import Attempts, attempts_write
from blast.outcomes import Why
from blast.states import RecipientStatus
from wa_sessions.db import run_db_when_back
from wa_sessions.ownership import Ownership
from whatsapp.client import Client
from whatsapp.exceptions import WhatsAppError
from whatsapp.protocol.jid import Jid

if TYPE_CHECKING:
    from blast.worker import Worker

logger = logging.getLogger("blast")

CHECKED_AT_ONCE = 50  # numbers
UNANSWERED_S = 60.0  # how long no numbers are asked about after WhatsApp refused to say
UNWRITTEN = 200  # outcomes on their way to the disk


class Batch:
    """Lives on the loop, one per sender."""

    def __init__(self, worker: "Worker", outlet: int) -> None:
        self._worker = worker
        self._group = worker.manager.group
        self._outlet = outlet
        self.rows: deque[Claimed] = deque()  # not yet settled; the first may be on the wire
        self._claim: Ownership | None = None  # with which they were claimed
        self._unwritten: set[asyncio.Future[None]] = set()
        self._unchecked_until = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether more outcomes wait for the disk than should."""
        return len(self._unwritten) >= UNWRITTEN

    async def take(self, claim: Ownership, blast: int, count: int, client: Client) -> bool:
        """Claim up to `count` rows, on disk when it returns. False: there was none."""
        if time.monotonic() >= self._unchecked_until:
            await self._check_numbers(blast, client)
        self._claim = claim
        rows = await self._group.write(claims_write, Claim(self._outlet, claim, blast, count, datetime.now(UTC)))
        self._worker.changed(blast)
        self.rows.extend(rows)
        if len(rows) > 1:
            await self._prepare(client)
        return bool(rows)

    async def _check_numbers(self, blast: int, client: Client) -> None:
        """Ask WhatsApp about the next numbers; who is not there is skipped."""
        phones = await run_db_when_back(unchecked, self._outlet, blast, CHECKED_AT_ONCE)
        if not phones:
            return
        try:
            jids = await client.check_numbers(phones)
        except (WhatsAppError, TimeoutError) as error:
            logger.warning("[WhatsApp] outlet_%s: numbers not checked (%s)", self._outlet, type(error).__name__)
            self._unchecked_until = time.monotonic() + UNANSWERED_S
            return
        found = {phone: str(jid) if jid is not None else None for phone, jid in jids.items()}
        await self._group.write(checked_write, Checked(self._outlet, blast, found))

    async def _prepare(self, client: Client) -> None:
        try:
            await client.prepare([address(row) for row in self.rows])
        except (WhatsAppError, TimeoutError) as error:  # each message then asks for what it needs
            logger.debug("[WhatsApp] outlet_%s: not prepared (%s)", self._outlet, type(error).__name__)

    def settle(
        self,
        row: Claimed,
        status: RecipientStatus,
        why: Why | None = None,
        detail: str = "",
        at: datetime | None = None,
    ) -> None:
        """The row has its outcome, soon on disk. A crash before that has it sent again, with the same id."""
        assert self._claim is not None
        self.rows.remove(row)
        outcome = Outcome(row.pk, self._outlet, row.phone, self._claim, status, at, why or "", detail, row.counted_at)
        written = self._group.submit(outcomes_write, outcome)
        self._unwritten.add(written)
        written.add_done_callback(self._on_written)
        self._worker.changed(row.blast)

    def _on_written(self, written: "asyncio.Future[None]") -> None:
        self._unwritten.discard(written)
        if not written.cancelled() and (error := written.exception()) is not None:
            logger.error("[WhatsApp] outlet_%s: an outcome could not be written", self._outlet, exc_info=error)

    async def written(self) -> None:
        """Wait until every outcome is on disk."""
        if self._unwritten:
            await asyncio.wait(set(self._unwritten))

    async def count(self, row: Claimed) -> None:
        """Its next try is an attempt of this moment, on disk when it returns."""
        attempt = Attempts(self._outlet, datetime.now(UTC), instead_of=row.counted_at)
        await self._group.write(attempts_write, attempt)
        row.counted_at = attempt.at

    async def rest(self, *, is_long: bool) -> None:
        """The pace makes us wait: give the rows back. One row stays ours where it was tried, and for a short wait."""
        stays = len(self.rows) == 1 and (self.rows[0].tries > 0 or not is_long)
        if not stays:
            await self.give_back()

    async def give_back(self, but_of: Collection[int] = ()) -> None:
        """Rows that will not be sent now: all but those of the blasts `but_of`."""
        rows = [row for row in self.rows if row.blast not in but_of]
        if not rows:
            return
        assert self._claim is not None
        self.rows = deque(row for row in self.rows if row.blast in but_of)
        item = PutBack(
            self._outlet,
            self._claim,
            never_sent=[row.pk for row in rows if not row.maybe_sent],
            maybe_sent=[row.pk for row in rows if row.maybe_sent],
            counted_at=[row.counted_at for row in rows if row.counted_at is not None],
        )
        await self._group.write(put_back_write, item)
        for blast in {row.blast for row in rows}:
            self._worker.changed(blast)


def address(row: Claimed) -> Jid:
    """Where the message goes: as WhatsApp names the number, where it was asked."""
    return Jid.parse(row.jid) if row.jid else Jid(row.phone)
