"""The part of the lifecycle that obeys people. A wish always wins: it is acted on in every phase."""

from dataclasses import replace

from wa_sessions.causes import COMES_BACK, WAITS_FOR_PERSON, Code
from wa_sessions.lifecycle_steps import (
    come_back,
    is_banned,
    let_go,
    queue_pairing,
    rest,
    say,
    try_afresh,
    wait_for_ban,
)
from wa_sessions.lifecycle_types import Configured, Effect, Phase, State, Step, Wished
from wa_sessions.states import Intent, Status, Wish


def wished(state: State, event: Wished, now: float) -> Step:
    state = replace(state, intent=event.intent)
    if event.wish is Wish.UNLINK:
        return _unlink(state, event.number, now)
    was_unlinking = bool(state.unlinking)
    state = replace(state, wish_done=max(state.wish_done, event.number), unlinking=0)
    if event.wish is Wish.DISCONNECT:
        return let_go(state, Wish.DISCONNECT, now)
    if state.active:
        return _reach(state, event.wish, now)
    # Out of use, only the removal was still dialled for.
    return _deactivated(state, now) if was_unlinking else (state, ())


def _reach(state: State, wish: Wish, now: float) -> Step:
    """A person wants the outlet online: connect now, whatever was waited for."""
    may_pair = wish in (Wish.CONNECT, Wish.CONNECT_BY_CODE)
    if may_pair:
        state = replace(state, wants_code=wish is Wish.CONNECT_BY_CODE)
    match state.phase:
        case Phase.OPEN:
            return say(state, Status.PAUSED if state.intent is Intent.PAUSED else Status.CONNECTED, wish), ()
        case Phase.PAIRING:
            asks_code = state.wants_code and not state.linked
            return say(replace(state, wants_code=False), Status.CONNECTING, wish), (Effect.CODE,) if asks_code else ()
        case Phase.DIALING:
            return _with_hope(say(try_afresh(state), Status.CONNECTING, wish), may_pair), ()
        case Phase.CLOSING | Phase.UNLINKING if state.linked or may_pair:
            # The socket that is on its way out ends first; then the wish is carried out.
            wants_pairing = state.wants_pairing or may_pair
            return replace(say(state, Status.CONNECTING, wish), wants_pairing=wants_pairing), ()
    if is_banned(state, now):
        return wait_for_ban(state)
    if not state.linked and not may_pair:
        return state, ()
    if state.cause == Code.KEY_LOST and may_pair:
        return queue_pairing(state, Effect.WIPE)
    if not state.linked:
        return queue_pairing(state)
    state = _with_hope(say(try_afresh(state), Status.CONNECTING, wish), may_pair)
    return replace(state, phase=Phase.QUEUED, retry_at=None), (Effect.QUEUE_FIRST,)


def _with_hope(state: State, may_pair: bool) -> State:
    """Forget why it did not work before. A device with a wrong number goes first, though, and then the QR comes."""
    if state.wrong_number:
        return replace(state, wants_pairing=state.wants_pairing or may_pair)
    return replace(state, cause="", detail=())


def _unlink(state: State, number: int, now: float) -> Step:
    """Remove the linked device: at the server first, so that the phone's list and our disk agree."""
    state = replace(
        try_afresh(say(state, Status.DISCONNECTED, Wish.UNLINK)),
        unlinking=number,
        wants_pairing=False,
        wants_code=False,
    )
    match state.phase:
        case Phase.OPEN:
            return replace(state, phase=Phase.UNLINKING), (Effect.UNLINK,)
        case Phase.PAIRING if not state.linked:
            # The phone may be accepting right now: only the end will tell whether there is something to remove.
            return replace(state, phase=Phase.CLOSING), (Effect.CLOSE,)
        case Phase.PAIRING | Phase.DIALING | Phase.UNLINKING | Phase.CLOSING:
            return state, ()
    if not state.linked:
        leave = (Effect.LEAVE_QUEUE,) if state.phase is not Phase.IDLE else ()
        return rest(state, Status.DISCONNECTED, "", reason=Wish.UNLINK), (*leave, Effect.WIPE)
    if not is_banned(state, now):
        state = replace(state, retry_at=None, cause="", detail=())
    return replace(state, phase=Phase.QUEUED), (Effect.QUEUE_FIRST,)


def configured(state: State, event: Configured, now: float) -> Step:
    before = state
    state = replace(
        state,
        active=event.active,
        auto_reconnect=event.auto_reconnect,
        max_retries=event.max_retries,
        retry_count=min(state.retry_count, event.max_retries),
        wish_done=max(state.wish_done, event.number),
    )
    if before.active and not state.active:
        return _deactivated(state, now)
    if state.active and not before.active:
        return _activated(state, now)
    if not state.auto_reconnect and _is_trying_by_itself(state):
        status = state.status if state.retries_used_up else Status.DISCONNECTED
        ban_ends = state.retry_at if is_banned(state, now) else None
        return rest(state, status, state.cause, state.detail, retry_at=ban_ends), (Effect.LEAVE_QUEUE,)
    was_given_up = state.phase is Phase.IDLE and state.cause in COMES_BACK | {Code.TEMPORARY_BAN}
    if state.auto_reconnect and not before.auto_reconnect and was_given_up and state.linked and state.wants_socket:
        return come_back(state, state.cause, now)
    return state, ()


def _deactivated(state: State, now: float) -> Step:
    if state.unlinking:
        return state, ()  # a person asked for that too; no socket stays after it
    before = state
    state, effects = let_go(state, Code.INACTIVE, now)
    if before.cause in WAITS_FOR_PERSON:
        # Being put out of use and back is no answer to the question that it waits with.
        return replace(state, cause=before.cause, detail=before.detail), effects
    return state if state.cause else replace(state, cause=Code.INACTIVE), effects


def _activated(state: State, now: float) -> Step:
    if state.cause == Code.INACTIVE:
        state = replace(state, cause="")
    if not (state.wants_socket and state.linked) or state.cause in WAITS_FOR_PERSON:
        return state, ()
    if state.phase in (Phase.CLOSING, Phase.UNLINKING):
        return say(state, Status.CONNECTING, Code.INACTIVE), ()  # goes on when the old socket has ended
    return come_back(state, Code.INACTIVE, now) if state.phase is Phase.IDLE else (state, ())


def _is_trying_by_itself(state: State) -> bool:
    if state.unlinking or state.wrong_number:
        return False
    return state.phase is Phase.WAITING or (state.phase is Phase.QUEUED and state.cause in COMES_BACK)
