"""The lifecycle of one outlet's connection as a pure state machine: state, event, now -> state, effects.

Nothing here reads a clock, a database or a socket. The runner feeds events in the order in which they happened and
carries out the effects in the order in which they are given; it never starts a connection by itself.

    IDLE ──Dial──> QUEUED ──admitted──> DIALING ──login──> OPEN
                     ^  │                  │                 │
                     │  └── PAIRING <── (a person asked)     │ lost
                     └──────── WAITING <──────┴──────────────┘
    any phase with a socket ──Close──> CLOSING ──ended──> IDLE or QUEUED
"""

from dataclasses import replace
from typing import Any

from wa_sessions.backoff import slow_delay
from wa_sessions.causes import COMES_BACK, WAITS_FOR_PERSON, Code, cause_of, is_outage, is_timeout
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
from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import End, EndKind

RESTARTS_IN_A_ROW = 5  # a server that says 515 more often than this is in trouble, and 515 counts as a loss


def receive(state: State, event: Event, now: float, random: float, policy: Policy) -> Step:
    """What follows from `event`. `now` is seconds since 1970, `random` uniform in [0, 1)."""
    match event:
        case Wished():
            return _wished(state, event, now)
        case Configured():
            return _configured(state, event)
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
            return _rest(state, Status.FAILED, Code.KEY_LOST, linked=False), ()
        case Stopped():
            return _stopped(state)


# What people want. A wish always wins: it is acted on in every phase.


def _wished(state: State, event: Wished, now: float) -> Step:
    state = replace(state, intent=event.intent)
    done = replace(state, wish_done=event.number)
    match event.wish:
        case Wish.UNLINK:
            return _wish_unlink(state, event.number)
        case Wish.DISCONNECT:
            return _let_go(replace(done, unlinking=0), Status.DISCONNECTED, Wish.DISCONNECT)
        case Wish.PAUSE if state.phase is Phase.OPEN and not _is_leaving(state):
            return _say(done, Status.PAUSED, Wish.PAUSE), ()
        case Wish.PAUSE:
            return _reach(done, event.wish, now)
        case Wish.RESUME | Wish.CONNECT | Wish.CONNECT_BY_CODE:
            return _reach(replace(done, unlinking=0) if state.phase is not Phase.OPEN else done, event.wish, now)
    return done, ()


def _reach(state: State, wish: Wish, now: float) -> Step:
    """A person wants the outlet online: connect now, whatever was waited for."""
    if not state.active:
        return state, ()
    may_pair = wish in (Wish.CONNECT, Wish.CONNECT_BY_CODE)
    code = (Effect.CODE,) if wish is Wish.CONNECT_BY_CODE else ()
    match state.phase:
        case Phase.OPEN if not _is_leaving(state):
            target = Status.PAUSED if state.intent is Intent.PAUSED else Status.CONNECTED
            return _say(state, target, wish), ()
        case Phase.PAIRING:
            return state, code
        case Phase.OPEN | Phase.CLOSING:
            # The socket that is on its way out ends first; then the wish is carried out.
            return replace(_say(state, Status.CONNECTING, wish), wants_pairing=may_pair), code
        case Phase.DIALING:
            return replace(state, retry_count=0, slow_attempts=0, timeouts_only=True), ()
    if _is_banned_until(state, now):
        return state, ()
    if not state.linked and not may_pair:
        return state, ()
    state = replace(
        _say(state, Status.CONNECTING, wish),
        phase=Phase.QUEUED,
        retry_count=0,
        slow_attempts=0,
        timeouts_only=True,
        retry_at=None,
        cause="",
        detail=(),
        wants_pairing=not state.linked,
    )
    return state, (Effect.QUEUE_FIRST, *(code if not state.linked else ()))


def _wish_unlink(state: State, number: int) -> Step:
    """Remove the linked device: at the server first, so that the phone's list and our disk agree."""
    if not state.linked:
        state = replace(state, wish_done=number)
        state, effects = _let_go(state, Status.DISCONNECTED, Wish.UNLINK)
        return state, (*effects, Effect.WIPE)
    state = replace(state, unlinking=number, wants_pairing=False, retry_count=0, timeouts_only=True)
    match state.phase:
        case Phase.OPEN:
            return _say(state, Status.DISCONNECTED, Wish.UNLINK), (Effect.UNLINK,)
        case Phase.DIALING | Phase.CLOSING | Phase.PAIRING | Phase.QUEUED:
            return state, ()
    return replace(state, phase=Phase.QUEUED, retry_at=None), (Effect.QUEUE_FIRST,)


