"""What people want, as tables: when they say this in this state, they see this, and that is done."""

from dataclasses import replace

import pytest

from tests.wa_sessions import lifecycle_states as the
from tests.wa_sessions.lifecycle_states import EVERY_STATE, NOW, after, check, step, table, wished
from wa_sessions.causes import Code
from wa_sessions.lifecycle_types import HAS_SOCKET, Configured, Effect, Ended, KeyLost, Linked, Phase, Restored, Woken
from wa_sessions.states import Intent, Status, Wish

IDLE, QUEUED, DIALING = Phase.IDLE, Phase.QUEUED, Phase.DIALING
UNLINKING, WAITING, CLOSING = Phase.UNLINKING, Phase.WAITING, Phase.CLOSING
CONNECTED, CONNECTING, DISCONNECTED = Status.CONNECTED, Status.CONNECTING, Status.DISCONNECTED
PAUSED, FAILED = Status.PAUSED, Status.FAILED
QUEUE, QUEUE_FIRST, LEAVE_QUEUE = Effect.QUEUE, Effect.QUEUE_FIRST, Effect.LEAVE_QUEUE
CLOSE, UNLINK, WIPE, WAKE, CODE = Effect.CLOSE, Effect.UNLINK, Effect.WIPE, Effect.WAKE, Effect.CODE


# Wishes.

DONE = {"wish_done": 2}
FRESH = {"phase": QUEUED, "status": CONNECTING, "retry_count": 0, "retry_at": None, "cause": "", "wish_done": 2}


@table(
    ("never linked", the.NEVER, wished(Wish.CONNECT), FRESH | {"wants_pairing": True}, (QUEUE_FIRST,)),
    ("linked", the.IDLE, wished(Wish.CONNECT), FRESH | {"wants_pairing": False}, (QUEUE_FIRST,)),
    ("linked, by code", the.IDLE, wished(Wish.CONNECT_BY_CODE), FRESH, (QUEUE_FIRST,)),
    ("by code", the.NEVER, wished(Wish.CONNECT_BY_CODE), FRESH | {"wants_code": True}, (QUEUE_FIRST,)),
    ("not scanned before", the.NOT_SCANNED, wished(Wish.CONNECT), FRESH | {"wants_pairing": True}, (QUEUE_FIRST,)),
    ("unlinked before", the.GONE, wished(Wish.CONNECT), FRESH | {"wants_pairing": True}, (QUEUE_FIRST,)),
    ("replaced before", the.REPLACED, wished(Wish.CONNECT), FRESH, (QUEUE_FIRST,)),
    ("waits for a retry", the.WAITING, wished(Wish.CONNECT), FRESH, (QUEUE_FIRST,)),
    ("waits for a quiet retry", the.QUIET, wished(Wish.CONNECT), FRESH, (QUEUE_FIRST,)),
    ("waits for the network", the.NO_NETWORK, wished(Wish.CONNECT), FRESH, (QUEUE_FIRST,)),
    ("pairing is queued", the.PAIRING_QUEUED, wished(Wish.CONNECT), FRESH | {"wants_pairing": True}, (QUEUE_FIRST,)),
    (
        "keys cannot be read",
        the.KEY_LOST,
        wished(Wish.CONNECT),
        FRESH | {"linked": False, "wants_pairing": True},
        (WIPE, QUEUE_FIRST),
    ),
    ("gave up without auto-reconnect", the.GIVEN_UP, wished(Wish.CONNECT), FRESH, (QUEUE_FIRST,)),
    ("dials already", replace(the.DIALING, retry_count=2), wished(Wish.CONNECT), DONE | {"retry_count": 0}, ()),
    (
        "dials quietly",
        the.QUIET_DIALING,
        wished(Wish.CONNECT),
        DONE | {"status": CONNECTING, "retry_count": 0, "cause": ""},
        (),
    ),
    ("shows a QR already", the.PAIRING, wished(Wish.CONNECT), DONE, ()),
    ("shows a QR, wants a code", the.PAIRING, wished(Wish.CONNECT_BY_CODE), DONE, (CODE,)),
    ("accepted already", the.ACCEPTED, wished(Wish.CONNECT_BY_CODE), DONE, ()),
    ("connected already", the.OPEN, wished(Wish.CONNECT), DONE, ()),
    ("paused", the.PAUSED, wished(Wish.CONNECT), DONE | {"status": CONNECTED}, ()),
    ("closing", the.CLOSING, wished(Wish.CONNECT), DONE | {"status": CONNECTING}, ()),
    (
        "closing a QR",
        the.CLOSING_PAIRING,
        wished(Wish.CONNECT),
        DONE | {"status": CONNECTING, "wants_pairing": True},
        (),
    ),
    ("being unlinked", the.UNLINKING, wished(Wish.CONNECT, 3), {"wish_done": 3, "status": CONNECTING}, ()),
    ("banned for a while", the.BANNED, wished(Wish.CONNECT), DONE, (WAKE,)),
    (
        "ban known, not waited for",
        replace(the.BANNED, phase=IDLE),
        wished(Wish.CONNECT),
        DONE | {"phase": WAITING},
        (WAKE,),
    ),
    ("inactive", the.INACTIVE, wished(Wish.CONNECT), DONE, ()),
)
def test_it_connects_when_a_person_says_so(state, event, changes, effects):
    check(state, event, changes, effects)


