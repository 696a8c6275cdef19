"""Whether a row and the sockets agree, and what the row becomes where they do not. Pure."""

from wa_sessions.lifecycle_types import UNDER_WAY, Phase
from wa_sessions.live import Live
from wa_sessions.states import Intent, Status

RECONNECT_GRACE_S = 30.0  # a row may say CONNECTED while a reconnect that began this recently is under way


def correction(status: str, intent: str, live: Live, now: float, window_s: float) -> Status | None:
    """What the row's status must become, or None where it may stay.

    `now` is monotonic seconds, `window_s` how old the last answer of a living server may be. Nothing is corrected
    while the socket's own writer still has something to write: it knows better, and is about to.
    """
    if not live.is_settled:
        return None
    if live.is_verified(now, window_s):
        wanted = Status.PAUSED if intent == Intent.PAUSED else Status.CONNECTED
        return wanted if status not in (Status.CONNECTED, Status.PAUSED) else None
    if status in (Status.CONNECTED, Status.PAUSED):
        just_reconnecting = live.phase in UNDER_WAY and now - live.since <= RECONNECT_GRACE_S
        return None if just_reconnecting else Status.DISCONNECTED
    if status == Status.CONNECTING and live.phase is Phase.IDLE:
        return Status.DISCONNECTED
    return None
