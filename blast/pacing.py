"""How fast one outlet may send. Pure: time, history and randomness come in as arguments. Times are Unix seconds.

The limits hold for the outlet's number, whatever blast a message belongs to and however often the server restarted: the
history comes from the database. Days and quiet hours are those of the wall clock in the pace's zone.
"""

import datetime
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

MINUTE_S = 60.001  # Unix times as floats are some 10^-7 s coarse
DAY_S = 86_400.0
OPENING_SPREAD_S = 120.0  # outlets do not all begin at the very second in which the quiet hours end
_MOST_STEPS = 5_000  # of an estimate: some years


@dataclass(frozen=True, slots=True)
class Pace:
    """None means no such limit. `REASONS` says why the defaults are what they are."""

    delay_s: float = 10.0  # at least between two messages
    jitter: float = 1.0  # up to this share of the delay on top, drawn anew for each message
    per_minute: int | None = 5  # in any 60 seconds, not only in those of the clock
    daily_cap: int | None = 200
    quiet_from: datetime.time | None = datetime.time(20)
    quiet_to: datetime.time | None = datetime.time(8)  # from here on it may send; the same as `quiet_from`: never quiet
    ramp_days: int = 14  # for so long after it was linked, a number gets less than its full limits
    ramp_start: float = 0.1  # the share of the limits on the day of linking
    zone: str = "Asia/Jakarta"

    @classmethod
    def off(cls) -> Self:
        """No limit at all: for the simulator."""
        return cls(0.0, 0.0, None, None, None, None, 0, 1.0)


REASONS: Mapping[str, StrPromise] = {
    "delay_s": _("People do not write to one person after the other without a pause. WhatsApp notices those who do."),
    "jitter": _("The same pause each time is the mark of a machine, so each one is a little different."),
    "per_minute": _("Many messages in one minute are the most frequent reason for a number to be restricted."),
    "daily_cap": _(
        "A number that suddenly writes to hundreds of people is reported more often, and reports ban numbers."
    ),
    "quiet_from": _("Messages in the evening and at night annoy people, and annoyed people block and report."),
    "quiet_to": _("Nobody wants to be woken by an offer."),
    "ramp_days": _("WhatsApp trusts newly linked numbers least. Limits grow day by day until the number is known."),
    "ramp_start": _("On its first day a number only sends a few messages, as a new phone would."),
}


class History:
    """What a number has sent, as far as its limits need it. `note` each message when it is claimed, before the wire.

    Messages that failed count, too: WhatsApp saw them. After a change of the zone it must be made anew.
    """

    __slots__ = ("_minute", "_zone", "day", "day_count", "last", "linked_at")

    def __init__(self, times: Iterable[float], pace: Pace, linked_at: float | None = None) -> None:
        """`times` of all messages since `history_from(now, pace)`. Without `linked_at` the number counts as new."""
        self._zone = pace.zone
        self._minute: deque[float] = deque()
        self.day = datetime.date.min
        self.day_count = 0  # on that day
        self.last = -math.inf
        self.linked_at = linked_at
        for at in sorted(times):
            self.note(at)

    def note(self, at: float) -> None:
        """A message was claimed at this time. A clock that goes backwards makes no room."""
        at = max(at, self.last)
        self.last = at
        self._minute.append(at)
        while self._minute[0] <= at - MINUTE_S:
            self._minute.popleft()
        day = _local(at, self._zone).date()
        if day > self.day:
            self.day, self.day_count = day, 0
        self.day_count += 1

    def on(self, day: datetime.date) -> int:
        """How many were sent on that day; on a day before the last known one, where the clock went back, as many."""
        return self.day_count if day <= self.day else 0

    def room_in_minute(self, limit: int) -> float:
        """From when on one more message leaves any 60 seconds within the limit."""
        return -math.inf if len(self._minute) < limit else self._minute[-limit] + MINUTE_S


def history_from(now: float, pace: Pace) -> float:
    """The messages since then are the history that `History` needs."""
    return min(_day_start(_local(now, pace.zone).date(), pace.zone), now - MINUTE_S)


def share(at: float, pace: Pace, linked_at: float | None) -> float:
    """The share of its limits that a number has at that time, growing from day to day after it was linked."""
    if pace.ramp_days <= 0:
        return 1.0
    days = 0
    if linked_at is not None:
        days = max(0, (_local(at, pace.zone).date() - _local(linked_at, pace.zone).date()).days)
    return min(1.0, pace.ramp_start + (1.0 - pace.ramp_start) * days / pace.ramp_days)


def next_at(history: History, pace: Pace, now: float, random: float) -> float:
    """The earliest time, not before `now`, at which the next message may go; `inf` where the limits allow none.

    `random` is uniform in [0, 1). With 0 it is the earliest time that the limits allow: `next_at(…, 0.0) <= now` asks
    again after a wait, when messages or settings may have changed, without drawing a new delay.
    """
    at = max(now, history.last + pace.delay_s * (1.0 + pace.jitter * random))
    for _step in range(8):
        begun = at
        part = share(at, pace, history.linked_at)
        if pace.per_minute is not None:
            if pace.per_minute < 1:
                return math.inf
            at = max(at, history.room_in_minute(_part_of(pace.per_minute, part)))
        if pace.daily_cap is not None:
            if pace.daily_cap < 1:
                return math.inf
            day = _local(at, pace.zone).date()
            if history.on(day) >= _part_of(pace.daily_cap, share(at, pace, history.linked_at)):
                following = max(day, history.day) + datetime.timedelta(days=1)
                at = max(at, _day_start(following, pace.zone))
        at = _awake(at, pace, random)
        if at == begun:
            return at
    return math.inf