def _let_go(state: State, status: Status, reason: str) -> Step:
    """Hold no socket and plan none."""
    state = replace(
        _say(state, status, reason), retry_count=0, retry_at=None, cause="", detail=(), wants_pairing=False, restarts=0
    )
    if state.phase in HAS_SOCKET:
        effects = () if state.phase is Phase.CLOSING else (Effect.CLOSE,)
        return replace(state, phase=Phase.CLOSING), effects
    return replace(state, phase=Phase.IDLE), (Effect.LEAVE_QUEUE,) if state.phase is not Phase.IDLE else ()


def _configured(state: State, event: Configured) -> Step:
    was_active = state.active
    state = replace(
        state,
        active=event.active,
        auto_reconnect=event.auto_reconnect,
        max_retries=event.max_retries,
        wish_done=max(state.wish_done, event.number),
    )
    if was_active and not state.active:
        state, effects = _let_go(state, Status.DISCONNECTED, Code.INACTIVE)
        return replace(state, cause=Code.INACTIVE), effects
    if not was_active and state.active and state.cause == Code.INACTIVE:
        state = replace(state, cause="")
        return _queue(state, Code.INACTIVE) if state.linked and state.intent is not Intent.OFFLINE else (state, ())
    if not state.auto_reconnect and not state.unlinking and _is_trying_by_itself(state):
        status = state.status if state.retries_used_up else Status.DISCONNECTED
        return _rest(state, status, state.cause, state.detail), (Effect.LEAVE_QUEUE,)
    may_come_back = state.phase is Phase.IDLE and state.linked and state.cause in COMES_BACK
    if state.auto_reconnect and state.wants_socket and may_come_back:
        # Switched on again: take up what was given up only because it was off.
        return _queue(replace(state, retry_count=0), state.cause)
    return state, ()


# The server's start and stop.


def _restored(state: State, now: float) -> Step:
    """The row is what an earlier process left behind; nothing of it is true until a socket proves it."""
    if state.wants_socket and state.linked and state.cause not in WAITS_FOR_PERSON:
        if _is_banned_until(state, now):
            return replace(state, phase=Phase.WAITING), (Effect.WAKE,)
        return _queue(replace(state, retry_count=0, cause="", detail=()), "server_started")
    if state.status in CLAIMS_A_CONNECTION:
        interrupted = state.status is Status.CONNECTING and not state.linked
        return _rest(state, Status.DISCONNECTED, Code.PAIRING_INTERRUPTED if interrupted else state.cause), ()
    return state, ()


def _stopped(state: State) -> Step:
    effects: tuple[Effect, ...] = (
        (Effect.CLOSE,) if state.phase in HAS_SOCKET - {Phase.CLOSING} else (Effect.LEAVE_QUEUE,)
    )
    if state.status in (Status.CONNECTED, Status.PAUSED, Status.CONNECTING):
        state = replace(_say(state, Status.DISCONNECTED, Code.SERVER_STOPPED), cause=Code.SERVER_STOPPED, detail=())
    phase = Phase.CLOSING if state.phase in HAS_SOCKET else Phase.IDLE
    # The intent stays as it is on disk: the next start restores it. Here nothing may be dialled any more.
    return replace(state, phase=phase, intent=Intent.OFFLINE, wants_pairing=False, unlinking=0), effects


# The connection.


def _admitted(state: State) -> Step:
    if state.phase is not Phase.QUEUED:
        return state, ()
    if state.wants_pairing and not state.linked:
        return replace(state, phase=Phase.PAIRING, wants_pairing=False), (Effect.PAIR,)
    return replace(state, phase=Phase.DIALING, wants_pairing=False), (Effect.DIAL,)


def _woken(state: State) -> Step:
    if state.phase is not Phase.WAITING:
        return state, ()
    cause = "" if state.cause == Code.TEMPORARY_BAN else state.cause
    return replace(state, phase=Phase.QUEUED, retry_at=None, cause=cause), (Effect.QUEUE,)


