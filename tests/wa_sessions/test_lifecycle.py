"""The lifecycle as tables: when this happens in this state, people see this, and that is done."""

from dataclasses import fields, replace

import pytest

from tests.wa_sessions import lifecycle_states as the
from tests.wa_sessions.lifecycle_states import (
    EVERY_END,
    EVERY_STATE,
    NOW,
    NUMBER,
    NUMBERS,
    OTHER_NUMBER,
    VISIBLE,
    after,
    check,
    step,
    stops,
    table,
    wished,
)
from wa_sessions.causes import Code
from wa_sessions.lifecycle_types import (
    HAS_SOCKET,
    Admitted,
    Configured,
    Effect,
    Ended,
    KeyLost,
    Linked,
    LoggedIn,
    Phase,
    Restored,
    State,
    Stopped,
    Woken,
)
from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import EndKind

IDLE, QUEUED, DIALING, PAIRING = Phase.IDLE, Phase.QUEUED, Phase.DIALING, Phase.PAIRING
OPEN, UNLINKING, WAITING = Phase.OPEN, Phase.UNLINKING, Phase.WAITING
CONNECTED, CONNECTING, DISCONNECTED = Status.CONNECTED, Status.CONNECTING, Status.DISCONNECTED
PAUSED, FAILED, TIMEOUT = Status.PAUSED, Status.FAILED, Status.TIMEOUT
QUEUE, QUEUE_FIRST, LEAVE_QUEUE = Effect.QUEUE, Effect.QUEUE_FIRST, Effect.LEAVE_QUEUE
DIAL, PAIR, CODE, CLOSE = Effect.DIAL, Effect.PAIR, Effect.CODE, Effect.CLOSE
UNLINK, WIPE, WAKE = Effect.UNLINK, Effect.WIPE, Effect.WAKE
AGAIN = {"phase": WAITING, "status": CONNECTING, "retry_at": NOW + 3}


# Connecting.


@table(
    ("its turn", the.QUEUED, Admitted(), {"phase": DIALING}, (DIAL,)),
    ("its turn to pair", the.PAIRING_QUEUED, Admitted(), {"phase": PAIRING}, (PAIR,)),
    ("with a code", replace(the.PAIRING_QUEUED, wants_code=True), Admitted(), {"phase": PAIRING}, (PAIR, CODE)),
    ("the phone accepts", the.PAIRING, Linked(), {"linked": True}, ()),
    ("515 after it", the.ACCEPTED, Ended(the.RESTART), {"phase": QUEUED}, (QUEUE_FIRST,)),
    ("login", the.DIALING, LoggedIn(NUMBER, NUMBER), {"phase": OPEN, "status": CONNECTED}, ()),
    (
        "login while paused",
        replace(the.DIALING, intent=Intent.PAUSED),
        LoggedIn(NUMBER, NUMBER),
        {"phase": OPEN, "status": PAUSED},
        (),
    ),
    (
        "login resets the count",
        replace(the.LAST_TRY, cause=Code.LINE_LOST),
        LoggedIn(NUMBER, NUMBER),
        {"phase": OPEN, "status": CONNECTED, "retry_count": 0, "cause": ""},
        (),
    ),
    (
        "quiet success",
        the.QUIET_DIALING,
        LoggedIn(NUMBER, NUMBER),
        {"phase": OPEN, "status": CONNECTED, "retry_count": 0, "cause": ""},
        (),
    ),
    (
        "wrong number",
        the.DIALING,
        LoggedIn(OTHER_NUMBER, NUMBER),
        {"phase": UNLINKING, "cause": Code.WRONG_NUMBER, "detail": NUMBERS},
        (UNLINK,),
    ),
    ("login to unlink", replace(the.DIALING, unlinking=2), LoggedIn(NUMBER, NUMBER), {"phase": UNLINKING}, (UNLINK,)),
    ("login too late", the.CLOSING, LoggedIn(NUMBER, NUMBER), {}, ()),
    ("accepted too late", the.CLOSING_PAIRING, Linked(), {"linked": True}, ()),
)
def test_it_connects(state, event, changes, effects):
    check(state, event, changes, effects)