def left_today(history: History, pace: Pace, now: float) -> int | None:
    """How many more the daily cap allows before midnight; None without a cap. Other limits may allow less."""
    if pace.daily_cap is None:
        return None
    cap = min(pace.daily_cap, _part_of(pace.daily_cap, share(now, pace, history.linked_at)))
    return max(0, cap - history.on(_local(now, pace.zone).date()))


def is_quiet(at: float, pace: Pace) -> bool:
    """Whether the wall clock is in the quiet hours: at or after `quiet_from`, before `quiet_to`."""
    start, end = pace.quiet_from, pace.quiet_to
    if start is None or end is None or start == end:
        return False
    clock = _local(at, pace.zone).time()
    return start <= clock < end if start < end else clock >= start or clock < end


def quiet_end(at: float, pace: Pace) -> float:
    """When the quiet hours end that are at `at`."""
    assert pace.quiet_to is not None
    return _next_clock(at, pace.quiet_to, pace)


def _awake(at: float, pace: Pace, random: float) -> float:
    """`at`, or where that is in the quiet hours a moment after them."""
    if not is_quiet(at, pace):
        return at
    opening = quiet_end(at, pace)
    spread = opening + random * OPENING_SPREAD_S
    return opening if is_quiet(spread, pace) else spread


def expected_end(count: int, history: History, pace: Pace, now: float, typing_s: float = 0.0) -> float:
    """When the last of `count` messages will probably have gone, if all goes well. `now` for none; may be `inf`.

    `typing_s` is how long each is typed before it goes, in the time between it and the one before.
    """
    at, left, used = now, count, dict[datetime.date, int]()
    if left <= 0:
        return now
    at = max(next_at(history, pace, now, 0.5), now + typing_s)
    for _step in range(_MOST_STEPS):
        if at == math.inf:
            break
        at = _awake(at, pace, 0.5)
        day = _local(at, pace.zone).date()
        part = share(at, pace, history.linked_at)
        gap = max(pace.delay_s * (1.0 + pace.jitter / 2), typing_s)
        per_minute = None if pace.per_minute is None else _part_of(pace.per_minute, part)
        until = _day_start(day + datetime.timedelta(days=1), pace.zone)
        if pace.quiet_from is not None and pace.quiet_from != pace.quiet_to:
            until = min(until, _next_clock(at, pace.quiet_from, pace))
        fit, room = _fit(left, until - at, gap, per_minute), left
        if pace.daily_cap is not None:
            room = max(0, _part_of(pace.daily_cap, part) - history.on(day) - used.get(day, 0))
        sent = min(fit, room)
        if sent == left:
            return at + _span(left - 1, gap, per_minute)
        left -= sent
        used[day] = used.get(day, 0) + sent
        following = until if sent == fit else _day_start(day + datetime.timedelta(days=1), pace.zone)
        at = max(following, at + _span(sent, gap, per_minute))
    return math.inf


def _span(count: int, gap: float, per_minute: int | None) -> float:
    """Seconds from a message to the `count`-th after it: a minute's share at its gap, then the rest of the minute."""
    if per_minute is None or gap * per_minute >= MINUTE_S:
        return count * gap
    minutes, more = divmod(count, per_minute)
    return minutes * MINUTE_S + more * gap


def _fit(count: int, seconds: float, gap: float, per_minute: int | None) -> int:
    """How many of `count` go in less than that time, the first one at once."""
    if per_minute is None or gap * per_minute >= MINUTE_S:
        return min(count, math.ceil(seconds / gap)) if gap else count
    minutes, rest = divmod(seconds, MINUTE_S)
    more = math.ceil(rest / gap) if gap else per_minute * (rest > 0)
    return min(count, int(minutes) * per_minute + min(per_minute, more))


def _part_of(limit: int, part: float) -> int:
    return max(1, math.floor(limit * part + 1e-9))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(at: float, zone: str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, _zone(zone))


def _day_start(day: datetime.date, zone: str) -> float:
    return datetime.datetime.combine(day, datetime.time(), _zone(zone)).timestamp()


def _next_clock(at: float, clock: datetime.time, pace: Pace) -> float:
    """The first time after `at` at which the wall clock shows `clock`."""
    day = _local(at, pace.zone).date()
    for ahead in range(3):
        then = datetime.datetime.combine(day + datetime.timedelta(days=ahead), clock, _zone(pace.zone))
        for fold in (0, 1):  # where clocks are put back, it shows it twice
            if (moment := then.replace(fold=fold).timestamp()) > at:
                return moment
    raise AssertionError("a wall clock shows every time within three days")