def _logged_in(state: State, event: LoggedIn) -> Step:
    if state.phase is not Phase.DIALING:
        return state, ()
    if event.number != event.expected:
        detail = (("scanned", event.number), ("expected", event.expected))
        state = replace(state, phase=Phase.OPEN, wrong_number=True, cause=Code.WRONG_NUMBER, detail=detail)
        return state, (Effect.UNLINK,)
    if state.unlinking:
        return replace(state, phase=Phase.OPEN), (Effect.UNLINK,)
    status = Status.PAUSED if state.intent is Intent.PAUSED else Status.CONNECTED
    return (
        replace(
            _say(state, status, "logged_in"),
            phase=Phase.OPEN,
            retry_count=0,
            retry_at=None,
            cause="",
            detail=(),
            slow_attempts=0,
            timeouts_only=True,
            restarts=0,
        ),
        (),
    )


def _ended(state: State, event: Ended, now: float, random: float, policy: Policy) -> Step:
    end = event.end
    if state.wrong_number:
        # Whatever ended it: this device must not stay. If the server was not told, the next login is refused again.
        state = replace(state, wrong_number=False)
        if end.kind is EndKind.CLOSED or end.keys_worthless:
            if state.wants_pairing:
                return _queue_pairing(replace(state, linked=False), (Effect.WIPE,))
            return _rest(state, Status.FAILED, Code.WRONG_NUMBER, state.detail, linked=False), (Effect.WIPE,)
    if state.unlinking and (end.kind is EndKind.CLOSED or end.keys_worthless):
        state = replace(state, wish_done=state.unlinking, unlinking=0)
        if state.wants_pairing:
            return _queue_pairing(replace(state, linked=False), (Effect.WIPE,))
        return _rest(state, Status.DISCONNECTED, "", linked=False, reason=Wish.UNLINK), (Effect.WIPE,)
    if end.keys_worthless:
        code, detail = cause_of(end)
        return _rest(state, Status.FAILED, code, detail, linked=False), (Effect.WIPE,)
    if state.phase is Phase.CLOSING or end.kind is EndKind.CLOSED:
        return _closed(state)
    if end.kind is EndKind.RESTART and state.restarts < RESTARTS_IN_A_ROW:
        if not state.linked:
            return _rest(state, Status.DISCONNECTED, Code.PAIRING_INTERRUPTED), ()
        return _queue(replace(state, restarts=state.restarts + 1), Code.RESTART, first=True)
    if state.phase is Phase.PAIRING and not state.linked:
        return _pairing_ended(state, end)
    if end.kind in (EndKind.TRANSIENT, EndKind.RESTART):
        return _lost(state, event, now, random, policy)
    return _refused(state, end, now)


def _closed(state: State) -> Step:
    """We closed it. If a person has asked for it again meanwhile, go on with that."""
    if state.wants_socket and state.wants_pairing and not state.linked:
        return _queue_pairing(state, ())
    if state.wants_socket and state.linked and (state.wants_pairing or state.status is Status.CONNECTING):
        return _queue(state, Wish.CONNECT, first=True)
    status = (
        Status.DISCONNECTED if state.status in (Status.CONNECTED, Status.CONNECTING, Status.PAUSED) else state.status
    )
    return _rest(state, status, state.cause, dict(state.detail), reason=state.reason), ()


def _pairing_ended(state: State, end: End) -> Step:
    """A QR is never opened again by itself, whatever ended the last one."""
    code, detail = cause_of(end)
    if end.kind is EndKind.NOT_SCANNED:
        return _rest(state, Status.TIMEOUT, code), ()
    if end.kind is EndKind.TRANSIENT:
        return _rest(state, Status.TIMEOUT if is_timeout(end) else Status.FAILED, Code.PAIRING_INTERRUPTED), ()
    return _rest(state, Status.FAILED, code, detail), ()


