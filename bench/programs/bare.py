"""Bare WebSocket clients that do nothing: the least that a connection costs in Python.

python -m bench.programs.bare <url>      then lines {"count": n}: have n connections, answered when they stand
"""

import asyncio
import gc
import json
import sys

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from bench.programs import orders

AT_ONCE = 50


async def main(url: str) -> None:
    connections: list[ClientConnection] = []

    async def dial() -> None:
        connections.append(
            await connect(
                url, origin=Origin("https://web.whatsapp.com"), compression=None, ping_interval=None, proxy=None
            )
        )

    async for order in orders():
        while len(connections) < order["count"]:
            await asyncio.gather(*(dial() for _ in range(min(AT_ONCE, order["count"] - len(connections)))))
        gc.collect()
        print(json.dumps({"open": len(connections)}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