@pytest.mark.parametrize("name", [name for name, state in EVERY_STATE.items() if state.phase is not QUEUED])
def test_it_dials_only_from_the_queue(name):
    assert step(EVERY_STATE[name], Admitted()) == (EVERY_STATE[name], ())


@pytest.mark.parametrize("name", [name for name, state in EVERY_STATE.items() if state.phase is not WAITING])
def test_it_wakes_only_when_it_waits(name):
    assert step(EVERY_STATE[name], Woken()) == (EVERY_STATE[name], ())


@table(
    ("a retry", the.WAITING, Woken(), {"phase": QUEUED, "retry_at": None}, (QUEUE,)),
    ("a quiet retry", the.QUIET, Woken(), {"phase": QUEUED, "retry_at": None}, (QUEUE,)),
    ("a ban is over", the.BANNED, Woken(), {"phase": QUEUED, "retry_at": None, "cause": ""}, (QUEUE,)),
)
def test_it_goes_on_when_its_time_has_come(state, event, changes, effects):
    check(state, event, changes, effects)


# Pairing.


@table(
    (
        "never scanned",
        the.PAIRING,
        Ended(the.REFS_ENDED),
        {"phase": IDLE, "status": TIMEOUT, "cause": Code.NOT_SCANNED},
        (),
    ),
    (
        "line lost",
        the.PAIRING,
        Ended(the.LINE_LOST),
        {"phase": IDLE, "status": FAILED, "cause": Code.PAIRING_INTERRUPTED},
        (),
    ),
    (
        "timed out",
        the.PAIRING,
        Ended(the.TIMED_OUT),
        {"phase": IDLE, "status": TIMEOUT, "cause": Code.PAIRING_INTERRUPTED},
        (),
    ),
    ("no network", the.PAIRING, Ended(the.OUTAGE), {"phase": IDLE, "status": FAILED, "cause": Code.UNREACHABLE}, ()),
    ("did not verify", the.PAIRING, *stops(the.PAIRING_FAILED, Code.PAIRING_FAILED)),
    ("refused", the.PAIRING, *stops(the.UNKNOWN, Code.REFUSED)),
    ("outdated", the.PAIRING, *stops(the.OUTDATED, Code.OUTDATED)),
)
def test_it_never_opens_the_next_qr_by_itself(state, event, changes, effects):
    check(state, event, changes, effects)


@pytest.mark.parametrize(
    "state",
    [state for state in EVERY_STATE.values() if not state.linked and state.phase is IDLE],
    ids=[name for name, state in EVERY_STATE.items() if not state.linked and state.phase is IDLE],
)
@pytest.mark.parametrize(
    "event",
    [Restored(), Woken(), Admitted(), Stopped(), wished(Wish.RESUME), wished(Wish.PAUSE), Configured(True, True, 5, 0)],
    ids=lambda event: f"{type(event).__name__} {getattr(event, 'wish', '')}".strip(),
)
def test_it_pairs_for_nothing_but_a_person(state, event):
    then, effects = step(state, event)
    assert not {DIAL, PAIR, QUEUE, QUEUE_FIRST, WAKE} & set(effects)
    assert then.phase is IDLE


