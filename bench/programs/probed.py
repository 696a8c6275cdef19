"""`manage.py serve` with a probe: every few milliseconds it notes how late the loop is.

The lateness (seconds, as doubles) is appended to `lag` in BENCH_FOLDER once a second.
"""

import asyncio
import os
import sys
from array import array
from pathlib import Path

import django

EVERY_S = 0.005


class Probe:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._late = array("d")

    def begin(self) -> None:
        loop = asyncio.get_event_loop()
        self._tick(loop, loop.time())

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._late.append(max(0.0, loop.time() - due))
        if len(self._late) >= 1 / EVERY_S:
            with self._path.open("ab") as file:
                self._late.tofile(file)
            self._late = array("d")
        due = loop.time() + EVERY_S
        loop.call_at(due, self._tick, loop, due)


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from config.management.commands import serve

    probe = Probe(Path(os.environ["BENCH_FOLDER"]) / "lag")

    class Command(serve.Command):
        def _say_where(self) -> None:
            super()._say_where()
            probe.begin()

    call_command(Command(), *sys.argv[1:])


if __name__ == "__main__":
    main()
