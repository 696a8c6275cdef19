"""The lifecycle of one outlet's connection as a pure state machine: state, event, now -> state, effects.

Nothing here reads a clock, a database or a socket. The runner feeds events in the order in which they happened and
carries out the effects in the order in which they are given; it never starts a connection by itself.

    IDLE ── a person, a start ──> QUEUED ──admitted──> DIALING ──login──> OPEN ──> UNLINKING
                                   ^  │                   │                 │          │
                                   │  └──> PAIRING        │                 │ lost     │
                                   │          └───────────┤                 │          │
                                   └────── WAITING <──────┴─────────────────┴──────────┘
    any phase with a socket ── a person, a stop ──> CLOSING ──ended──> IDLE or QUEUED

What people want is in `lifecycle_wishes`, what both are made of in `lifecycle_steps`.
"""

from dataclasses import replace

from wa_sessions.backoff import slow_delay
from wa_sessions.causes import WAITS_FOR_PERSON, Code, cause_of, is_outage, is_timeout
from wa_sessions.lifecycle_steps import (
    SERVER_STARTED,
    come_back,
    is_banned,
    queue,
    queue_pairing,
    rest,
    say,
    wait_for_ban,
)
from wa_sessions.lifecycle_types import (
    CLAIMS_A_CONNECTION,
    HAS_SOCKET,
    Admitted,
    Configured,
    Effect,
    Ended,
    Event,
    KeyLost,
    Linked,
    LoggedIn,
    Phase,
    Policy,
    Restored,
    State,
    Step,
    Stopped,
    Wished,
    Woken,
)
from wa_sessions.lifecycle_wishes import configured, wished
from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import End, EndKind

RESTARTS_IN_A_ROW = 5  # a server that says 515 more often than this is in trouble, and 515 counts as a loss
CALM_AFTER_S = 60.0  # a 515 this long after the last one begins a new row; a login between them does not


def receive(state: State, event: Event, now: float, random: float, policy: Policy) -> Step:
    """What follows from `event`. `now` is seconds since 1970, `random` uniform in [0, 1)."""
    match event:
        case Wished():
            return wished(state, event, now)
        case Configured():
            return configured(state, event, now)
        case Restored():
            return _restored(state, now)
        case Admitted():
            return _admitted(state)
        case Woken():
            return _woken(state)
        case Linked():
            return replace(state, linked=True, cause="", detail=()), ()
        case LoggedIn():
            return _logged_in(state, event)
        case Ended():
            return _ended(state, event, now, random, policy)
        case KeyLost():
            return _key_lost(state)
        case Stopped():
            return _stopped(state, now)


# The server's start and stop.


def _restored(state: State, now: float) -> Step:
    """The row is what an earlier process left behind; nothing of it is true until a socket proves it."""
    state = replace(state, retry_count=min(state.retry_count, state.max_retries))  # set to fewer meanwhile
    if state.wants_socket and state.linked and state.cause not in WAITS_FOR_PERSON:
        return come_back(state, SERVER_STARTED, now)
    if not is_banned(state, now):
        state = replace(state, retry_at=None)
    if state.status in CLAIMS_A_CONNECTION:
        interrupted = state.status is Status.CONNECTING and not state.linked
        code = Code.PAIRING_INTERRUPTED if interrupted else state.cause
        detail = () if interrupted else state.detail
        return rest(state, Status.DISCONNECTED, code, detail, reason=SERVER_STARTED, retry_at=state.retry_at), ()
    return state, ()


def _stopped(state: State, now: float) -> Step:
    """Close, and say what is true. The intent stays as it is on disk, and the next start restores it."""
    effects: tuple[Effect, ...] = ()
    if state.phase in (Phase.QUEUED, Phase.WAITING):
        effects = (Effect.LEAVE_QUEUE,)
    elif state.phase in HAS_SOCKET - {Phase.CLOSING}:
        effects = (Effect.CLOSE,)
    if state.status in CLAIMS_A_CONNECTION:
        state = replace(say(state, Status.DISCONNECTED, Code.SERVER_STOPPED), cause=Code.SERVER_STOPPED, detail=())
    return replace(
        state,
        phase=Phase.CLOSING if state.phase in HAS_SOCKET else Phase.IDLE,
        intent=Intent.OFFLINE,  # here nothing may be dialled any more
        retry_at=state.retry_at if is_banned(state, now) else None,
        unlinking=0,  # and not done: the next start takes it up
        wrong_number=False,
        wants_pairing=False,
        wants_code=False,
    ), effects


