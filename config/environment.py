"""Reading the environment. A value that is missing or wrong stops the program with one line that names it.

The readers raise `SettingError`, a `SystemExit`: whichever way the settings were first imported (manage.py, Daphne,
uvicorn, a script), the person sees the sentence and no traceback. A secret's value is never part of the sentence.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from cryptography.fernet import Fernet

_TRUE = frozenset({"1", "on", "true", "yes"})
_FALSE = frozenset({"0", "off", "false", "no"})
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingError(SystemExit):
    """A setting is missing or wrong. `str()` is the one line for the person."""


def refuse(name: str, problem: str) -> NoReturn:
    raise SettingError(f"Setting {name} {problem} See .env.example.")


def read_file(default: Path) -> None:
    """Read `ENV_FILE` (or `default`) into the environment, where it exists; what is already set stays."""
    path = os.environ.get("ENV_FILE", str(default))
    if path and Path(path).is_file():
        environ.Env.read_env(path)


def text(name: str, default: str | None = None, *, secret: bool = False, at_least: int = 0) -> str:
    """A string; without a default it must be there. `at_least` is its shortest length."""
    value = os.environ.get(name, "").strip() or default
    if value is None:
        refuse(name, "is not set.")
    if len(value) < at_least:
        shown = "" if secret else f": {value!r}"
        refuse(name, f"needs at least {at_least} characters{shown}.")
    return value


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in _TRUE:
        return True
    if value and value not in _FALSE:
        refuse(name, f"must be on or off, not {value!r}.")
    return default if not value else False


def whole(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number between `low` and `high`, both allowed."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
        refuse(name, f"must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def seconds(name: str, default: float, *, low: float, high: float) -> float:
    """A time in seconds between `low` and `high`, both allowed."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) or not low <= float(value) <= high:
        refuse(name, f"must be seconds from {low:g} to {high:g}, not {value!r}.")
    return float(value)


def names(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list separated by commas."""
    value = [part.strip() for part in os.environ.get(name, "").split(",")]
    return [part for part in value if part] or list(default)


def log_level(name: str, default: str) -> str:
    value = os.environ.get(name, "").strip().upper() or default
    if value not in _LOG_LEVELS:
        refuse(name, f"must be one of {', '.join(_LOG_LEVELS)}, not {value!r}.")
    return value


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    """An address with one of these schemes and a host. It may hold a password, so the message does not repeat it."""
    value = os.environ.get(name, "").strip() or default
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        refuse(name, "is not an address.")
    if parts.scheme not in schemes or not host:
        refuse(name, f"must be an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return value


def time_zone(name: str, default: str) -> str:
    value = os.environ.get(name, "").strip() or default
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        refuse(name, f"must be a time zone like {default}, not {value!r}.")
    return value


def root_key(name: str) -> bytes | None:
    """32 bytes as 64 hex digits; None where it is not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        refuse(name, "must be 64 hex digits.")
    return bytes.fromhex(value)


def client_version(name: str, default: str) -> tuple[int, int, int]:
    """Three numbers with dots: 2.3000.1045649367."""
    value = os.environ.get(name, "").strip() or default
    match = re.fullmatch(r"([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,10})", value)
    if not match:
        refuse(name, f"must be three numbers with dots, like {default}, not {value!r}.")
    return int(match[1]), int(match[2]), int(match[3])


def fernet_keys(name: str) -> list[str]:
    """One Fernet key or more, the first being the one that encrypts."""
    keys = names(name)
    if not keys:
        refuse(name, "is not set.")
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            refuse(name, f"holds a key (number {number}) that is not a Fernet key.")
    return keys


def database(name: str, default: str) -> dict[str, Any]:
    """`DATABASES["default"]` for an SQLite file or a PostgreSQL server, made for a server with long-lived threads.

    A request must have its answer within 2 s even when the database does not, so each wait is bounded below that:
    1 s for SQLite's write lock and for a pooled PostgreSQL connection. Background work tries again by itself.
    """
    value = os.environ.get(name, "").strip() or default
    if not value.startswith(("sqlite://", "postgres://", "postgresql://")):
        refuse(name, "must begin with sqlite:// or postgres://.")
    try:
        parsed: dict[str, Any] = environ.Env.db_url_config(value)
    except (ValueError, KeyError):
        refuse(name, "is not a database address.")
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["ENGINE"] = "config.sqlite"
        parsed["CONN_MAX_AGE"] = None
        parsed["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 1,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        if not parsed.get("NAME"):
            refuse(name, "names no database.")
        # The pool keeps connections open; Django's own persistent ones would leak under ASGI.
        parsed["CONN_MAX_AGE"] = 0
        parsed["CONN_HEALTH_CHECKS"] = True  # a server that was restarted left dead connections in the pool
        parsed["OPTIONS"] = {
            **parsed.get("OPTIONS", {}),
            # Soon given up and soon tried anew: the pool would wait longer and longer before each attempt.
            "pool": {"min_size": 1, "max_size": 24, "timeout": 1, "max_idle": 300, "reconnect_timeout": 1},
            "connect_timeout": 2,
            "tcp_user_timeout": 1500,  # ms; a peer that went silent, found while a query waits
            "options": "-c lock_timeout=1000 -c statement_timeout=15000",  # ms
        }
    return parsed
