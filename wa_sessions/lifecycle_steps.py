"""The small steps that every part of the lifecycle is made of."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wa_sessions.causes import Code
from wa_sessions.lifecycle_types import HAS_SOCKET, Effect, Phase, State, Step
from wa_sessions.states import Status, Wish

Detail = Mapping[str, Any] | tuple[tuple[str, Any], ...]

SERVER_STARTED = "server_started"


def say(state: State, status: Status, reason: str) -> State:
    """Change the status and remember why; the same status again changes nothing."""
    return state if state.status is status else replace(state, status=status, reason=reason)


def try_afresh(state: State) -> State:
    """Forget the attempts so far."""
    return replace(state, retry_count=0, slow_attempts=0, timeouts_only=True, restarts=0)


def is_banned(state: State, now: float) -> bool:
    """Whether a temporary ban has not expired yet. Until then `retry_at` says when it will, whatever people ask for."""
    return state.cause == Code.TEMPORARY_BAN and state.retry_at is not None and state.retry_at > now


def rest(
    state: State,
    status: Status,
    code: str,
    detail: Detail = (),
    *,
    linked: bool | None = None,
    reason: str | None = None,
    retry_at: float | None = None,
) -> State:
    """Hold no socket and plan none. A wish to unlink that was being carried out is over with this."""
    return replace(
        say(state, status, code if reason is None else reason),
        phase=Phase.IDLE,
        cause=code,
        detail=tuple(dict(detail).items()),
        retry_at=retry_at,
        linked=state.linked if linked is None else linked,
        wish_done=max(state.wish_done, state.unlinking),
        unlinking=0,
        wrong_number=False,
        wants_pairing=False,
        wants_code=False,
        restarts=0,
    )


def let_go(state: State, reason: str, now: float) -> Step:
    """Become DISCONNECTED: close what is open, plan nothing. What a temporary ban still lasts is not forgotten."""
    state = replace(
        try_afresh(say(state, Status.DISCONNECTED, reason)),
        wants_pairing=False,
        wants_code=False,
    )
    if state.phase is Phase.UNLINKING:
        return state, ()  # the device is being removed: that ends by itself, and cut short it would stay
    if not is_banned(state, now):
        state = replace(state, retry_at=None, cause="", detail=())
    if state.phase in HAS_SOCKET:
        return replace(state, phase=Phase.CLOSING), (Effect.CLOSE,) if state.phase is not Phase.CLOSING else ()
    effects = (Effect.LEAVE_QUEUE,) if state.phase is not Phase.IDLE else ()
    return replace(state, phase=Phase.IDLE, wrong_number=False), effects


def queue(state: State, reason: str, *, first: bool = False) -> Step:
    """Dial with the saved keys when it is this outlet's turn.

    The status becomes CONNECTING, but for quiet attempts after the retries were used up and for a device that is only
    dialled for to be removed.
    """
    if not (state.unlinking or state.retries_used_up):
        state = say(state, Status.CONNECTING, reason)
    return replace(state, phase=Phase.QUEUED, retry_at=None), (Effect.QUEUE_FIRST if first else Effect.QUEUE,)


def come_back(state: State, reason: str, now: float) -> Step:
    """Connect a linked outlet that people want online and that was not being tried: when a ban is over, else now."""
    if is_banned(state, now):
        return wait_for_ban(state)
    state = replace(say(try_afresh(state), Status.CONNECTING, reason), cause="", detail=())
    return queue(state, reason)


def wait_for_ban(state: State) -> Step:
    """Stop until the ban is over; then go on by itself, if that is wanted."""
    effects: tuple[Effect, ...] = (Effect.LEAVE_QUEUE,) if state.phase is Phase.QUEUED else ()
    if not (state.auto_reconnect and state.linked and state.wants_socket):
        return replace(state, phase=Phase.IDLE), effects
    return replace(state, phase=Phase.WAITING), (*effects, Effect.WAKE)


def queue_pairing(state: State, *effects: Effect) -> Step:
    """A person asked for it: show QR codes when it is this outlet's turn."""
    state = replace(
        say(try_afresh(state), Status.CONNECTING, Wish.CONNECT),
        phase=Phase.QUEUED,
        linked=False,
        wish_done=max(state.wish_done, state.unlinking),
        unlinking=0,
        wrong_number=False,
        wants_pairing=True,
        retry_at=None,
        cause="",
        detail=(),
    )
    return state, (*effects, Effect.QUEUE_FIRST)
