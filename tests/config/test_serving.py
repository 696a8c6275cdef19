"""The program as a process of its own: `manage.py serve`, Daphne and uvicorn, from the first byte to a clean end."""

import contextlib
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
SERVERS = {
    "serve": [sys.executable, "manage.py", "serve", "--port", "{port}"],
    "daphne": [str(BIN / "daphne"), "-b", "127.0.0.1", "-p", "{port}", "config.asgi:application"],
    "uvicorn": [str(BIN / "uvicorn"), "--port", "{port}", "config.asgi:application"],
}


@pytest.fixture
def environment(tmp_path):
    """A program of its own: fresh keys, an empty database, nothing of this machine's `.env`."""
    own = {
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "k" * 50,
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'gerai.sqlite3'}",
        "HTTPS": "off",
        "WA_SOCKET_URL": "ws://127.0.0.1:1/",
        "LOG_LEVEL": "DEBUG",
        "WA_LOG_LEVEL": "DEBUG",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("WA_")} | own


def run(command, environment, **more):
    return subprocess.run(
        command, cwd=ROOT, env={**environment, **more}, capture_output=True, text=True, timeout=60, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(name, environment):
    """The server's process and its address, once it is ready."""
    run([sys.executable, "manage.py", "migrate", "-v", "0"], environment)
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 40
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("name", SERVERS)
def test_it_serves_and_ends_cleanly(name, environment):
    with serving(name, environment) as (process, address):
        assert httpx.get(f"{address}/healthz").json() == {"alive": True}
        assert httpx.get(f"{address}/readyz").json() == {"ready": True, "database": True, "manager": True}
        login = httpx.get(f"{address}/login")
        assert login.status_code == 200
        stylesheet = re.search(r'href="(/static/[^"]+\.css)"', login.text)
        assert stylesheet
        answer = httpx.get(address + stylesheet[1])
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        with connect(address.replace("http", "ws") + "/ws/status", origin=address) as page:
            with pytest.raises(ConnectionClosed) as closed:
                page.recv(timeout=5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=20)[0]
    assert process.returncode in (0, -signal.SIGTERM if name == "uvicorn" else 0)
    assert "Traceback" not in output
    assert "never awaited" not in output
    for secret in (environment["SECRET_KEY"], environment["CREDENTIAL_KEYS"]):
        assert secret not in output


WRONG = [
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "short"),
    ("CREDENTIAL_KEYS", ""),
    ("CREDENTIAL_KEYS", "not-a-key"),
    ("DEBUG", "perhaps"),
    ("DATABASE_URL", "mysql://host/name"),
    ("DATABASE_URL", "nonsense"),
    ("REDIS_URL", "http://host"),
    ("WA_SOCKET_URL", "https://web.whatsapp.com"),
    ("WA_ROOT_KEY", "abcd"),
    ("WA_CLIENT_VERSION", "2.3000"),
    ("WA_MAX_RETRIES", "-1"),
    ("WA_RETRY_DELAY", "soon"),
    ("WA_SLOW_RETRY", "2"),
    ("WA_PING_INTERVAL", "0"),
    ("WA_PING_TIMEOUT", "1e9"),
    ("WA_LOG_LEVEL", "LOUD"),
    ("LOG_LEVEL", "5"),
    ("TIME_ZONE", "Asia/Nowhere"),
    ("API_TOKEN_DAYS", "0"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_start_with_one_line(name, value, environment, monkeypatch):
    for other, good in environment.items():
        monkeypatch.setenv(other, good)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "config/settings.py"))
    line = str(stopped.value)
    assert name in line
    assert "\n" not in line
    if name in ("SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL", "WA_ROOT_KEY") and value:
        assert value not in line


@pytest.mark.parametrize("name", [*SERVERS, "migrate"])
def test_every_way_to_start_says_it_in_one_line(name, environment):
    command = SERVERS.get(name, [sys.executable, "manage.py", "migrate"])
    done = run([part.format(port=0) for part in command], environment, WA_PING_INTERVAL="often")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "Setting WA_PING_INTERVAL must be seconds from 0.1 to 300, not 'often'." in done.stderr
    assert len((done.stderr + done.stdout).splitlines()) == 1


def test_commands_start_no_sessions(environment):
    run([sys.executable, "manage.py", "migrate", "-v", "0"], environment)
    code = "from wa_sessions import manager; print('manager', manager.current())"
    done = run([sys.executable, "manage.py", "shell", "-c", code], environment)
    assert "manager None" in done.stdout


def test_the_first_start_makes_keys_once(environment, tmp_path):
    path = tmp_path / "env"
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "HTTPS"):
        del environment[name]
    environment["ENV_FILE"] = str(path)
    first = run([sys.executable, "-m", "config.first_start"], environment)
    assert "createsuperuser" in first.stdout
    written = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.search(r"^SECRET_KEY=\S{50,}$", written, re.M)
    again = run([sys.executable, "-m", "config.first_start"], environment)
    assert again.stdout == ""
    assert path.read_text() == written
    assert run([sys.executable, "manage.py", "check"], environment).returncode == 0


def test_every_setting_is_explained():
    example = (ROOT / ".env.example").read_text()
    used = set(re.findall(r'environment\.[a-z_]+\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))
    assert used
    assert {name for name in used if not re.search(rf"^#?{name}=", example, re.M)} == set()