@table(
    ("then it ends", the.WANTED_BACK, Ended(the.CLOSED), {"phase": QUEUED, "cause": ""}, (QUEUE_FIRST,)),
    ("or is lost", the.WANTED_BACK, Ended(the.LINE_LOST), {"phase": QUEUED, "cause": ""}, (QUEUE_FIRST,)),
    (
        "or was never linked",
        replace(the.WANTED_BACK, linked=False),
        Ended(the.CLOSED),
        {"phase": QUEUED, "wants_pairing": True},
        (QUEUE_FIRST,),
    ),
    (
        "or was accepted while it closed",
        after(replace(the.WANTED_BACK, linked=False), Linked()),
        Ended(the.CLOSED),
        {"phase": QUEUED, "wants_pairing": False},
        (QUEUE_FIRST,),
    ),
    (
        "or was removed on the phone",
        the.WANTED_BACK,
        Ended(the.REMOVED),
        {"phase": QUEUED, "linked": False, "wants_pairing": True},
        (WIPE, QUEUE_FIRST),
    ),
    (
        "or its keys cannot be read",
        the.WANTED_BACK,
        KeyLost(),
        {"phase": QUEUED, "linked": False, "wants_pairing": True},
        (WIPE, QUEUE_FIRST),
    ),
    (
        "for a pause",
        after(the.CLOSING, wished(Wish.PAUSE)),
        Ended(the.CLOSED),
        {"phase": QUEUED, "status": CONNECTING},
        (QUEUE_FIRST,),
    ),
    ("nobody wants it back", the.CLOSING, Ended(the.CLOSED), {"phase": IDLE}, ()),
    ("nor when it is lost", the.CLOSING, Ended(the.LINE_LOST), {"phase": IDLE}, ()),
    ("nor the QR", the.CLOSING_PAIRING, Ended(the.CLOSED), {"phase": IDLE}, ()),
)
def test_it_carries_out_a_wish_when_the_old_socket_is_gone(state, event, changes, effects):
    check(state, event, changes, effects)


@table(
    ("open", the.OPEN, wished(Wish.PAUSE), DONE | {"status": PAUSED}, ()),
    ("paused already", the.PAUSED, wished(Wish.PAUSE), DONE, ()),
    ("dialing", the.DIALING, wished(Wish.PAUSE), DONE | {"intent": Intent.PAUSED}, ()),
    ("waiting", the.WAITING, wished(Wish.PAUSE), FRESH | {"intent": Intent.PAUSED}, (QUEUE_FIRST,)),
    ("never linked", the.NEVER, wished(Wish.PAUSE), DONE, ()),
    ("resumed", the.PAUSED, wished(Wish.RESUME), DONE | {"status": CONNECTED}, ()),
    ("resumed though not paused", the.OPEN, wished(Wish.RESUME), DONE, ()),
    ("resumed while dialing", replace(the.DIALING, intent=Intent.PAUSED), wished(Wish.RESUME), DONE, ()),
    ("resumed, never linked", the.NEVER, wished(Wish.RESUME), DONE, ()),
)
def test_it_pauses_and_resumes(state, event, changes, effects):
    check(state, event, changes, effects)


