"""Is the other side still there? (PROTOCOL.md §11)

Any frame that arrives is proof, and puts the next ping off by one interval. A ping that stays unanswered for the
time-out means a dead peer. So a peer that fell silent is found within interval + time-out; the jitter only shortens the
interval.
"""

import enum
import math
from typing import Final

# At most this part of an interval is taken off, so that thousands of clients do not ping in step.
JITTER: Final = 0.25
# A tick that comes this late was held up on our side; what the peer sent meanwhile may lie unread.
_HELD_UP_S: Final = 1.0


class Verdict(enum.Enum):
    FINE = enum.auto()
    PING = enum.auto()
    DEAD = enum.auto()


class Keepalive:
    """Decides when to ping and when to give up. Times are seconds of one monotonic clock, passed in."""

    __slots__ = ("_due_at", "_ping_at")

    def __init__(self) -> None:
        self._ping_at = math.inf  # when the next ping goes out; never before the first frame came
        self._due_at = math.inf  # when the answer to the ping that is out must be there

    @property
    def wake_at(self) -> float:
        """When `tick` has something to say, if no frame arrives before."""
        return min(self._ping_at, self._due_at)

    def received(self, now: float, interval_s: float, random: float) -> None:
        """A frame arrived. `random` in [0, 1) is the jitter."""
        self._due_at = math.inf
        self._ping_at = now + interval_s * (1 - JITTER * random)

    def tick(self, now: float, timeout_s: float) -> Verdict:
        """What to do now. On PING you must send one: its time-out runs from here."""
        if now >= self._due_at:
            if now - self._due_at > _HELD_UP_S:
                # Our process was stopped or starved past the deadline: read what is waiting before judging.
                self._due_at = now + _HELD_UP_S
                return Verdict.FINE
            return Verdict.DEAD
        if now >= self._ping_at:
            self._ping_at = math.inf
            self._due_at = now + timeout_s
            return Verdict.PING
        return Verdict.FINE
