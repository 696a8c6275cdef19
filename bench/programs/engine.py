"""Clients of the engine alone, with their credentials in memory only until they are logged in.

python -m bench.programs.engine <url> <root key> <control>      then lines {"numbers": […]}: link and connect these
"""

import asyncio
import gc
import json
import sys
from typing import Any

import uvloop

from bench.programs import orders
from whatsapp.client import Client
from whatsapp.credentials import Credentials
from whatsapp.events import Event, Ready
from whatsapp.options import ClientOptions
from whatsapp.simulator.control import ControlClient

AT_ONCE = 50


class DroppingStore:
    """A store whose memory is not the engine's: it lets go of the credentials once they were used."""

    __slots__ = ("_credentials", "ready")

    def __init__(self, credentials: Credentials) -> None:
        self._credentials: Credentials | None = credentials
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    async def load_credentials(self) -> Credentials | None:
        return self._credentials

    async def save_credentials(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def hear(self, event: Event) -> None:
        if isinstance(event, Ready) and self.ready is not None:
            self.ready.set_result(None)
            self._credentials = self.ready = None


async def main(url: str, root_key: str, control: str) -> None:
    options = ClientOptions(url=url, root_key=bytes.fromhex(root_key))
    running: list[Any] = []

    async def dial(credentials: Credentials) -> None:
        store = DroppingStore(credentials)
        client = Client(store, store.hear, options)  # type: ignore[arg-type]  # no pre-keys are asked for
        ready = store.ready
        running.append(asyncio.ensure_future(client.run()))
        assert ready is not None
        await ready

    with ControlClient(control, timeout_s=120) as phones:
        async for order in orders():
            numbers = order["numbers"]
            for start in range(0, len(numbers), AT_ONCE):
                linked = await asyncio.to_thread(phones.link_directly, numbers[start : start + AT_ONCE])
                await asyncio.gather(*map(dial, linked))
            gc.collect()
            print(json.dumps({"open": sum(not task.done() for task in running)}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
