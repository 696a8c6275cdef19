"""The diagram of an outlet's status: which change is allowed, and to whom."""

from wa_sessions.lifecycle_types import Configured, Event, Restored, Stopped, Wished, Woken
from wa_sessions.states import Source, Status

S = Status
CLAIMS = {S.CONNECTED, S.PAUSED, S.CONNECTING}

# "Any" is written out.
ARROWS: dict[Source, set[tuple[Status, Status]]] = {
    Source.PERSON: {
        *((before, S.DISCONNECTED) for before in S),
        *((before, S.CONNECTING) for before in (S.DISCONNECTED, S.FAILED, S.TIMEOUT)),
        (S.CONNECTED, S.PAUSED),
        (S.PAUSED, S.CONNECTED),
    },
    Source.SOCKET: {
        *((before, S.FAILED) for before in S),
        *((before, after) for before in (S.CONNECTING, S.FAILED, S.TIMEOUT) for after in (S.CONNECTED, S.PAUSED)),
        *((before, after) for before in (S.CONNECTED, S.PAUSED) for after in (S.CONNECTING, S.DISCONNECTED)),
        (S.CONNECTING, S.TIMEOUT),
        (S.CONNECTING, S.DISCONNECTED),
    },
    Source.OWNERSHIP: {
        *((before, S.DISCONNECTED) for before in CLAIMS),
        *((before, S.CONNECTING) for before in S),
    },
    Source.SYNC: {
        *((before, S.DISCONNECTED) for before in CLAIMS),
        *((before, after) for before in set(S) - {S.CONNECTED, S.PAUSED} for after in (S.CONNECTED, S.PAUSED)),
    },
}


def source_of(event: Event) -> Source:
    """Who changes the status where this event does."""
    # What a timer changes, a person wanted earlier, when a ban still lasted.
    if isinstance(event, Wished | Configured | Woken):
        return Source.PERSON
    return Source.OWNERSHIP if isinstance(event, Restored | Stopped) else Source.SOCKET
