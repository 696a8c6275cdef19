"""The way from memory to the row: what the sockets proved, written in order, and kept while the database is away.

An outlet's changes wait here at most until the next transaction. Later changes of the same columns overwrite earlier
ones that were not written yet; flips are all kept, in order. Nothing here holds up a socket.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from wa_sessions import broadcast
from wa_sessions.bulk import RowWrite, flips_insert, sessions_write
from wa_sessions.db import DATABASE_AWAY, RETRY_S, run_db
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.ownership import Ownership
from wa_sessions.states import Source

logger = logging.getLogger("wa_sessions")

BATCH = 200  # rows a transaction: small enough that readers and request writers get in between


@dataclass(frozen=True, slots=True)
class Change:
    """A change of status that becomes a flip."""

    to_status: str
    reason: str
    source: Source
    at: datetime


@dataclass(slots=True)
class Entry:
    """What one outlet's row must still learn."""

    ownership: Ownership
    fields: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def add(self, fields: Mapping[str, Any], change: Change | None) -> None:
        self.fields.update(fields)
        if change is not None:
            self.changes.append(change)


class Journal:
    """One per manager; `run` is its task.

    `on_written` is called on the loop with the outlets whose rows are now up to date, `on_lost` with those that
    somebody newer owns.
    """

    def __init__(self, on_written: Callable[[set[int]], None], on_lost: Callable[[set[int]], None]) -> None:
        self._on_written = on_written
        self._on_lost = on_lost
        self._waiting: dict[int, Entry] = {}  # not yet given to a transaction
        self._writing: dict[int, Entry] = {}  # given to one that has not ended
        self._at_once = BATCH  # one, where a row that cannot be written must not hold up the others
        self._has_work = asyncio.Event()
        self._is_idle = asyncio.Event()  # nothing waits and nothing is being written
        self._is_idle.set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._writing)

    def is_settled(self, outlet: int) -> bool:
        """Whether the outlet's row says all that is known."""
        return outlet not in self._waiting and outlet not in self._writing

    def record(
        self, outlet: int, ownership: Ownership, fields: Mapping[str, Any], change: Change | None = None
    ) -> None:
        """Have the row say `fields`, soon. On the loop only."""
        entry = self._waiting.get(outlet)
        if entry is None or entry.ownership != ownership:
            entry = self._waiting[outlet] = Entry(ownership)
        entry.add(fields, change)
        self._has_work.set()
        self._is_idle.clear()

    def forget(self, outlet: int) -> None:
        """Somebody newer owns the outlet: what we know of it is not worth writing."""
        self._waiting.pop(outlet, None)

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
            await self._write_some()

    async def _write_some(self) -> None:
        self._writing = {pk: self._waiting.pop(pk) for pk in list(self._waiting)[: self._at_once]}
        if not self._waiting:
            self._has_work.clear()
        try:
            lost = await run_db(write_entries, self._writing)
        except Exception as error:
            if not isinstance(error, DATABASE_AWAY):
                logger.exception("[WhatsApp] %d status changes could not be written, trying again", len(self._writing))
                self._at_once = 1
            self._take_back()
            await asyncio.sleep(RETRY_S)
            return
        written = set(self._writing) - lost
        self._writing = {}
        if lost:
            self._on_lost(lost)
        self._on_written({pk for pk in written if pk not in self._waiting})
        if not self._waiting:
            self._at_once = BATCH
            self._is_idle.set()

    def _take_back(self) -> None:
        """The transaction failed whole: its entries go before what came for the same outlets, behind all others."""
        for pk, entry in self._writing.items():
            newer = self._waiting.get(pk)
            if newer is not None and newer.ownership == entry.ownership:
                newer.fields = {**entry.fields, **newer.fields}
                newer.changes = [*entry.changes, *newer.changes]
            elif newer is None:
                self._waiting[pk] = entry
        self._writing = {}
        self._has_work.set()


def write_entries(entries: Mapping[int, Entry]) -> set[int]:
    """Write rows and flips in one transaction, tell the pages on commit. Returns the outlets that are not ours."""
    with transaction.atomic():
        # Locked, where a database does that: what a sync writes meanwhile must not go unseen.
        rows = WhatsAppSession.objects.select_for_update().filter(pk__in=list(entries)).order_by("pk")
        before = dict(rows.values_list("pk", "status"))
        ours = sessions_write(RowWrite(pk, entry.ownership, entry.fields) for pk, entry in entries.items())
        flips: list[Flip] = []
        for pk in sorted(ours):
            status = before[pk]
            for change in entries[pk].changes:
                if change.to_status != status:
                    flips.append(_flip(pk, status, change))
                    status = change.to_status
        flips_insert(flips)
    for pk in ours:
        broadcast.session_changed(pk)
    for flip in flips:
        logger.info(
            "[WhatsApp] %s -> %s for outlet_%s (%s)", flip.from_status, flip.to_status, flip.session_id, flip.reason
        )
    return set(entries) - ours


def _flip(pk: int, from_status: str, change: Change) -> Flip:
    return Flip(
        session_id=pk,
        from_status=from_status,
        to_status=change.to_status,
        reason=change.reason,
        source=change.source,
        at=change.at,
    )