@pytest.mark.parametrize("name", EVERY_STATE)
def test_it_disconnects_from_everywhere_and_keeps_the_keys(name):
    state = EVERY_STATE[name]
    then, effects = step(state, wished(Wish.DISCONNECT, 9))
    assert (then.status, then.wish_done, then.linked) == (DISCONNECTED, 9, state.linked)
    assert WIPE not in effects
    if state.phase in HAS_SOCKET:
        was_ending = state.phase in (CLOSING, UNLINKING)
        assert effects == (() if was_ending else (CLOSE,))
        then, effects = step(then, Ended(the.LINE_LOST))
    assert then.phase is IDLE
    assert then.status is DISCONNECTED
    assert then.linked == state.linked
    assert not {QUEUE, QUEUE_FIRST, WAKE, WIPE} & set(effects)


UNLINKED = {"phase": IDLE, "status": DISCONNECTED, "linked": False, "wish_done": 2, "cause": ""}


@table(
    ("open", the.OPEN, wished(Wish.UNLINK), {"phase": UNLINKING, "status": DISCONNECTED}, (UNLINK,)),
    ("paused", the.PAUSED, wished(Wish.UNLINK), {"phase": UNLINKING, "status": DISCONNECTED}, (UNLINK,)),
    ("at rest", the.IDLE, wished(Wish.UNLINK), {"phase": QUEUED}, (QUEUE_FIRST,)),
    (
        "waiting",
        the.WAITING,
        wished(Wish.UNLINK),
        {"phase": QUEUED, "status": DISCONNECTED, "retry_count": 0, "retry_at": None, "cause": ""},
        (QUEUE_FIRST,),
    ),
    ("dialing", the.DIALING, wished(Wish.UNLINK), {"status": DISCONNECTED}, ()),
    ("accepted, 515 to come", the.ACCEPTED, wished(Wish.UNLINK), {"status": DISCONNECTED}, ()),
    ("closing", the.CLOSING, wished(Wish.UNLINK), {}, ()),
    ("a QR on show", the.PAIRING, wished(Wish.UNLINK), {"phase": CLOSING, "status": DISCONNECTED}, (CLOSE,)),
    ("never linked", the.NEVER, wished(Wish.UNLINK), UNLINKED, (WIPE,)),
    ("pairing queued", the.PAIRING_QUEUED, wished(Wish.UNLINK), UNLINKED, (LEAVE_QUEUE, WIPE)),
    (
        "keys cannot be read",
        replace(the.DIALING, unlinking=2),
        KeyLost(),
        {"phase": IDLE, "status": FAILED, "linked": False, "cause": Code.KEY_LOST, "wish_done": 2},
        (WIPE,),
    ),
    ("removed", the.UNLINKING, Ended(the.CLOSED), UNLINKED, (WIPE,)),
    ("removed, 401", the.UNLINKING, Ended(the.REMOVED), UNLINKED, (WIPE,)),
    ("was removed before", replace(the.DIALING, unlinking=2), Ended(the.REMOVED), UNLINKED, (WIPE,)),
    (
        "not removed: again",
        the.UNLINKING,
        Ended(the.TIMED_OUT),
        {"phase": WAITING, "retry_at": NOW + 3, "retry_count": 1, "cause": Code.TIMED_OUT},
        (WAKE,),
    ),
    (
        "outage: waits",
        replace(the.UNLINKING, phase=DIALING, retry_count=3),
        Ended(the.OUTAGE),
        {"phase": QUEUED, "cause": Code.NETWORK},
        (QUEUE,),
    ),
    (
        "not to be removed: keys kept, said so",
        replace(the.UNLINKING, retry_count=3),
        Ended(the.TIMED_OUT),
        {"phase": IDLE, "status": FAILED, "cause": Code.UNLINK_FAILED, "wish_done": 2},
        (),
    ),
    ("515 in the middle", the.UNLINKING, Ended(the.RESTART), {"phase": QUEUED}, (QUEUE_FIRST,)),
    (
        "refused in the middle",
        the.UNLINKING,
        Ended(the.CONFLICT),
        {"phase": IDLE, "status": FAILED, "cause": Code.REPLACED, "wish_done": 2},
        (),
    ),
    (
        "after the close: not done yet",
        replace(the.CLOSING, unlinking=2),
        Ended(the.CLOSED),
        {"phase": QUEUED},
        (QUEUE_FIRST,),
    ),
    (
        "after the QR: nothing to remove",
        replace(the.CLOSING_PAIRING, unlinking=2),
        Ended(the.CLOSED),
        UNLINKED,
        (WIPE,),
    ),
    (
        "after the QR: accepted meanwhile",
        replace(the.CLOSING, unlinking=2),
        Ended(the.RESTART),
        {"phase": QUEUED},
        (QUEUE_FIRST,),
    ),
)
def test_it_unlinks_at_the_server_first(state, event, changes, effects):
    check(state, event, changes, effects)


