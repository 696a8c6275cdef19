"""The database locked or gone for a while: no socket closes, nobody waits for an answer, and nothing is forgotten.

`DRILL_AWAY_S=30` makes it as long as promised; by default it is shorter.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import OperationalError, connection

from tests.cast import PASSWORD, Cast
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from wa_sessions.models import Credential, Flip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

AWAY_S = float(os.environ.get("DRILL_AWAY_S", "6"))
ANSWER_WITHIN_S = 2.0
RIGHT_WITHIN_S = 5.0


@contextmanager
def locked() -> Iterator[None]:
    """Somebody else holds all that the program needs: every write lock, on PostgreSQL every read lock too."""
    if connection.vendor == "sqlite":
        path = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        return
    import psycopg

    tables = ", ".join(f'"{name}"' for name in connection.introspection.table_names())
    with psycopg.connect(**_address()) as other:
        other.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        yield
        other.rollback()


@contextmanager
def gone() -> Iterator[None]:
    """PostgreSQL takes no connections, and has cut those that there were."""
    import psycopg

    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(**{**_address(), "dbname": "postgres"}, autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        try:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]


def _address() -> dict[str, Any]:
    known = connection.settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    address = {key: known[name] for key, name in names.items() if known[name]}
    folder = known.get("OPTIONS", {}).get("host")  # of a Unix socket
    return {**address, "host": folder} if folder else address


class Visitors:
    """People and programs who keep asking, each again as soon as it has its answer."""

    def __init__(self, here: Drill) -> None:
        self._here = here
        self._is_over = threading.Event()
        self.answers: list[tuple[str, int, float]] = []  # what was asked, the status, after how many seconds
        server, token, bandung = here.server, here.token, here.cast.bandung.pk
        adi, hasher = here.cast.adi, Argon2PasswordHasher()
        adi.password = hasher.encode(PASSWORD, hasher.salt())  # the server knows no quick hashes
        adi.save()
        login = {"username": adi.username, "password": PASSWORD}
        asks: dict[str, Callable[[], Any]] = {
            "status": lambda: server.get("/api/outlets/status", token),
            "status again": lambda: server.get("/api/outlets/status", token),
            "one": lambda: server.get(f"/api/outlets/outlet_{bandung}/status", token),
            "connect": lambda: server.post(f"/api/outlets/outlet_{bandung}/connect", token),
            "token": lambda: server.post("/api/auth/token", json=login),
            "login page": lambda: server.get("/login"),
            "ready": lambda: server.get("/readyz"),
            "alive": lambda: server.get("/healthz"),
        }
        self._threads = [threading.Thread(target=self._ask, args=item) for item in asks.items()]

    def _ask(self, name: str, ask: Callable[[], Any]) -> None:
        while not self._is_over.is_set():
            began = time.monotonic()
            try:
                status = ask().status_code
            except Exception as error:
                status = repr(error)
            self.answers.append((name, status, time.monotonic() - began))
            time.sleep(0.2)

    def heard(self, name: str) -> set[int]:
        return {status for asked, status, _ in self.answers if asked == name}

    def slowest(self) -> dict[str, float]:
        return {name: max(took for asked, _, took in self.answers if asked == name) for name, _, _ in self.answers}

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


def here_too(look: Callable[[], Any]) -> Any:
    """The test's own connections were cut as well."""
    try:
        return look()
    except OperationalError:
        return None


def ways() -> list[Callable[[], Any]]:
    return [locked, gone]


@pytest.mark.parametrize("away", ways(), ids=lambda way: way.__name__)
def test_it_outlives_a_database_that_is_away(tmp_path: Path, cast: Cast, away: Callable[[], Any]) -> None:
    if away is gone and connection.vendor == "sqlite":
        pytest.skip("an SQLite file does not go away")
    jakarta, bandung, surabaya, medan, _ = cast.outlets
    with drill(tmp_path, cast) as here:
        here.link_directly(jakarta, bandung, surabaya, medan)
        before = here.phones.counts()
        dials = {outlet: here.phones.counts(outlet.whatsapp_number)["dials"] for outlet in cast.outlets}
        visitors = Visitors(here)
        with away():
            began = time.monotonic()
            time.sleep(0.5)  # whatever waits for it has noticed
            here.phones.fault("drop", jakarta.whatsapp_number)
            here.phones.unlink(surabaya.whatsapp_number)
            with visitors:
                while time.monotonic() - began < AWAY_S:
                    for outlet in (bandung, medan):
                        assert here.sockets(outlet) == 1, "a socket was closed for want of the database"
                    time.sleep(0.1)
        came_back = time.monotonic()
        flips = Flip.objects.filter(session_id=jakarta.pk, reason="line_lost")
        wait_for(lambda: here_too(flips.exists), "the row to learn of the loss", RIGHT_WITHIN_S)
        here.becomes(jakarta, "CONNECTED", RIGHT_WITHIN_S)
        row = here.becomes(surabaya, "FAILED", RIGHT_WITHIN_S)
        assert (row.cause, row.jid) == ("unlinked", "")
        keys = Credential.objects.filter(session_id=surabaya.pk)
        wait_for(lambda: not keys.exists(), "the wiped keys", RIGHT_WITHIN_S)
        assert time.monotonic() - came_back < RIGHT_WITHIN_S
        assert list(flips.values_list("from_status", "to_status")) == [("CONNECTED", "CONNECTING")]
        assert flips.get().at.timestamp() < time.time() - (time.monotonic() - began) + AWAY_S, "written when it was so"

        print("slowest answers in s:", {name: round(took, 2) for name, took in visitors.slowest().items()})
        late = [answer for answer in visitors.answers if answer[2] >= ANSWER_WITHIN_S]
        assert not late, f"of {len(visitors.answers)}"
        assert visitors.heard("alive") == {200}
        assert visitors.heard("status") <= {200, 503}
        assert visitors.heard("connect") == {503}
        assert {status for _, status, _ in visitors.answers} <= {200, 429, 503}
        for outlet in (bandung, medan):
            assert here.phones.counts(outlet.whatsapp_number)["dials"] == dials[outlet]
        assert here.phones.counts()["pairings"] == before["pairings"]
        here.is_true()
        assert here.server.get("/readyz").status_code == 200
        assert "Traceback" not in here.server.log, here.server.log[-3000:]


def test_it_starts_as_soon_as_the_database_is_there(tmp_path: Path, cast: Cast) -> None:
    with drill(tmp_path, cast) as here:
        here.link_directly(cast.jakarta)
        here.server.terminate()
        with locked():
            here.server.start(wait=False)
            here.server.wait_until_listening()
            time.sleep(3)
            assert here.server.get("/readyz").status_code == 503
            assert here.server.get("/healthz").status_code == 200
            assert here.sockets(cast.jakarta) == 0, "nothing is dialled before the rows are claimed"
        here.server.wait_until_ready()
        here.becomes(cast.jakarta, "CONNECTED")
        here.is_true()


def test_it_ends_in_time_while_the_database_is_away(tmp_path: Path, cast: Cast) -> None:
    with drill(tmp_path, cast) as here:
        here.link_directly(cast.jakarta)
        with locked():
            assert here.server.terminate() < 12
            assert here.sockets(cast.jakarta) == 0
        assert here.row(cast.jakarta).status == "CONNECTED"  # nobody could write it down
        here.server.start()
        here.is_back(cast.jakarta)
        here.is_true()