@table(
    (
        "removed",
        the.WRONG_NUMBER,
        Ended(the.CLOSED),
        {"phase": IDLE, "status": FAILED, "linked": False, "detail": NUMBERS},
        (WIPE,),
    ),
    (
        "removed, 401",
        the.WRONG_NUMBER,
        Ended(the.REMOVED),
        {"phase": IDLE, "status": FAILED, "linked": False, "detail": NUMBERS},
        (WIPE,),
    ),
    (
        "not removed: again, and still known",
        the.WRONG_NUMBER,
        Ended(the.TIMED_OUT),
        AGAIN | {"retry_count": 1, "detail": NUMBERS},
        (WAKE,),
    ),
    (
        "whatever auto-reconnect says",
        replace(the.WRONG_NUMBER, auto_reconnect=False),
        Ended(the.TIMED_OUT),
        AGAIN | {"retry_count": 1},
        (WAKE,),
    ),
    (
        "not to be removed: said so",
        replace(the.WRONG_NUMBER, retry_count=3),
        Ended(the.TIMED_OUT),
        {"phase": IDLE, "status": FAILED, "cause": Code.UNLINK_FAILED},
        (),
    ),
    (
        "a person connects: QR after it",
        the.WRONG_NUMBER,
        wished(Wish.CONNECT),
        {"wish_done": 2, "wants_pairing": True},
        (),
    ),
    (
        "and there it is",
        replace(the.WRONG_NUMBER, wants_pairing=True),
        Ended(the.CLOSED),
        {"phase": QUEUED, "linked": False, "cause": "", "wants_pairing": True},
        (WIPE, QUEUE_FIRST),
    ),
    (
        "a person disconnects: it goes all the same",
        the.WRONG_NUMBER,
        wished(Wish.DISCONNECT),
        {"wish_done": 2, "status": DISCONNECTED},
        (),
    ),
    (
        "and is said",
        after(the.WRONG_NUMBER, wished(Wish.DISCONNECT)),
        Ended(the.CLOSED),
        {"phase": IDLE, "linked": False, "detail": NUMBERS},
        (WIPE,),
    ),
    (
        "after a crash in the middle of it",
        replace(the.WRONG_NUMBER, phase=IDLE, wrong_number=False),
        Restored(),
        {"phase": QUEUED, "cause": ""},
        (QUEUE,),
    ),
)
def test_it_unlinks_a_wrong_number(state, event, changes, effects):
    check(state, event, changes, effects)


# The server.

RESTORED = {"phase": QUEUED, "status": CONNECTING, "retry_count": 0, "retry_at": None, "cause": ""}


def left_behind(state: State) -> State:
    """What a new process reads where an old one was killed in `state`: the columns of the row."""
    columns = (*VISIBLE, "intent", "active", "auto_reconnect", "max_retries", "detail")
    row = {field.name: getattr(state, field.name) for field in fields(State) if field.name in columns}
    return State(**row | {"phase": IDLE})


@table(
    ("was connected", left_behind(the.OPEN), Restored(), RESTORED, (QUEUE,)),
    ("was paused", left_behind(the.PAUSED), Restored(), RESTORED, (QUEUE,)),
    ("was dialing", left_behind(the.DIALING), Restored(), RESTORED, (QUEUE,)),
    ("was waiting", left_behind(the.WAITING), Restored(), RESTORED, (QUEUE,)),
    ("was trying quietly", left_behind(the.QUIET), Restored(), RESTORED, (QUEUE,)),
    ("had no network", left_behind(the.NO_NETWORK), Restored(), RESTORED, (QUEUE,)),
    ("was accepted", left_behind(the.ACCEPTED), Restored(), RESTORED, (QUEUE,)),
    (
        "was stopped",
        replace(left_behind(the.OPEN), status=DISCONNECTED, cause=Code.SERVER_STOPPED),
        Restored(),
        RESTORED,
        (QUEUE,),
    ),
    ("could not read its keys: perhaps now", left_behind(the.KEY_LOST), Restored(), RESTORED, (QUEUE,)),
    (
        "was outdated: perhaps not now",
        replace(left_behind(the.REPLACED), cause=Code.OUTDATED),
        Restored(),
        RESTORED,
        (QUEUE,),
    ),
    ("is banned for a while", left_behind(the.BANNED), Restored(), {"phase": WAITING}, (WAKE,)),
    ("the ban is over", replace(left_behind(the.BANNED), retry_at=NOW - 1), Restored(), RESTORED, (QUEUE,)),
    ("was replaced", left_behind(the.REPLACED), Restored(), {}, ()),
    ("was unlinked", left_behind(the.GONE), Restored(), {}, ()),
    ("was not scanned", left_behind(the.NOT_SCANNED), Restored(), {}, ()),
    (
        "had tried more often than it now may",
        replace(left_behind(the.GONE), retry_count=3, max_retries=1),
        Restored(),
        {"retry_count": 1},
        (),
    ),
    (
        "was pairing",
        left_behind(the.PAIRING),
        Restored(),
        {"status": DISCONNECTED, "cause": Code.PAIRING_INTERRUPTED},
        (),
    ),
    ("is off", left_behind(the.IDLE), Restored(), {}, ()),
    ("was being closed", left_behind(the.CLOSING), Restored(), {}, ()),
    (
        "off, but the row claims",
        replace(left_behind(the.OPEN), intent=Intent.OFFLINE),
        Restored(),
        {"status": DISCONNECTED},
        (),
    ),
    (
        "inactive, but the row claims",
        replace(left_behind(the.OPEN), active=False),
        Restored(),
        {"status": DISCONNECTED},
        (),
    ),
)
def test_it_takes_up_what_an_earlier_server_left(state, event, changes, effects):
    check(state, event, changes, effects)


