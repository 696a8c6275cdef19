"""How connections end, as tables: what people see after it, and whether it is tried again."""

from dataclasses import replace

import pytest

from tests.wa_sessions import lifecycle_states as the
from tests.wa_sessions.lifecycle_states import NOW, after, check, step, stops, table
from wa_sessions.causes import Code
from wa_sessions.lifecycle import RESTARTS_IN_A_ROW
from wa_sessions.lifecycle_types import Admitted, Effect, Ended, Phase, Policy, Woken
from wa_sessions.states import Status
from whatsapp.ends import End, EndKind

IDLE, QUEUED, WAITING = Phase.IDLE, Phase.QUEUED, Phase.WAITING
CONNECTING, DISCONNECTED, FAILED, TIMEOUT = Status.CONNECTING, Status.DISCONNECTED, Status.FAILED, Status.TIMEOUT
QUEUE, QUEUE_FIRST, WIPE, WAKE = Effect.QUEUE, Effect.QUEUE_FIRST, Effect.WIPE, Effect.WAKE
AGAIN = {"phase": WAITING, "status": CONNECTING, "retry_at": NOW + 3}


def wipes(end: End, cause: Code) -> tuple[object, ...]:
    return Ended(end), {"phase": IDLE, "status": FAILED, "cause": cause, "linked": False}, (WIPE,)


@table(
    ("401 while open", the.OPEN, *wipes(the.REMOVED, Code.UNLINKED)),
    ("401 at login", the.DIALING, *wipes(the.REMOVED, Code.UNLINKED)),
    ("403", the.OPEN, *wipes(the.LOCKED, Code.LOCKED)),
    ("403 at login", the.DIALING, *wipes(the.LOCKED, Code.LOCKED)),
    ("406", the.DIALING, *wipes(the.BANNED_FOR_GOOD, Code.BANNED)),
    ("401 while paused", the.PAUSED, *wipes(the.REMOVED, Code.UNLINKED)),
    ("405", the.DIALING, *stops(the.OUTDATED, Code.OUTDATED)),
    ("440", the.OPEN, *stops(the.CONFLICT, Code.REPLACED)),
    ("440 at login", the.DIALING, *stops(the.CONFLICT, Code.REPLACED)),
    ("unknown", the.DIALING, *stops(the.UNKNOWN, Code.REFUSED)),
    (
        "402",
        the.DIALING,
        Ended(the.BANNED_FOR_A_WHILE),
        {"phase": WAITING, "status": FAILED, "cause": Code.TEMPORARY_BAN, "retry_at": NOW + 840},
        (WAKE,),
    ),
    (
        "402 without auto-reconnect",
        replace(the.DIALING, auto_reconnect=False),
        Ended(the.BANNED_FOR_A_WHILE),
        {"phase": IDLE, "status": FAILED, "cause": Code.TEMPORARY_BAN, "retry_at": NOW + 840},
        (),
    ),
    (
        "402 without an end",
        the.DIALING,
        Ended(End(EndKind.TEMPORARY_BAN, 402)),
        {"phase": IDLE, "status": FAILED, "cause": Code.TEMPORARY_BAN},
        (),
    ),
    ("515 while open", the.OPEN, Ended(the.RESTART), {"phase": QUEUED, "status": CONNECTING}, (QUEUE_FIRST,)),
    ("515 at login", the.DIALING, Ended(the.RESTART), {"phase": QUEUED}, (QUEUE_FIRST,)),
    (
        "515 without auto-reconnect",
        replace(the.OPEN, auto_reconnect=False),
        Ended(the.RESTART),
        {"phase": QUEUED, "status": CONNECTING},
        (QUEUE_FIRST,),
    ),
    ("515 on a quiet try", the.QUIET_DIALING, Ended(the.RESTART), {"phase": QUEUED}, (QUEUE_FIRST,)),
    (
        "515 before the phone accepted",
        the.PAIRING,
        Ended(the.RESTART),
        {"phase": IDLE, "status": FAILED, "cause": Code.PAIRING_INTERRUPTED},
        (),
    ),
)
def test_it_knows_each_way_to_end(state, event, changes, effects):
    check(state, event, changes, effects)


