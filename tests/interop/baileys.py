"""Baileys, an independent WhatsApp Web client, in a process of its own."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NODE = shutil.which("node")
INSTALLED = (HERE / "node_modules" / "@whiskeysockets" / "baileys" / "package.json").exists()
MISSING = (
    "" if NODE and INSTALLED else "INTEROP TESTS SKIPPED: " + ("run `npm ci` in tests/interop" if NODE else "no node")
)

Event = dict[str, Any]


class Baileys:
    """One process, many accounts, one connection at a time; it keeps credentials from one `connect` to the next."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._account = 0  # in use
        self._connection = 0  # the newest
        self._told: list[Event] = []  # of the newest connection, and nobody waited for it yet

    @classmethod
    async def start(cls) -> "Baileys":
        process = await asyncio.create_subprocess_exec(
            NODE or "node",
            "driver.mjs",
            cwd=HERE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        baileys = cls(process)
        await baileys.until("ready")
        return baileys

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def forget(self) -> None:
        """From now on it is another, fresh account."""
        self._account += 1

    def order(self, do: str, **details: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")

    def connect(self, url: str, **options: Any) -> None:
        self._told.clear()
        self._connection += 1
        self.order("connect", connection=self._connection, account=str(self._account), url=url, options=options)

    async def until(self, name: str, timeout_s: float = 20.0, *, of_older: bool = False) -> Event:
        """The next event of that name, of the newest connection or of an older one.

        Fails on a "close" or an "error" that nobody waits for.
        """
        for event in self._told:
            if event["event"] == name and not of_older:
                self._told.remove(event)
                return event
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self._read()
                is_older = event.get("connection", 0) < self._connection
                if event["event"] == name and is_older is of_older:
                    return event
                if not is_older:
                    assert event["event"] not in ("close", "error"), f"waited for {name}, but {event}"
                    self._told.append(event)

    async def _read(self) -> Event:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "Baileys' process ended"
        event: Event = json.loads(line)
        return event

    async def nothing(self, seconds: float) -> None:
        """Nothing of note happens for a while."""
        try:
            event = await self.until("close", seconds)
        except TimeoutError:
            return
        raise AssertionError(f"Baileys ended: {event}")

    async def log_in(self, url: str, **options: Any) -> None:
        """Connect, and wait until it is open and has caught up."""
        self.connect(url, **options)
        await self.until("open")
        await self.until("caught_up")

    async def leave(self) -> None:
        """End the connection from this side."""
        self.order("end")
        await self.until("close")
