"""The Signal sessions of one account between memory and store (PROTOCOL.md §15)."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace

from whatsapp.exceptions import RecordError, StoreError
from whatsapp.log import log_raised
from whatsapp.protocol.signal.records import Record
from whatsapp.settling import kept
from whatsapp.store import StateChanges, Store

_RECENT = 64  # records kept in memory: of our own devices, the latest chats, and recipients just prepared
_LAST_WORDS_S = 5.0  # for a commit whose caller was cancelled


class Ratchets:
    """Hold `lock` from `load` to `commit`: two that take the same step would encrypt two messages with one key."""

    __slots__ = ("_is_lost", "_recent", "_store", "lock")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent: OrderedDict[str, Record] = OrderedDict()  # as they are in the store; last used last
        self._is_lost = False  # a write may still be under way, and nobody knows
        self.lock = asyncio.Lock()

    async def load(self, addresses: Collection[str]) -> dict[str, Record]:
        """The records of the addresses that have one. Raises StoreError. One that cannot be read counts as none."""
        if self._is_lost:
            raise StoreError("what the store has is unknown")
        found = {address: self._recent[address] for address in addresses if address in self._recent}
        for address in found:
            self._recent.move_to_end(address)
        missing = [address for address in addresses if address not in found]
        if missing:
            for address, data in (await kept(self._store.load_sessions(missing))).items():
                try:
                    found[address] = Record.decode(data)
                except RecordError as error:
                    log_raised("session record", error)
                else:
                    self._keep(address, found[address])
        return found

    async def commit(self, records: Mapping[str, Record | None], changes: StateChanges | None = None) -> None:
        """Write records (None forgets one), together with further changes. Raises StoreError: then nothing is sure."""
        encoded = {address: record.encode() if record else None for address, record in records.items()}
        work = asyncio.ensure_future(kept(self._store.commit(replace(changes or StateChanges(), sessions=encoded))))
        try:
            await asyncio.shield(work)
        except BaseException as error:
            self._recent.clear()
            if isinstance(error, asyncio.CancelledError):
                # The lock must not be let go of while this may still take effect.
                self._is_lost = not await _settled(work)
            raise
        for address, record in records.items():
            if record is not None:
                self._keep(address, record)
            else:
                self._recent.pop(address, None)

    def _keep(self, address: str, record: Record) -> None:
        self._recent[address] = record
        self._recent.move_to_end(address)
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


async def _settled(work: "asyncio.Future[None]") -> bool:
    """Whether it came to an end in time, good or bad."""
    _, late = await asyncio.wait({work}, timeout=_LAST_WORDS_S)
    if late:
        work.cancel()
        return False
    if not work.cancelled():
        work.exception()  # whoever asked is gone
    return True
