"""`make demo`: five outlets on a simulated WhatsApp, everything real but the other side of the wire.

Starts the simulator and the server as processes of their own, links the outlets by scanning their QR codes with
simulated phones, and leaves the picture of a normal morning: three connected, Bandung disconnected, Medan waiting for
its scan. There are people to write to as well, and outlets send fast enough to watch. Every start begins afresh, in the
folder `demo/`.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "demo"
PASSWORD = "gerai-demo-2026"  # noqa: S105 - printed for everyone to use; the demo listens on this machine only
QR_REFS = 90  # half an hour to scan Medan, instead of under three minutes
OUTLETS = (
    ("Jakarta", "6287788987745"),
    ("Bandung", "6281230000002"),
    ("Surabaya", "6281230000003"),
    ("Medan", "6281230000004"),
    ("Semarang", "6281230000005"),
)
CONNECTED = ("Jakarta", "Surabaya", "Semarang")
PATIENCE_S = 60.0
# Slow enough to watch, at any hour. Outlets on the real WhatsApp are far more cautious.
PACE = {
    "delay_s": 0.7,
    "jitter": 0.4,
    "per_minute": 90,
    "daily_cap": None,
    "quiet_from": None,
    "quiet_to": None,
    "ramp_days": 0,
    "ramp_start": 1,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as Ctrl-C: the `finally` below ends both processes
    processes: list[subprocess.Popen[Any]] = []
    try:
        simulator, wire = _start_simulator()
        processes.append(simulator)
        _configure(wire)
        _fill()
        server = _spawn("manage.py", "serve", "--host", options.host, "--port", str(options.port))
        processes.append(server)
        _link(wire["control"])
        _print_accounts(f"http://{options.host}:{options.port}/")
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in reversed(processes):
            process.wait(15)


def _spawn(*arguments: str, stdout: int | IO[str] | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=stdout, text=True)  # noqa: S603 - our own words only


def _start_simulator() -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The simulator's process, and where it listens: `url`, `control` and `root_key`."""
    process = _spawn("-m", "whatsapp.simulator", "--port", "0", "--refs", str(QR_REFS), stdout=subprocess.PIPE)
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit("The simulator did not start.")
    return process, json.loads(line)


def _configure(wire: dict[str, str]) -> None:
    """Everything the server needs is in the environment: the demo reads and writes no `.env`."""
    import base64

    os.environ.update(
        ENV_FILE="",
        DJANGO_SETTINGS_MODULE="config.settings",
        SECRET_KEY=secrets.token_urlsafe(48),
        CREDENTIAL_KEYS=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        DATABASE_URL=f"sqlite:///{FOLDER / 'demo.sqlite3'}",
        HTTPS="off",
        WA_SOCKET_URL=wire["url"],
        WA_ROOT_KEY=wire["root_key"],
        WA_SIMULATOR_CONTROL=wire["control"],
    )
    import django

    django.setup()


def _fill() -> None:
    """An empty database, the outlets with their pace, and an account of each role."""
    from django.core.management import call_command

    from accounts.models import Role, User
    from blast.pace_services import pace_update
    from outlets.models import Outlet

    call_command("migrate", verbosity=0)
    outlets = {name: Outlet.objects.create(name=f"Outlet {name}", whatsapp_number=number) for name, number in OUTLETS}
    sari = User.objects.create_superuser("sari", password=PASSWORD, first_name="Sari")
    User.objects.create_user("adi", password=PASSWORD, first_name="Adi", role=Role.ADMIN)
    User.objects.create_user("jaka", password=PASSWORD, first_name="Jaka", outlet=outlets["Jakarta"])
    for outlet in outlets.values():
        pace_update(outlet, sari, **PACE)


def _link(control: str) -> None:
    """Make the phones, and scan the QR codes as people would: the server under demo does the rest."""
    from outlets.models import Outlet
    from wa_sessions import selectors, services, simulator_sample
    from wa_sessions.models import WhatsAppSession
    from wa_sessions.states import Status
    from whatsapp.simulator.control import ControlClient

    outlets = {outlet.name.removeprefix("Outlet "): outlet for outlet in Outlet.objects.all()}
    with ControlClient(control) as phones:
        simulator_sample.make_phones(phones)
        for name, outlet in outlets.items():
            phones.add_phone(outlet.whatsapp_number, name=f"Gerai {name}")
            services.session_connect(outlet)
        for name, outlet in outlets.items():
            if name == "Medan":
                continue
            qr = _wait_for(partial(selectors.qr_of, outlet), f"the QR code of {name}")
            phones.scan(outlet.whatsapp_number, qr.text)
        linked = [outlets[name].pk for name in (*CONNECTED, "Bandung")]
        online = WhatsAppSession.objects.filter(pk__in=linked, status=Status.CONNECTED)
        _wait_for(lambda: online.count() == len(linked), "the outlets to connect")
    services.session_disconnect(outlets["Bandung"])


def _wait_for(found: Callable[[], T | None], what: str) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise SystemExit(f"The demo waited {PATIENCE_S:.0f} s in vain for {what}.")


def _print_accounts(address: str) -> None:
    print(  # noqa: T201
        f"""
  Gerai (demo)      {address}
  Simulated phones  {address}simulator

  Account  Role        Password
  sari     SUPERADMIN  {PASSWORD}
  adi      ADMIN       {PASSWORD}
  jaka     USER        {PASSWORD}   (Outlet Jakarta only)

  Nothing here reaches the real WhatsApp. Ctrl-C ends it; the next start begins afresh.
""",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