@table(
    ("line lost", the.OPEN, Ended(the.LINE_LOST), AGAIN | {"retry_count": 1, "cause": Code.LINE_LOST}, (WAKE,)),
    ("paused", the.PAUSED, Ended(the.LINE_LOST), AGAIN | {"retry_count": 1, "cause": Code.LINE_LOST}, (WAKE,)),
    ("no answer", the.OPEN, Ended(the.TIMED_OUT), AGAIN | {"retry_count": 1, "cause": Code.TIMED_OUT}, (WAKE,)),
    ("503", the.OPEN, Ended(the.SERVER_TROUBLE), AGAIN | {"retry_count": 1, "cause": Code.SERVER_ERROR}, (WAKE,)),
    (
        "second try",
        replace(the.DIALING, retry_count=1),
        Ended(the.LINE_LOST),
        AGAIN | {"retry_count": 2, "cause": Code.LINE_LOST},
        (WAKE,),
    ),
    (
        "accepted, then lost",
        the.ACCEPTED,
        Ended(the.LINE_LOST),
        AGAIN | {"retry_count": 1, "cause": Code.LINE_LOST},
        (WAKE,),
    ),
    (
        "only this outlet fails",
        the.DIALING,
        Ended(the.OUTAGE, network_works=True),
        AGAIN | {"retry_count": 1, "cause": Code.LINE_LOST},
        (WAKE,),
    ),
    (
        "no auto-reconnect",
        replace(the.OPEN, auto_reconnect=False),
        Ended(the.LINE_LOST),
        {"phase": IDLE, "status": DISCONNECTED, "cause": Code.LINE_LOST},
        (),
    ),
    (
        "too many 515",
        replace(the.DIALING, restarts=RESTARTS_IN_A_ROW),
        Ended(the.RESTART),
        AGAIN | {"retry_count": 1, "cause": Code.RESTART},
        (WAKE,),
    ),
)
def test_it_retries_what_may_pass(state, event, changes, effects):
    check(state, event, changes, effects)


@table(
    ("first dial", the.DIALING, Ended(the.OUTAGE), {"phase": QUEUED, "cause": Code.NETWORK}, (QUEUE,)),
    ("slowly", the.DIALING, Ended(the.OUTAGE_SLOW), {"phase": QUEUED, "cause": Code.NETWORK}, (QUEUE,)),
    ("at the last try", the.LAST_TRY, Ended(the.OUTAGE), {"phase": QUEUED, "cause": Code.NETWORK}, (QUEUE,)),
    ("on a quiet try", the.QUIET_DIALING, Ended(the.OUTAGE), {"phase": QUEUED, "cause": Code.NETWORK}, (QUEUE,)),
    ("after acceptance", the.ACCEPTED, Ended(the.OUTAGE), {"phase": QUEUED, "cause": Code.NETWORK}, (QUEUE,)),
)
def test_it_does_not_count_an_outage(state, event, changes, effects):
    check(state, event, changes, effects)


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        pytest.param([the.TIMED_OUT] * 4, TIMEOUT, id="all time-outs"),
        pytest.param([the.LINE_LOST, *[the.TIMED_OUT] * 3], TIMEOUT, id="lost, then every attempt timed out"),
        pytest.param([the.TIMED_OUT, the.TIMED_OUT, the.LINE_LOST, the.TIMED_OUT], FAILED, id="one of another cause"),
        pytest.param([the.LINE_LOST] * 4, FAILED, id="none timed out"),
    ],
)
def test_it_tells_people_after_three_retries(ends, status):
    state, said = the.OPEN, []
    for end in ends:
        state = after(state, Ended(end))
        said.append((state.status, state.retry_count))
        last = state
        state = after(state, Woken(), Admitted())
    assert said == [(CONNECTING, 1), (CONNECTING, 2), (CONNECTING, 3), (status, 3)]
    assert last.phase is WAITING  # and goes on quietly


@pytest.mark.parametrize("end", [the.LINE_LOST, the.TIMED_OUT], ids=["lost", "timed out"])
def test_it_fails_at_once_without_retries(end):
    assert after(replace(the.OPEN, max_retries=0), Ended(end)).status is FAILED


@pytest.mark.parametrize(
    ("attempt", "longest"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 300), (5, 300), (1000, 300)]
)
def test_it_retries_quietly_with_full_jitter(attempt, longest):
    def delay(random: float) -> float:
        state, effects = step(replace(the.QUIET_DIALING, slow_attempts=attempt), Ended(the.LINE_LOST), random=random)
        assert (state.phase, state.status, state.retry_count, effects) == (WAITING, FAILED, 3, (WAKE,))
        assert state.retry_at is not None
        return state.retry_at - NOW

    assert delay(0.5) == longest / 2
    assert delay(0.999999) == pytest.approx(longest, abs=0.01)
    assert delay(0.0) == 3


def test_it_can_be_told_not_to_retry_quietly():
    then, effects = step(the.LAST_TRY, Ended(the.LINE_LOST), policy=Policy(slow_retry=False))
    assert (then.phase, then.status, then.cause, effects) == (IDLE, FAILED, Code.LINE_LOST, ())


def test_it_waits_as_long_as_the_policy_says():
    then, _ = step(the.OPEN, Ended(the.LINE_LOST), policy=Policy(retry_delay_s=7))
    assert then.retry_at == NOW + 7
