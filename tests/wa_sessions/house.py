"""The whole house without its HTTP part: a simulated WhatsApp and a manager in one loop, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections, transaction

from outlets.models import Outlet
from tests.cast import Cast
from wa_sessions import manager as manager_module, selectors, services
from wa_sessions.credential_store import dump_credentials
from wa_sessions.lifecycle_types import Policy
from wa_sessions.manager import Manager
from wa_sessions.models import Credential, Flip, WhatsAppSession
from wa_sessions.vault import seal
from whatsapp.credentials import Credentials
from whatsapp.simulator import Simulator

PATIENCE_S = 15.0


class House:
    """`simulator` and `manager` stand; `cast` has the outlets and people. Calls in the words of the people."""

    def __init__(self, simulator: Simulator, cast: Cast) -> None:
        self.simulator = simulator
        self.cast = cast
        self.options: dict[str, Any] = {}  # of the client, for managers started from now on
        self.policy = Policy(retry_delay_s=0.1, slow_retry=False)

    @property
    def manager(self) -> Manager:
        here = manager_module.current()
        assert here is not None
        return here

    async def start(self) -> Manager:
        """A new start of the program, on the same database."""
        settings.WA_SOCKET_URL = self.simulator.url
        settings.WA_ROOT_KEY = self.simulator.root_key
        here = Manager()
        here.client_options = replace(here.client_options, **self.options)
        here.policy = self.policy
        manager_module._current = here
        await here.start()
        return here

    async def stop(self) -> None:
        await manager_module.stop()

    async def crash(self) -> None:
        """As kill -9: no goodbye, nothing written."""
        here = self.manager
        tasks = [runner._task for runner in here._runners.values() if runner._task is not None]
        for runner in list(here._runners.values()):
            runner.abandon()
        for task in (*here._tasks, *tasks):
            task.cancel()
        await asyncio.gather(*here._tasks, *tasks, return_exceptions=True)
        manager_module._current = None

    # People

    async def ask(self, wish: Callable[..., WhatsAppSession], outlet: Outlet, **how: Any) -> WhatsAppSession:
        return await sync_to_async(wish)(outlet, **how)

    async def link(self, outlet: Outlet, phone: str | None = None) -> None:
        """Connect an outlet that was never linked, and scan its QR with the phone of `phone` (its own)."""
        number = phone or outlet.whatsapp_number
        self.simulator.add_phone(number, name=f"Gerai {outlet.name}")
        await self.ask(services.session_connect, outlet)
        await self.scan(outlet, number)

    async def scan(self, outlet: Outlet, number: str | None = None) -> None:
        qr = await self.until(lambda: selectors.qr_of(outlet))
        await self.simulator.phone(number or outlet.whatsapp_number).scan(qr.text)

    async def linked(self, *outlets: Outlet) -> None:
        """Link outlets, and wait until they are connected."""
        for outlet in outlets:
            await self.link(outlet)
        for outlet in outlets:
            await self.becomes(outlet, "CONNECTED")

    async def linked_directly(self, *outlets: Outlet) -> None:
        """The same without QR codes, which is quicker."""
        await self.give_keys(*outlets)
        for outlet in outlets:
            await self.ask(services.session_connect, outlet)
        for outlet in outlets:
            await self.becomes(outlet, "CONNECTED")

    async def give_keys(self, *outlets: Outlet, **row: Any) -> None:
        """Rows that say `row`, with the keys of a device that the phone has linked; nothing is dialled."""
        keys = [self.simulator.link_directly(outlet.whatsapp_number) for outlet in outlets]
        await sync_to_async(save_keys)(outlets, keys, row)

    # What anybody can see

    async def until(self, look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Look (in a thread, at the database or anything) until there is something to see, and give it."""
        deadline = time.monotonic() + patience_s
        while not (seen := await sync_to_async(look)()):
            assert time.monotonic() < deadline, f"waited {patience_s} s in vain"
            await asyncio.sleep(0.02)
        return seen

    async def becomes(self, outlet: Outlet, status: str, patience_s: float = PATIENCE_S) -> WhatsAppSession:
        """Wait until the row says so."""
        rows = WhatsAppSession.objects.filter(pk=outlet.pk, status=status)
        try:
            return await self.until(rows.first, patience_s)
        except AssertionError:
            raise AssertionError(f"{outlet} is {await self.row(outlet)}, not {status}") from None

    @sync_to_async
    def row(self, outlet: Outlet) -> dict[str, Any]:
        return WhatsAppSession.objects.filter(pk=outlet.pk).values().get()

    @sync_to_async
    def flips(self, outlet: Outlet) -> list[tuple[str, str, str, str]]:
        """From, to, reason, source; oldest first."""
        rows = Flip.objects.filter(session_id=outlet.pk).order_by("pk")
        return list(rows.values_list("from_status", "to_status", "reason", "source"))

    @sync_to_async
    def status(self, outlet: Outlet) -> dict[str, Any]:
        return selectors.status_of(outlet)


def save_keys(outlets: Sequence[Outlet], keys: Sequence[Credentials], row: Mapping[str, Any]) -> None:
    """Linked outlets, as an earlier start of the program would have left them."""
    sealed = [seal(dump_credentials(each)) for each in keys]
    with transaction.atomic():
        WhatsAppSession.objects.bulk_create(
            WhatsAppSession(outlet=outlet, jid=each.jid or "", **row)
            for outlet, each in zip(outlets, keys, strict=True)
        )
        Credential.objects.bulk_create(
            Credential(session_id=outlet.pk, sealed=each) for outlet, each in zip(outlets, sealed, strict=True)
        )


@asynccontextmanager
async def open_house(**options: Any) -> AsyncIterator[House]:
    """A started house; `options` are the client's. Closed whatever happens."""
    keep = settings.WA_SOCKET_URL, settings.WA_ROOT_KEY
    async with Simulator() as simulator:
        house = House(simulator, await sync_to_async(Cast)())
        house.options = {"pre_keys_first": 6, "pre_keys_refill": 6, **options}
        await house.start()
        try:
            yield house
        finally:
            await house.stop()
            await sync_to_async(connections.close_all)()  # the thread that looked; nobody else closes its connection
            settings.WA_SOCKET_URL, settings.WA_ROOT_KEY = keep