CONNECT_DURING = after(the.UNLINKING, wished(Wish.CONNECT, 3))


@table(
    (
        "connect, removed",
        CONNECT_DURING,
        Ended(the.CLOSED),
        {"phase": QUEUED, "linked": False, "wants_pairing": True},
        (WIPE, QUEUE_FIRST),
    ),
    ("connect, not removed", CONNECT_DURING, Ended(the.TIMED_OUT), {"phase": QUEUED}, (QUEUE_FIRST,)),
    (
        "connect without auto-reconnect, not removed",
        replace(CONNECT_DURING, auto_reconnect=False),
        Ended(the.TIMED_OUT),
        {"phase": QUEUED},
        (QUEUE_FIRST,),
    ),
    (
        "disconnect, removed",
        after(the.UNLINKING, wished(Wish.DISCONNECT, 3)),
        Ended(the.CLOSED),
        UNLINKED | {"wish_done": 3},
        (WIPE,),
    ),
    (
        "disconnect, not removed",
        after(the.UNLINKING, wished(Wish.DISCONNECT, 3)),
        Ended(the.TIMED_OUT),
        {"phase": IDLE},
        (),
    ),
    (
        "disconnect on the way there",
        replace(the.DIALING, intent=Intent.OFFLINE, unlinking=2),
        wished(Wish.DISCONNECT, 3),
        {"phase": CLOSING, "status": DISCONNECTED, "wish_done": 3, "unlinking": 0},
        (CLOSE,),
    ),
    (
        "connect on the way there",
        replace(the.DIALING, status=DISCONNECTED, unlinking=2),
        wished(Wish.CONNECT, 3),
        {"status": CONNECTING, "wish_done": 3, "unlinking": 0},
        (),
    ),
)
def test_it_obeys_the_last_wish_during_an_unlink(state, event, changes, effects):
    check(state, event, changes, effects)


# Out of use.


@pytest.mark.parametrize("wish", [Wish.CONNECT, Wish.PAUSE, Wish.RESUME])
def test_a_wish_instead_of_unlinking_brings_nothing_online_that_is_out_of_use(wish):
    """The removal may finish out of use; with another wish there is nothing left to finish."""
    state, _ = step(the.REPLACED, wished(Wish.UNLINK, 2))
    assert state.phase is QUEUED
    state, _ = step(state, Configured(False, True, 3, 0))
    assert state.phase is QUEUED
    state, effects = step(state, wished(wish, 3))
    assert (state.phase, state.status, state.wish_done, effects) == (IDLE, DISCONNECTED, 3, (LEAVE_QUEUE,))


# A ban for a while.


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([wished(Wish.DISCONNECT, 2), wished(Wish.CONNECT, 3)], id="off and on"),
        pytest.param([wished(Wish.PAUSE, 2)], id="pause"),
        pytest.param([Configured(False, True, 3, 0), Configured(True, True, 3, 0)], id="out of use and back"),
        pytest.param([Configured(True, False, 3, 0), Configured(True, True, 3, 0)], id="auto-reconnect off and on"),
        pytest.param(
            [Configured(True, False, 3, 0), wished(Wish.CONNECT, 2), Configured(True, True, 3, 0)], id="asked"
        ),
        pytest.param([Restored()], id="server restarted"),
    ],
)
def test_it_sits_out_a_ban_whatever_people_do(events):
    state = the.BANNED
    told: list[Effect] = []
    for event in events:
        state, effects = step(state, event)
        told += effects
    assert (state.phase, state.retry_at, state.cause) == (WAITING, NOW + 840, Code.TEMPORARY_BAN)
    assert not {QUEUE, QUEUE_FIRST} & set(told)
    later, effects = step(state, Woken(), now=NOW + 840)
    assert (later.phase, effects) == (QUEUED, (QUEUE,))
    # Who put it off and on meanwhile sees it connect; after the ban itself it is tried quietly.
    assert later.status is (FAILED if state.status is FAILED else CONNECTING)


def test_it_connects_after_a_ban_when_asked():
    then, effects = step(the.BAN_RESTS, wished(Wish.CONNECT), now=NOW + 841)
    assert (then.phase, then.status, effects) == (QUEUED, CONNECTING, (QUEUE_FIRST,))