# The connection.


def _admitted(state: State) -> Step:
    if state.phase is not Phase.QUEUED:
        return state, ()
    if state.linked:
        return replace(state, phase=Phase.DIALING), (Effect.DIAL,)
    effects = (Effect.PAIR, Effect.CODE) if state.wants_code else (Effect.PAIR,)
    return replace(state, phase=Phase.PAIRING, wants_pairing=False, wants_code=False), effects


def _woken(state: State) -> Step:
    if state.phase is not Phase.WAITING:
        return state, ()
    cause = "" if state.cause == Code.TEMPORARY_BAN else state.cause
    # CONNECTING already, but for who was put off and on by a person while a ban lasted.
    return queue(replace(state, cause=cause), Wish.CONNECT)


def _logged_in(state: State, event: LoggedIn) -> Step:
    if state.phase is not Phase.DIALING:
        return state, ()
    if event.number != event.expected:
        detail = (("scanned", event.number), ("expected", event.expected))
        state = replace(state, wrong_number=True, cause=Code.WRONG_NUMBER, detail=detail)
        return replace(state, phase=Phase.UNLINKING), (Effect.UNLINK,)
    if state.unlinking:
        return replace(state, phase=Phase.UNLINKING), (Effect.UNLINK,)
    status = Status.PAUSED if state.intent is Intent.PAUSED else Status.CONNECTED
    return (
        replace(
            say(state, status, "logged_in"),
            phase=Phase.OPEN,
            retry_count=0,
            retry_at=None,
            cause="",
            detail=(),
            slow_attempts=0,
            timeouts_only=True,
            wrong_number=False,
            wants_pairing=False,
            wants_code=False,
        ),
        (),
    )


def _key_lost(state: State) -> Step:
    """The keys stay on disk, for the day when the right secret is back; a person who connects or unlinks ends that."""
    if state.wants_pairing and state.wants_socket:
        return queue_pairing(state, Effect.WIPE)
    if state.unlinking:
        return rest(state, Status.FAILED, Code.KEY_LOST, linked=False), (Effect.WIPE,)
    return rest(state, Status.FAILED, Code.KEY_LOST), ()


def _ended(state: State, event: Ended, now: float, random: float, policy: Policy) -> Step:
    end = event.end
    if end.keys_worthless or (state.phase is Phase.UNLINKING and end.kind is EndKind.CLOSED):
        return _gone(state, end)
    wish_has_changed = state.phase is Phase.UNLINKING and not _is_removing(state)
    if state.phase is Phase.CLOSING or end.kind is EndKind.CLOSED or wish_has_changed:
        return _closed(state)
    restarts = state.restarts if now < state.calm_at else 0
    if end.kind is EndKind.RESTART and restarts < RESTARTS_IN_A_ROW and state.linked:
        state = replace(state, restarts=restarts + 1, calm_at=now + CALM_AFTER_S)
        return queue(state, Code.RESTART, first=True)
    if state.phase is Phase.PAIRING and not state.linked:
        return _pairing_ended(state, end)
    if end.kind in (EndKind.TRANSIENT, EndKind.RESTART):
        return _lost(state, event, now, random, policy)
    return _refused(state, end, now)


def _gone(state: State, end: End) -> Step:
    """WhatsApp does not know this device any more: by our own doing, or by somebody else's."""
    if state.wants_pairing and state.wants_socket:
        return queue_pairing(state, Effect.WIPE)
    if state.unlinking or (state.phase is Phase.UNLINKING and not state.wrong_number):
        return rest(state, Status.DISCONNECTED, "", linked=False, reason=Wish.UNLINK), (Effect.WIPE,)
    if state.wrong_number:
        status = Status.FAILED if state.wants_socket else Status.DISCONNECTED
        return rest(state, status, Code.WRONG_NUMBER, state.detail, linked=False), (Effect.WIPE,)
    code, detail = cause_of(end)
    return rest(state, Status.FAILED, code, detail, linked=False), (Effect.WIPE,)


