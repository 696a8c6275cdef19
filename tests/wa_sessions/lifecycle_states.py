"""Typical states and ends by the names that people would give them, and how a row of a table is checked."""

from dataclasses import replace
from typing import Any

import pytest

from wa_sessions.causes import Code
from wa_sessions.lifecycle import receive
from wa_sessions.lifecycle_types import Configured, Effect, Ended, Event, Phase, Policy, State, Step, Wished
from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import End, EndKind

NOW = 1_000_000.0  # seconds since 1970
NUMBER, OTHER_NUMBER = "6281111111111", "6282222222222"
NUMBERS = (("scanned", OTHER_NUMBER), ("expected", NUMBER))

NEVER = State(wish_done=1)
IDLE = State(intent=Intent.OFFLINE, linked=True, wish_done=1)
ASKED = State(intent=Intent.ONLINE, status=Status.CONNECTING, wish_done=1)
PAIRING_QUEUED = replace(ASKED, phase=Phase.QUEUED, wants_pairing=True)
PAIRING = replace(ASKED, phase=Phase.PAIRING)
ACCEPTED = replace(PAIRING, linked=True)  # the phone said yes, 515 is to come
QUEUED = replace(ASKED, phase=Phase.QUEUED, linked=True)
DIALING = replace(QUEUED, phase=Phase.DIALING)
OPEN = replace(QUEUED, phase=Phase.OPEN, status=Status.CONNECTED)
PAUSED = replace(OPEN, intent=Intent.PAUSED, status=Status.PAUSED)
WAITING = replace(QUEUED, phase=Phase.WAITING, retry_count=1, retry_at=NOW + 3, cause=Code.LINE_LOST)
LAST_TRY = replace(DIALING, retry_count=3, timeouts_only=False)
QUIET = replace(WAITING, status=Status.FAILED, retry_count=3, retry_at=NOW + 30, slow_attempts=1, timeouts_only=False)
QUIET_DIALING = replace(QUIET, phase=Phase.DIALING, retry_at=None)
NO_NETWORK = replace(QUEUED, cause=Code.NETWORK)
BANNED = replace(
    WAITING, status=Status.FAILED, retry_count=0, retry_at=NOW + 840, cause=Code.TEMPORARY_BAN, detail=(("code", 402),)
)
BAN_RESTS = replace(BANNED, phase=Phase.IDLE, auto_reconnect=False)
REPLACED = replace(QUEUED, phase=Phase.IDLE, status=Status.FAILED, cause=Code.REPLACED)
KEY_LOST = replace(QUEUED, phase=Phase.IDLE, status=Status.FAILED, cause=Code.KEY_LOST)
GONE = replace(REPLACED, cause=Code.UNLINKED, linked=False)
NOT_SCANNED = replace(ASKED, status=Status.TIMEOUT, cause=Code.NOT_SCANNED)
CLOSING = replace(OPEN, phase=Phase.CLOSING, intent=Intent.OFFLINE, status=Status.DISCONNECTED)
CLOSING_PAIRING = replace(CLOSING, linked=False)
WANTED_BACK = replace(CLOSING, intent=Intent.ONLINE, status=Status.CONNECTING, wants_pairing=True)
UNLINKING = replace(CLOSING, phase=Phase.UNLINKING, unlinking=2)
WRONG_NUMBER = replace(
    DIALING,
    phase=Phase.UNLINKING,
    wrong_number=True,
    cause=Code.WRONG_NUMBER,
    detail=(("scanned", OTHER_NUMBER), ("expected", NUMBER)),
)
INACTIVE = replace(QUEUED, phase=Phase.IDLE, status=Status.DISCONNECTED, active=False, cause=Code.INACTIVE)
GIVEN_UP = replace(INACTIVE, active=True, auto_reconnect=False, cause=Code.LINE_LOST)

EVERY_STATE = {
    name.lower(): state for name, state in list(globals().items()) if isinstance(state, State) and name != "ASKED"
}

CLOSED = End(EndKind.CLOSED, reason="closed_by_us")
LINE_LOST = End(EndKind.TRANSIENT, 428, "closed")
TIMED_OUT = End(EndKind.TRANSIENT, 408, "login_timeout")
OUTAGE = End(EndKind.TRANSIENT, None, "connect", network=True)
OUTAGE_SLOW = End(EndKind.TRANSIENT, 408, "connect_timeout", network=True)
SERVER_TROUBLE = End(EndKind.TRANSIENT, 503, "stream_error")
RESTART = End(EndKind.RESTART, 515, "stream_error")
REMOVED = End(EndKind.UNLINKED, 401, "stream_error")
LOCKED = End(EndKind.LOCKED, 403, "failure")
BANNED_FOR_GOOD = End(EndKind.BANNED, 406, "failure")
BANNED_FOR_A_WHILE = End(EndKind.TEMPORARY_BAN, 402, "failure", expires_in_s=840)
OUTDATED = End(EndKind.OUTDATED, 405, "failure")
CONFLICT = End(EndKind.REPLACED, 440, "stream_error")
UNKNOWN = End(EndKind.REFUSED, 418, "failure")
REFS_ENDED = End(EndKind.NOT_SCANNED, 408, "not_scanned")
PAIRING_FAILED = End(EndKind.PAIRING_FAILED, None, "pairing")

EVERY_END = {name.lower(): end for name, end in list(globals().items()) if isinstance(end, End)}

VISIBLE = ("phase", "status", "linked", "retry_count", "retry_at", "cause", "wish_done")  # what rows and sockets show
INTENTS = {Wish.PAUSE: Intent.PAUSED, Wish.DISCONNECT: Intent.OFFLINE, Wish.UNLINK: Intent.OFFLINE}


def step(state: State, event: Event, *, now: float = NOW, random: float = 0.5, policy: Policy | None = None) -> Step:
    return receive(state, event, now, random, policy or Policy())


def after(state: State, *events: Event) -> State:
    for event in events:
        state, _ = step(state, event)
    return state


def check(state: State, event: Event, changes: dict[str, object], effects: tuple[Effect, ...]) -> None:
    """After `event`, what is visible of `state` has these changes and no others, and these effects follow."""
    then, done = step(state, event)
    expected = {name: getattr(state, name) for name in VISIBLE} | {
        name: value for name, value in changes.items() if name in VISIBLE
    }
    assert {name: getattr(then, name) for name in VISIBLE} == expected
    assert {name: getattr(then, name) for name in changes} == changes
    assert done == effects


def wished(wish: Wish, number: int = 2) -> Wished:
    return Wished(wish, INTENTS.get(wish, Intent.ONLINE), number)


def configured(state: State, **changes: Any) -> Configured:
    return replace(Configured(state.active, state.auto_reconnect, state.max_retries, 0), **changes)


def stops(end: End, cause: Code) -> tuple[Event, dict[str, Any], tuple[Effect, ...]]:
    """An end after which nothing is tried again, and the keys stay: the last three columns of a table."""
    return Ended(end), {"phase": Phase.IDLE, "status": Status.FAILED, "cause": cause}, ()


def table(*rows):
    """Rows of (id, state, event, what changes, effects)."""
    return pytest.mark.parametrize(
        ("state", "event", "changes", "effects"), [pytest.param(*r[1:], id=r[0]) for r in rows]
    )
