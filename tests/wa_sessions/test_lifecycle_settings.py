"""What people set, as tables: when they set this in this state, they see this, and that is done."""

from dataclasses import replace

from tests.wa_sessions import lifecycle_states as the
from tests.wa_sessions.lifecycle_states import after, check, configured, table
from wa_sessions.causes import Code
from wa_sessions.lifecycle_types import Configured, Effect, Phase, State
from wa_sessions.states import Intent, Status

IDLE, QUEUED, CLOSING = Phase.IDLE, Phase.QUEUED, Phase.CLOSING
CONNECTING, DISCONNECTED = Status.CONNECTING, Status.DISCONNECTED
QUEUE, LEAVE_QUEUE, CLOSE = Effect.QUEUE, Effect.LEAVE_QUEUE, Effect.CLOSE


def set_to(state: State, **changes: object) -> tuple[State, Configured]:
    return state, configured(state, **changes)


NOT_IN_USE = {"phase": IDLE, "status": DISCONNECTED, "retry_count": 0, "retry_at": None, "cause": Code.INACTIVE}


@table(
    ("off while open", *set_to(the.OPEN, auto_reconnect=False), {}, ()),
    ("off while dialing", *set_to(the.DIALING, auto_reconnect=False), {}, ()),
    (
        "off while waiting",
        *set_to(the.WAITING, auto_reconnect=False),
        {"phase": IDLE, "status": DISCONNECTED, "retry_at": None},
        (LEAVE_QUEUE,),
    ),
    (
        "off while trying quietly",
        *set_to(the.QUIET, auto_reconnect=False),
        {"phase": IDLE, "retry_at": None},
        (LEAVE_QUEUE,),
    ),
    (
        "off without network",
        *set_to(the.NO_NETWORK, auto_reconnect=False),
        {"phase": IDLE, "status": DISCONNECTED},
        (LEAVE_QUEUE,),
    ),
    ("off while a person waits", *set_to(the.PAIRING_QUEUED, auto_reconnect=False), {}, ()),
    (
        "off while unlinking waits",
        *set_to(replace(the.WAITING, intent=Intent.OFFLINE, unlinking=2), auto_reconnect=False),
        {},
        (),
    ),
    (
        "on after giving up",
        *set_to(the.GIVEN_UP, auto_reconnect=True),
        {"phase": QUEUED, "status": CONNECTING, "cause": ""},
        (QUEUE,),
    ),
    (
        "on for what waits for a person",
        *set_to(replace(the.REPLACED, auto_reconnect=False), auto_reconnect=True),
        {},
        (),
    ),
    ("on while off is wanted", *set_to(replace(the.GIVEN_UP, intent=Intent.OFFLINE), auto_reconnect=True), {}, ()),
    ("fewer retries", *set_to(replace(the.WAITING, retry_count=3), max_retries=1), {"retry_count": 1}, ()),
    ("a wish for settings only", *set_to(the.OPEN, number=7), {"wish_done": 7}, ()),
    ("an old wish", *set_to(the.OPEN, number=0), {}, ()),
    ("out of use while open", *set_to(the.OPEN, active=False), NOT_IN_USE | {"phase": CLOSING}, (CLOSE,)),
    ("out of use while pairing", *set_to(the.PAIRING, active=False), NOT_IN_USE | {"phase": CLOSING}, (CLOSE,)),
    ("out of use while waiting", *set_to(the.WAITING, active=False), NOT_IN_USE, (LEAVE_QUEUE,)),
    ("out of use at rest", *set_to(the.IDLE, active=False), {"cause": Code.INACTIVE}, ()),
    (
        "out of use while unlinking",
        *set_to(replace(the.QUEUED, unlinking=2, status=DISCONNECTED), active=False),
        {},
        (),
    ),
    ("back in use", *set_to(the.INACTIVE, active=True), {"phase": QUEUED, "status": CONNECTING, "cause": ""}, (QUEUE,)),
    (
        "back in use, put out of it while nobody looked",
        *set_to(replace(the.INACTIVE, cause=Code.SERVER_STOPPED), active=True),
        {"phase": QUEUED, "status": CONNECTING, "cause": ""},
        (QUEUE,),
    ),
    ("back in use, not linked", *set_to(replace(the.INACTIVE, linked=False), active=True), {"cause": ""}, ()),
    (
        "back in use, off is wanted",
        *set_to(replace(the.INACTIVE, intent=Intent.OFFLINE), active=True),
        {"cause": ""},
        (),
    ),
    (
        "back in use before it was closed",
        *set_to(replace(the.CLOSING, intent=Intent.ONLINE, active=False, cause=Code.INACTIVE), active=True),
        {"status": CONNECTING, "cause": ""},
        (),
    ),
)
def test_it_takes_new_settings(state, event, changes, effects):
    check(state, event, changes, effects)


def test_it_does_not_fight_for_a_connection_after_being_put_out_of_use_and_back():
    state = after(the.REPLACED, configured(the.REPLACED, active=False), configured(the.REPLACED))
    assert (state.phase, state.cause) == (IDLE, Code.REPLACED)
