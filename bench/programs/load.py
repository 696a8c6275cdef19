"""Ask one address again and again, over connections that are kept, and count the answers.

    python -m bench.programs.load <host> <port> <path> <token>
then lines {"connections": n, "seconds": s}, each answered by {"answers": n, "seconds": s, "errors": n}.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.programs import orders


class Asker(asyncio.Protocol):
    """One connection: the next request goes out when the whole answer is there."""

    def __init__(self, request: bytes, ends_at: float) -> None:
        self._request = request
        self._ends_at = ends_at
        self._buffer = bytearray()
        self._size = -1  # of the answer that is coming, once its head is read
        self.answers = 0
        self.errors = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._size < 0:
            head, found, _ = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self._size = len(head) + 4 + int(length.split(b":")[1])
            self.errors += not head.startswith(b"HTTP/1.1 200")
        if len(self._buffer) >= self._size:
            self._buffer.clear()
            self._size = -1
            self.answers += 1
            if time.monotonic() >= self._ends_at:
                self._transport.close()
            else:
                self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if time.monotonic() < self._ends_at:
            self.errors += 1
        self.done.set_result(None)


async def main(host: str, port: str, path: str, token: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    async for order in orders():
        began = time.monotonic()
        ends_at = began + order["seconds"]
        pairs = [
            await loop.create_connection(lambda: Asker(request, ends_at), host, int(port))  # noqa: B023
            for _ in range(order["connections"])
        ]
        askers = [asker for _, asker in pairs]
        await asyncio.wait_for(asyncio.gather(*(asker.done for asker in askers)), order["seconds"] + 60)
        answer = {
            "answers": sum(asker.answers for asker in askers),
            "errors": sum(asker.errors for asker in askers),
            "seconds": time.monotonic() - began,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