def _lost(state: State, event: Ended, now: float, random: float, policy: Policy) -> Step:
    code, pairs = cause_of(event.end)
    detail = tuple(pairs.items())
    if state.unlinking and state.retry_count >= state.max_retries:
        state = replace(state, wish_done=state.unlinking, unlinking=0)
        return _rest(state, Status.FAILED, Code.UNLINK_FAILED), ()
    keeps_trying = (state.auto_reconnect and state.wants_socket) or bool(state.unlinking)
    if not keeps_trying:
        return _rest(state, Status.DISCONNECTED, code, pairs), ()
    if is_outage(event.end) and not event.network_works:
        # Nobody gets through: nothing was learned about this outlet, so nothing is counted.
        state = state if state.retries_used_up else _say(state, Status.CONNECTING, code)
        return replace(state, phase=Phase.QUEUED, retry_at=None, cause=code, detail=detail), (Effect.QUEUE,)
    # The loss of an open connection is what the attempts answer to, not one of them.
    timeouts_only = state.phase is Phase.OPEN or (state.timeouts_only and is_timeout(event.end))
    if state.retry_count < state.max_retries and not state.retries_used_up:
        state = replace(
            _say(state, Status.CONNECTING, code),
            phase=Phase.WAITING,
            retry_count=state.retry_count + 1,
            retry_at=now + policy.retry_delay_s,
            cause=code,
            detail=detail,
            timeouts_only=timeouts_only,
        )
        return state, (Effect.WAKE,)
    if not state.retries_used_up:
        state = _say(state, Status.TIMEOUT if timeouts_only else Status.FAILED, code)
    if not policy.slow_retry:
        return _rest(state, state.status, code, pairs), ()
    state = replace(
        state,
        phase=Phase.WAITING,
        retry_at=now + slow_delay(state.slow_attempts, random),
        slow_attempts=state.slow_attempts + 1,
        cause=code,
        detail=detail,
        timeouts_only=timeouts_only,
    )
    return state, (Effect.WAKE,)


def _refused(state: State, end: End, now: float) -> Step:
    """The server says no and means it: nothing is dialled until a person asks, or a ban is over."""
    code, detail = cause_of(end)
    state = replace(state, wish_done=max(state.wish_done, state.unlinking), unlinking=0)
    state = _rest(state, Status.FAILED, code, detail)
    if end.kind is not EndKind.TEMPORARY_BAN or not end.expires_in_s:
        return state, ()
    state = replace(state, retry_at=now + end.expires_in_s)
    if state.auto_reconnect and state.wants_socket:
        return replace(state, phase=Phase.WAITING), (Effect.WAKE,)
    return state, ()


# Small steps that the above is made of.


def _say(state: State, status: Status, reason: str) -> State:
    """Change the status and remember why; the same status again changes nothing."""
    return state if state.status is status else replace(state, status=status, reason=reason)


def _rest(
    state: State,
    status: Status,
    code: str,
    detail: dict[str, Any] | tuple[tuple[str, Any], ...] = (),
    *,
    linked: bool | None = None,
    reason: str | None = None,
) -> State:
    return replace(
        _say(state, status, code if reason is None else reason),
        phase=Phase.IDLE,
        cause=code,
        detail=tuple(dict(detail).items()),
        retry_at=None,
        linked=state.linked if linked is None else linked,
        wants_pairing=False,
        restarts=0,
    )


def _queue(state: State, reason: str, *, first: bool = False) -> Step:
    state = replace(_say(state, Status.CONNECTING, reason), phase=Phase.QUEUED, retry_at=None, wants_pairing=False)
    return state, (Effect.QUEUE_FIRST if first else Effect.QUEUE,)


def _queue_pairing(state: State, effects: tuple[Effect, ...]) -> Step:
    state = replace(
        _say(state, Status.CONNECTING, Wish.CONNECT),
        phase=Phase.QUEUED,
        wants_pairing=True,
        retry_count=0,
        cause="",
        detail=(),
    )
    return state, (*effects, Effect.QUEUE_FIRST)


def _is_trying_by_itself(state: State) -> bool:
    return state.phase is Phase.WAITING or (state.phase is Phase.QUEUED and state.cause in COMES_BACK)


def _is_leaving(state: State) -> bool:
    return bool(state.unlinking) or state.wrong_number


def _is_banned_until(state: State, now: float) -> bool:
    return state.cause == Code.TEMPORARY_BAN and state.retry_at is not None and state.retry_at > now
