"""Open dashboards, and somebody who breaks lines: how long from the break to the last dashboard that hears of it.

    python -m bench.programs.dashboards <server> <token> <control> <dashboards>
then lines {"numbers": {number: outlet id, …}}: break these one by one; answered by {"seconds": [s, …]}
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from websockets.asyncio.client import connect

from bench.programs import orders
from whatsapp.simulator.control import ControlClient

GAP_S = 0.05  # between the last word of one event and the next event
PATIENCE_S = 5.0


class Audience:
    """Waits until every dashboard has heard of one outlet."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._outlet = ""
        self._heard: set[int] = set()
        self._last_at = 0.0
        self._all = asyncio.Event()

    def expect(self, outlet: str) -> None:
        self._outlet, self._heard = outlet, set()
        self._all.clear()

    def hear(self, dashboard: int, message: dict[str, Any]) -> None:
        about = message.get("outletId", "")
        if message["type"] == "changed" and about in (self._outlet, None) and not self._all.is_set():
            self._heard.add(dashboard)
            if len(self._heard) == self._size:
                self._last_at = time.perf_counter()
                self._all.set()

    async def until_all(self) -> float:
        async with asyncio.timeout(PATIENCE_S):
            await self._all.wait()
        return self._last_at


async def main(server: str, token: str, control: str, dashboards: str) -> None:
    audience = Audience(int(dashboards))
    url = server.replace("http", "ws", 1) + "/ws/status"

    async def watch(number: int, opened: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(url, additional_headers=headers, compression=None, ping_interval=None, proxy=None) as socket:
            async for text in socket:
                opened.set()  # by the hello
                audience.hear(number, json.loads(text))

    watchers = []
    for number in range(int(dashboards)):
        opened = asyncio.Event()
        watchers.append(asyncio.create_task(watch(number, opened)))
        await asyncio.wait_for(opened.wait(), 20)
    with ControlClient(control) as phones:
        async for order in orders():
            seconds = []
            for number, outlet in order["numbers"].items():
                audience.expect(outlet)
                began = time.perf_counter()
                # In a thread: the answer must not be waited for while the dashboards listen.
                broken = asyncio.create_task(asyncio.to_thread(phones.fault, "drop", number))
                seconds.append(await audience.until_all() - began)
                await broken
                await asyncio.sleep(GAP_S)
            print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
