"""A client at work against the simulator."""

import asyncio

from tests.whatsapp.peer import MemoryStore
from whatsapp.client import Client
from whatsapp.options import ClientOptions


class Device:
    """A client at work, what it told, and the ways to wait for something."""

    def __init__(self, simulator, store=None, *, pairing=False, on_event=None, **options):
        self.store = store or MemoryStore()
        self.events = []
        self._arrived = asyncio.Event()
        self._also = on_event
        settings = {"url": simulator.url, "root_key": simulator.root_key, "close_timeout_s": 0.2, "pre_keys_first": 30}
        self.client = Client(self.store, self._on_event, ClientOptions(**settings | options), pairing=pairing)
        self.task = asyncio.create_task(self.client.run())

    async def _on_event(self, event):
        self.events.append(event)
        self._arrived.set()
        if self._also is not None:
            await self._also(self.client, event)

    async def event(self, kind, count=1):
        async with asyncio.timeout(5):
            while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return found[count - 1]

    async def end(self):
        async with asyncio.timeout(5):
            return await self.task


async def until(condition):
    """Wait for something that the simulator does; it tells nobody when."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
