"""The house of `tests.wa_sessions.house` with the worker in it, people to write to, and blasts to send."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from accounts.models import User
from blast import hints, selectors, services, worker
from blast.models import Act, Blast, Recipient
from blast.recipients import Row
from outlets.models import Outlet
from tests.wa_sessions.house import House, open_house
from wa_sessions import broadcast, manager as sessions
from wa_sessions.manager import Manager
from whatsapp.simulator.inbox import InboxMessage


def phone(number: int) -> str:
    return f"62855{number:08d}"


def rows(count: int, **more: Any) -> list[Row]:
    return [Row(n, phone(n), f"Orang {n}", **more) for n in range(1, count + 1)]


class BlastHouse:
    """`house` stands and its worker runs. Calls in the words of the people."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.simulator = house.simulator
        self.cast = house.cast

    @property
    def worker(self) -> worker.Worker:
        here = worker.current()
        assert here is not None
        return here

    async def start(self) -> Manager:
        manager = await self.house.start()
        worker.start()
        return manager

    async def stop(self) -> None:
        await worker.stop()
        await self.house.stop()
        worker.close()

    async def crash(self) -> None:
        """As kill -9: nothing given back, nothing written any more."""
        here = self.worker
        here.is_stopping = True
        hints.off_wish(here._on_wish)
        broadcast.unsubscribe(here._on_hints)
        group = self.house.manager.group
        tasks = [*here._tasks, *(task for _, task in here._senders.values())]
        for sender, _ in here._senders.values():
            sender._batch.rows.clear()  # nobody is left to give them back
            sender._batch._unwritten.clear()  # nor to wait for what will never be written
        group._waiting.clear()
        for task in tasks:
            task.cancel()
        await self.house.crash()
        here.close()
        worker._current = None
        await asyncio.gather(*tasks, return_exceptions=True)

    # People

    async def blast(self, outlets: Sequence[Outlet], count: int = 10, by: User | None = None, **fields: Any) -> Blast:
        """A draft, its recipients with phones."""
        list_ = fields.pop("rows", None) or rows(count)
        self.simulator.add_recipients([row.phone for row in list_])
        fields = {"name": "Promo", "body": "Halo {name}!", **fields}
        return await sync_to_async(services.blast_create)(by or self.cast.adi, outlets=outlets, rows=list_, **fields)

    async def ask(self, wish: Callable[..., Any], *args: Any, **how: Any) -> Any:
        return await sync_to_async(wish)(*args, **how)

    async def started(self, outlets: Sequence[Outlet], count: int = 10, **fields: Any) -> Blast:
        blast = await self.blast(outlets, count, **fields)
        return await self.ask(services.blast_start, blast, self.cast.adi)

    async def becomes(self, blast: Blast, status: str, patience_s: float = 20.0) -> None:
        try:
            await self.house.until(Blast.objects.filter(pk=blast.pk, status=status).first, patience_s)
        except AssertionError:
            raise AssertionError(f"not {status}: {await self.counts(blast)}, {await self.acts(blast)}") from None

    async def sent(self, blast: Blast, at_least: int, patience_s: float = 15.0) -> None:
        """Wait until so many were taken by WhatsApp."""
        there = Recipient.objects.filter(blast=blast, status__in=("SENT", "DELIVERED", "READ"))
        await self.house.until(lambda: there.count() >= at_least, patience_s)

    async def at_rest(self, blast: Blast) -> None:
        """Wait until no row is on its way."""
        on_their_way = Recipient.objects.filter(blast=blast, status="SENDING")
        await self.house.until(lambda: not on_their_way.exists())

    # What anybody can see

    @sync_to_async
    def counts(self, blast: Blast) -> dict[str, int]:
        return dict(Counter(Recipient.objects.filter(blast=blast).values_list("status", flat=True)))

    @sync_to_async
    def recipients(self, blast: Blast, **where: Any) -> list[Recipient]:
        return list(Recipient.objects.filter(blast=blast, **where).order_by("line"))

    @sync_to_async
    def acts(self, blast: Blast) -> list[str]:
        return list(Act.objects.filter(blast=blast).order_by("pk").values_list("what", flat=True))

    @sync_to_async
    def detail(self, blast: Blast) -> dict[str, Any]:
        return selectors.blast_detail(selectors.blast_for(self.cast.adi, blast.public_id))

    def inbox(self, number: str) -> list[InboxMessage]:
        return list(self.simulator.phone(number).inbox.messages.values())

    def shown(self, count: int) -> list[list[str | None]]:
        """The texts that each phone shows."""
        return [[message.text for message in self.inbox(phone(n))] for n in range(1, count + 1)]


@asynccontextmanager
async def open_blast_house(**options: Any) -> AsyncIterator[BlastHouse]:
    """Without pacing, unless a test gives an outlet one."""
    keep = settings.BLAST_PACING, settings.BLAST_GRACE
    settings.BLAST_PACING, settings.BLAST_GRACE = False, 1.0
    try:
        async with open_house(**options) as house:
            here = BlastHouse(house)
            worker.start()
            try:
                yield here
            finally:
                await worker.stop()
                if sessions.current() is not None:
                    await house.stop()
                worker.close()
    finally:
        settings.BLAST_PACING, settings.BLAST_GRACE = keep
