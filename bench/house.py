"""What figures are measured on: a simulator, databases full of linked outlets, and the real server."""

import contextlib
import json
import os
import secrets
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import BenchError, Child, run
from whatsapp.simulator.control import ControlClient


@dataclass(frozen=True, slots=True)
class Bench:
    """What every figure is given."""

    folder: Path  # temporary; all that is written goes here
    quick: bool

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


class Wire:
    """A simulator in a process of its own."""

    def __init__(self, child: Child) -> None:
        self.child = child
        where = child.answer()
        self.url: str = where["url"]
        self.root_key: str = where["root_key"]
        self.control_url: str = where["control"]
        self.control = ControlClient(self.control_url, timeout_s=120)
        self._numbers = 0

    def numbers(self, count: int) -> list[str]:
        """Phone numbers that nobody has yet."""
        first, self._numbers = self._numbers, self._numbers + count
        return [f"62811{number:08d}" for number in range(first, first + count)]

    def sockets(self) -> int:
        return int(self.control.counts()["sockets"])


@contextlib.contextmanager
def simulator(bench: Bench) -> Iterator[Wire]:
    with Child("-m", "whatsapp.simulator", errors=bench.folder / "simulator.log") as child:
        wire = Wire(child)
        with wire.control:
            yield wire


def blank(bench: Bench) -> tuple[Path, dict[str, str]]:
    """A folder and the environment of a program that keeps all it writes there, a database that does not exist yet."""
    folder = bench.folder / secrets.token_hex(4)
    (folder / "static").mkdir(parents=True)
    (folder / "static" / "staticfiles.json").touch()  # nothing is to be collected
    return folder, {
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "BENCH_FOLDER": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "CREDENTIAL_KEYS": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
        "HTTPS": "off",
        "LOG_LEVEL": "WARNING",
        "REDIS_URL": "",
    }


class Database:
    """An SQLite file with linked outlets that people want online, and an ADMIN with a token."""

    def __init__(self, bench: Bench, wire: Wire, outlets: int) -> None:
        self.folder, env = blank(bench)
        self.numbers = wire.numbers(outlets)
        self.env = {**env, "WA_SOCKET_URL": wire.url, "WA_ROOT_KEY": wire.root_key}
        span = (self.numbers[0], self.numbers[-1]) if outlets else ("1", "0")
        filled = run("-m", "bench.programs.fill", wire.control_url, *span, env=self.env, patience_s=600)
        self.token: str = filled["token"]

    def program(self, name: str, *arguments: str) -> Child:
        """A program of `bench.programs` that uses this database."""
        return Child("-m", f"bench.programs.{name}", *arguments, env=self.env, errors=self.folder / f"{name}.log")


class Server:
    """A server process; `url` is where it listens."""

    def __init__(self, child: Child, token: str, url: str = "") -> None:
        self.child = child
        self.token = token
        self.url = url or child.line().split()[-1].rstrip("/")  # `serve` says it first

    def status(self) -> dict[str, Any]:
        """`GET /api/outlets/status` as an ADMIN."""
        request = urllib.request.Request(
            f"{self.url}/api/outlets/status", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.load(response))

    def until_healthy(self, count: int, patience_s: float = 180.0) -> None:
        until(lambda: self.status()["healthy"] >= count, f"{count} outlets to be connected", patience_s, 0.25)


@contextlib.contextmanager
def serve(database: Database, how: str = "manage.py") -> Iterator[Server]:
    """`manage.py serve`, or another program of the bench that serves."""
    command = (how, "serve") if how == "manage.py" else ("-m", how)
    with Child(*command, "--port", "0", env=database.env, errors=database.folder / "server.log") as child:
        yield Server(child, database.token)


def until(found: Callable[[], Any], what: str, patience_s: float = 60.0, every_s: float = 0.05) -> float:
    """Wait for something; gives the seconds that it took. Raises BenchError."""
    began = time.monotonic()
    while not found():
        if time.monotonic() - began > patience_s:
            raise BenchError(f"waited {patience_s:.0f} s in vain for {what}")
        time.sleep(every_s)
    return time.monotonic() - began


def files_allowed() -> int:
    """How many files, and so sockets, a process may have open."""
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def cores() -> int:
    return os.cpu_count() or 1