def _closed(state: State) -> Step:
    """We closed it. If a person has asked for something else meanwhile, go on with that."""
    if state.unlinking and state.linked:
        return queue(state, Wish.UNLINK, first=True)
    if state.unlinking:
        return rest(state, Status.DISCONNECTED, "", reason=Wish.UNLINK), (Effect.WIPE,)
    # What we close says DISCONNECTED: it says CONNECTING where somebody wants it back.
    if state.wants_socket and state.status is Status.CONNECTING:
        if state.linked:
            return queue(replace(state, wrong_number=False, wants_pairing=False), Wish.CONNECT, first=True)
        if state.wants_pairing:
            return queue_pairing(state)
    status = Status.DISCONNECTED if state.status in CLAIMS_A_CONNECTION else state.status
    if state.wrong_number and state.phase is Phase.UNLINKING:
        return rest(state, status, Code.UNLINK_FAILED), ()
    return rest(state, status, state.cause, state.detail, reason=state.reason, retry_at=state.retry_at), ()


def _pairing_ended(state: State, end: End) -> Step:
    """A QR is never opened again by itself, whatever ended the last one."""
    code, detail = cause_of(end)
    if end.kind is EndKind.NOT_SCANNED:
        return rest(state, Status.TIMEOUT, code), ()
    if end.kind in (EndKind.TRANSIENT, EndKind.RESTART):
        code = Code.UNREACHABLE if is_outage(end) else Code.PAIRING_INTERRUPTED
        return rest(state, Status.TIMEOUT if is_timeout(end) else Status.FAILED, code), ()
    return rest(state, Status.FAILED, code, detail), ()


def _lost(state: State, event: Ended, now: float, random: float, policy: Policy) -> Step:
    """The line broke. What was to be done with it, is tried again: until it works, or as often as is wanted."""
    keeps_trying = (state.auto_reconnect and state.wants_socket) or _is_removing(state)
    code, pairs = cause_of(event.end, network_works=event.network_works)
    if not keeps_trying:
        return rest(state, Status.DISCONNECTED, code, pairs), ()
    used_up = state.retry_count >= state.max_retries or state.retries_used_up
    timeouts_only = state.timeouts_only and is_timeout(event.end)
    if state.phase is Phase.OPEN:
        # The loss of an open connection is what the attempts answer to, not one of them.
        timeouts_only = not used_up
    if not state.wrong_number:
        state = replace(state, cause=code, detail=tuple(pairs.items()))
    if is_outage(event.end) and not event.network_works:
        # Nobody gets through: nothing was learned about this outlet, so nothing is counted.
        return queue(state, code)
    state = replace(state, timeouts_only=timeouts_only)
    if not used_up:
        retry_at = now + policy.retry_delay_s
        state = state if state.unlinking else say(state, Status.CONNECTING, code)
        return replace(state, phase=Phase.WAITING, retry_count=state.retry_count + 1, retry_at=retry_at), (Effect.WAKE,)
    if _is_removing(state):
        return rest(state, Status.FAILED, Code.UNLINK_FAILED), ()
    if not state.retries_used_up:
        state = say(state, Status.TIMEOUT if timeouts_only else Status.FAILED, code)
    if not policy.slow_retry:
        return rest(state, state.status, code, pairs), ()
    retry_at = now + slow_delay(state.slow_attempts, random)
    return replace(state, phase=Phase.WAITING, slow_attempts=state.slow_attempts + 1, retry_at=retry_at), (Effect.WAKE,)


def _refused(state: State, end: End, now: float) -> Step:
    """The server says no and means it: nothing is dialled until a person asks, or a ban is over."""
    code, detail = cause_of(end)
    state = rest(state, Status.FAILED, code, detail)
    if end.kind is not EndKind.TEMPORARY_BAN or not end.expires_in_s:
        return state, ()
    return wait_for_ban(replace(state, retry_at=now + end.expires_in_s))


def _is_removing(state: State) -> bool:
    """Whether the device is to be removed at the server: wished, or because its number is wrong and may not stay."""
    return bool(state.unlinking) or (state.wrong_number and state.wants_socket)
