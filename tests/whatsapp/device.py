"""A client at work against the simulator."""

import asyncio

from tests.whatsapp.peer import MemoryStore
from whatsapp.client import Client
from whatsapp.options import ClientOptions
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import Text, new_message_id

SHOP = "6287788987745"


class Device:
    """A client at work, what it told, and the ways to wait for something."""

    def __init__(self, simulator, store=None, *, pairing=False, on_event=None, **options):
        self.store = store or MemoryStore()
        self.events = []
        self._arrived = asyncio.Event()
        self._also = on_event
        settings = {
            "url": simulator.url,
            "root_key": simulator.root_key,
            "close_timeout_s": 0.2,
            "pre_keys_first": 30,
            "media_scheme": "http",
        }
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

    async def text(self, to, text, message_id=None, **details):
        """Send a text to a number or a phone."""
        to = to if isinstance(to, Jid) else Jid(getattr(to, "number", to))
        return await self.client.send_message(to, Text(text), message_id=message_id or new_message_id(), **details)

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def crash(self):
        """End as a killed process does: nothing more is said or kept."""
        self.task.cancel()
        await asyncio.wait([self.task])

    async def end(self):
        async with asyncio.timeout(5):
            return await self.task


async def until(condition):
    """Wait for something that the simulator does; it tells nobody when."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
