"""Whose turn it is to dial. Pure: time comes in as an argument, in seconds of one monotonic clock.

While dials succeed, outlets are admitted at a bounded rate and with a bounded number under way. As soon as one fails
without reaching WhatsApp, nobody knows whether WhatsApp can be reached at all: then one outlet at a time probes while
the rest wait, however long it takes, and the first probe that gets through lets the others follow.
"""

from collections import OrderedDict
from dataclasses import dataclass

DIALS_PER_S = 400.0
DIALS_UNDER_WAY = 60  # a handshake costs milliseconds of this process's time: more at once only makes each one late
PROBE_PATIENCE_S = 5.0  # a probe that hangs longer does not keep the next one from trying
PROBE_FIRST_S = 0.5
PROBE_GROWTH = 1.15
PROBE_CAP_S = 10.0


@dataclass(slots=True)
class Dial:
    began: float
    is_probe: bool


class Gate:
    """A queue with a door. `leave()` says who may go and when to ask again."""

    def __init__(self, rate: float = DIALS_PER_S, under_way: int = DIALS_UNDER_WAY) -> None:
        self._rate = rate  # admissions a second
        self._room = under_way  # dials at once
        self._waiting: OrderedDict[int, None] = OrderedDict()  # outlets, first come first served
        self._under_way: dict[int, Dial] = {}  # admitted, and not known yet whether it reached WhatsApp
        self._works = False  # the last thing learned is that WhatsApp can be reached
        self._tokens = 1.0
        self._refilled = 0.0  # when tokens were last counted
        self._probe_gap = 0.0  # seconds between the end of a probe and the next
        self._probe_due = 0.0
        self.reached_at = float("-inf")  # when a dial last got through

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, outlet: int) -> bool:
        return outlet in self._waiting

    def is_under_way(self, outlet: int) -> bool:
        """Whether a dial of this outlet was admitted and has neither reached WhatsApp nor failed."""
        return outlet in self._under_way

    @property
    def is_outage(self) -> bool:
        """Whether a dial has failed since one last got through: those who wait, wait for the network."""
        return not self._works and self._probe_gap > 0

    def join(self, outlet: int, *, first: bool = False) -> None:
        """Ask for a turn. Asking again keeps the place, or moves it to the front; whoever just got a turn has it."""
        if outlet in self._under_way:
            return
        self._waiting.setdefault(outlet, None)
        if first:
            self._waiting.move_to_end(outlet, last=False)

    def forget(self, outlet: int) -> None:
        """This outlet does not want to dial any more; a dial of it that is under way says nothing from now on."""
        self._waiting.pop(outlet, None)
        self._under_way.pop(outlet, None)

    def reached(self, outlet: int, now: float) -> None:
        """A dial got through to WhatsApp, whatever WhatsApp then said."""
        self._under_way.pop(outlet, None)
        self.reached_at = now
        if not self._works:
            self._works, self._probe_gap, self._tokens, self._refilled = True, 0.0, 1.0, now

    def failed(self, outlet: int, now: float) -> bool:
        """A dial did not reach WhatsApp. Returns whether another one did since this one began."""
        dial = self._under_way.pop(outlet, None)
        if dial is None:
            return self._works  # it was forgotten: it says nothing
        if self.reached_at > dial.began:
            return True
        self._works = False
        # Many that were under way fail together: only a probe shows that the outage still lasts.
        growth = PROBE_GROWTH if dial.is_probe else 1.0
        self._probe_gap = min(PROBE_CAP_S, max(PROBE_FIRST_S, self._probe_gap * growth))
        self._probe_due = now + self._probe_gap
        return False

    def lost(self) -> None:
        """An open connection was lost. It may be the first of many: the next dial goes alone, at once."""
        self._works = False

    def leave(self, now: float) -> tuple[list[int], float | None]:
        """Who dials now, and in how many seconds to ask again (None: when something happens)."""
        if not self._waiting:
            return [], None
        return self._flow(now) if self._works else self._probe(now)

    def _flow(self, now: float) -> tuple[list[int], float | None]:
        self._tokens = min(self._room, self._tokens + (now - self._refilled) * self._rate)
        self._refilled = now
        count = min(len(self._waiting), int(self._tokens), self._room - len(self._under_way))
        self._tokens -= max(0, count)
        leaving = [self._admit(now, is_probe=False) for _ in range(count)]
        return leaving, 1 / self._rate if self._waiting and len(self._under_way) < self._room else None

    def _probe(self, now: float) -> tuple[list[int], float | None]:
        patient_until = max((dial.began for dial in self._under_way.values() if dial.is_probe), default=float("-inf"))
        wait = max(self._probe_due, patient_until + PROBE_PATIENCE_S) - now
        if wait > 0:
            return [], wait
        return [self._admit(now, is_probe=True)], PROBE_PATIENCE_S if self._waiting else None

    def _admit(self, now: float, *, is_probe: bool) -> int:
        outlet, _ = self._waiting.popitem(last=False)
        self._under_way[outlet] = Dial(now, is_probe)
        return outlet
