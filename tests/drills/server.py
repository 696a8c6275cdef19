"""The program as people run it: the server and the simulated WhatsApp, each a process of its own.

    with SimulatedWhatsApp(folder) as whatsapp, Server(folder, whatsapp) as server:
        phones = whatsapp.control           # whatsapp.simulator.control.ControlClient
        server.get("/api/outlets/status", token).json()
        server.kill()                       # kill -9
        server.start()                      # again, on the same database
        server.terminate()                  # SIGTERM, waits for the end, gives how long it took

Inside a test with `django_db(transaction=True)` the server works on the test's own database and keys, so the test makes
people and outlets by the ORM and reads rows the same way. Elsewhere pass `DATABASE_URL` (and `prepare_database` it).
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import psutil

from whatsapp.simulator.control import ControlClient

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
COMMANDS = {
    "serve": ["manage.py", "serve", "--port", "{port}"],
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "config.asgi:application"],
    "uvicorn": ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "config.asgi:application"],
}


def wait_for(found: Callable[[], Any], what: str, patience_s: float = PATIENCE_S, pause_s: float = 0.05) -> Any:
    """Call `found` until it gives something, and give that. Fails with `what` was waited for."""
    deadline = time.monotonic() + patience_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s in vain for {what}"
        time.sleep(pause_s)
    return value


class _Program:
    """A process whose output goes into a file, ended whatever happens."""

    def __init__(self, folder: Path, name: str) -> None:
        self._log_path = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_starts_at = 0  # of the present process; the file keeps all of them

    def _spawn(self, arguments: list[str], environment: dict[str, str]) -> None:
        assert self._process is None, "it runs already"
        self._log_starts_at = self._log_path.stat().st_size if self._log_path.exists() else 0
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that the present process, or the last one, has written so far."""
        return self._log_path.read_bytes()[self._log_starts_at :].decode(errors="replace")

    @property
    def whole_log(self) -> str:
        """The same of all starts."""
        return self._log_path.read_text(errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self, patience_s: float = 30.0) -> float:
        """SIGTERM. Gives how many seconds it took to end; fails after `patience_s`, or with a bad exit code."""
        process, began = self._process, time.monotonic()
        assert process is not None, "it does not run"
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {patience_s} s of SIGTERM:\n{self.log[-2000:]}") from None
        self._process = None
        assert code in (0, -signal.SIGTERM), f"it ended with {code}:\n{self.log[-2000:]}"
        return time.monotonic() - began

    def _line(self, found: Callable[[str], Any], what: str) -> Any:
        """Wait for something in the log; fails at once when the process is gone."""

        def look() -> Any:
            seen = found(self.log)
            assert seen or self.is_running, f"it ended before {what}:\n{self.log[-3000:]}"
            return seen

        return wait_for(look, what)

    def __exit__(self, *_: object) -> None:
        self.kill()


class SimulatedWhatsApp(_Program):
    """`python -m whatsapp.simulator`. `control` steers it; phones and faults are made there."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        super().__init__(folder, "simulator")
        self._arguments = arguments
        self.url = ""
        self.root_key = ""
        self.control_url = ""

    def __enter__(self) -> Self:
        self._spawn(["-m", "whatsapp.simulator", *self._arguments], dict(os.environ))
        try:
            line = self._line(
                lambda log: next((row for row in log.splitlines(True) if row.endswith("}\n")), ""), "listening"
            )
            wire = json.loads(line)
            self.url, self.root_key, self.control_url = wire["url"], wire["root_key"], wire["control"]
            self.control = ControlClient(self.control_url)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.control.close()
        self.kill()


def _first_object(log: str) -> str:
    return next((line for line in log.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")), "")


class Server(_Program):
    """`manage.py serve`, or `command` "daphne", "uvicorn". `environment` is settings, over those of `settings_for`."""

    def __init__(
        self, folder: Path, whatsapp: SimulatedWhatsApp, *, command: str = "serve", **environment: str
    ) -> None:
        super().__init__(folder, "server")
        self._command = COMMANDS[command]
        self._environment = {**settings_for(whatsapp), **environment}
        self.url = ""
        # One client for all requests, since making one is slow; no kept connection, since the server is killed.
        self._http = httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))

    def __exit__(self, *_: object) -> None:
        self._http.close()
        super().__exit__()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, *, wait: bool = True) -> None:
        """Start it (again), by default until `/readyz` says so. The port is a free one, another at each start."""
        collect_static()
        self._spawn([part.format(port=0) for part in self._command], self._environment)
        if wait:
            self.wait_until_listening()
            self.wait_until_ready()

    def wait_until_listening(self) -> None:
        process = psutil.Process(self.pid)

        def port() -> int:
            assert self.is_running, f"it ended before it listened:\n{self.log[-3000:]}"
            listening = (line.laddr.port for line in process.net_connections("tcp") if line.status == "LISTEN")
            return next(listening, 0)

        self.url = f"http://127.0.0.1:{wait_for(port, 'listening')}"

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.is_running, f"it ended before it was ready:\n{self.log[-3000:]}"
            try:
                return self.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(is_ready, "/readyz")

    def request(
        self, method: str, path: str, token: str = "", *, timeout_s: float = 10.0, **more: Any
    ) -> httpx.Response:
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        return self._http.request(method, self.url + path, headers=headers, timeout=timeout_s, **more)

    def get(self, path: str, token: str = "", **more: Any) -> httpx.Response:
        return self.request("GET", path, token, **more)

    def post(self, path: str, token: str = "", **more: Any) -> httpx.Response:
        return self.request("POST", path, token, **more)


def settings_for(whatsapp: SimulatedWhatsApp) -> dict[str, str]:
    """The environment of a server beside that simulator, on the keys and the database of the program that asks."""
    from django.conf import settings

    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("WA_")},
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONWARNINGS": "default",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": settings.SECRET_KEY,
        "CREDENTIAL_KEYS": ",".join(settings.CREDENTIAL_KEYS),
        "DATABASE_URL": database_url(),
        "HTTPS": "off",
        "DEBUG": "off",
        "REDIS_URL": "",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "WA_SOCKET_URL": whatsapp.url,
        "WA_ROOT_KEY": whatsapp.root_key,
        "WA_SIMULATOR_CONTROL": whatsapp.control_url,
    }


def database_url() -> str:
    """The address of the database that the calling program works on: in a test, the test's own."""
    from django.db import connection

    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    user, password, host, port = (quote(str(known[key] or ""), safe="") for key in ("USER", "PASSWORD", "HOST", "PORT"))
    folder = known.get("OPTIONS", {}).get("host")  # of a Unix socket
    address = f"postgres://{user}:{password}@{host}{':' + port if port else ''}/{known['NAME']}"
    return f"{address}?host={folder}" if folder else address


def prepare_database(url: str, environment: dict[str, str]) -> None:
    """Migrate a database that is not a test's."""
    environment = {**environment, "DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)


def collect_static() -> None:
    """What `serve` would do at its start, but one process at a time."""
    from config.management.commands.serve import _static_files_changed

    with _alone("gerai-collectstatic"):
        if _static_files_changed():
            environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "off"}
            command = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v", "0"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Among all processes of this machine."""
    with (Path(tempfile.gettempdir()) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