def test_it_unlinks_after_a_crash_in_the_middle_of_it():
    state = after(left_behind(the.UNLINKING), Restored())
    assert state.wish_done < the.UNLINKING.unlinking  # so the wish is heard again
    assert after(state, wished(Wish.UNLINK), Admitted(), LoggedIn(NUMBER, NUMBER)).phase is UNLINKING


@pytest.mark.parametrize("name", EVERY_STATE)
def test_it_stops_everywhere_and_says_what_is_true(name):
    state = EVERY_STATE[name]
    then, effects = step(state, Stopped())
    assert then.status not in (CONNECTED, PAUSED, CONNECTING)
    assert then.wish_done == state.wish_done  # an unlink that was not finished is taken up by the next start
    match state.phase:
        case Phase.IDLE | Phase.CLOSING:
            assert effects == ()
        case Phase.QUEUED | Phase.WAITING:
            assert effects == (LEAVE_QUEUE,)
        case _:
            assert effects == (CLOSE,)
    if state.phase in HAS_SOCKET:
        then, effects = step(then, Ended(the.CLOSED))
    assert then.phase is IDLE
    assert then.linked == state.linked
    assert then.status not in (CONNECTED, PAUSED, CONNECTING)
    assert not {WIPE, QUEUE, QUEUE_FIRST, WAKE} & set(effects)


@table(
    ("dialing", the.DIALING, KeyLost(), {"phase": IDLE, "status": FAILED, "cause": Code.KEY_LOST}, ()),
    ("closing", the.CLOSING, KeyLost(), {"phase": IDLE, "status": FAILED, "cause": Code.KEY_LOST}, ()),
)
def test_it_says_when_keys_cannot_be_read(state, event, changes, effects):
    check(state, event, changes, effects)


# Whatever the state.


@pytest.mark.parametrize("end", EVERY_END.values(), ids=EVERY_END)
@pytest.mark.parametrize("name", [name for name, state in EVERY_STATE.items() if state.phase in HAS_SOCKET])
def test_it_wipes_keys_only_where_the_table_says(name, end):
    state = EVERY_STATE[name]
    then, effects = step(state, Ended(end))
    was_unlinked_by_us = state.phase is UNLINKING and end.kind is EndKind.CLOSED
    assert (WIPE in effects) == (end.keys_worthless or was_unlinked_by_us)
    assert then.phase in (IDLE, QUEUED, WAITING)  # no socket is left
    assert (then.phase is WAITING) == (WAKE in effects)
    assert (then.phase is QUEUED) == bool({QUEUE, QUEUE_FIRST} & set(effects))
