"""Limits that hold whatever happens: restarts, new settings, midnight, a clock that is put back."""

import dataclasses
import datetime
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings, strategies as st

from blast.pacing import (
    REASONS,
    History,
    Pace,
    expected_end,
    history_from,
    is_quiet,
    left_today,
    next_at,
    share,
)

JAKARTA = ZoneInfo("Asia/Jakarta")


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=JAKARTA).timestamp()


def clock(when: float) -> str:
    return f"{datetime.datetime.fromtimestamp(when, JAKARTA):%Y-%m-%d %H:%M:%S}"


LONG_AGO = at("2020-01-01")
DAY = Pace(quiet_from=None, quiet_to=None)

times = st.builds(datetime.time, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))
paces = st.builds(
    Pace,
    delay_s=st.sampled_from([0.0, 0.5, 7.0, 100.0]),
    jitter=st.floats(0, 2),
    per_minute=st.none() | st.integers(1, 8),
    daily_cap=st.none() | st.integers(1, 40),
    quiet_from=st.none() | times,
    quiet_to=times,
    ramp_days=st.integers(0, 20),
    ramp_start=st.floats(0.01, 1),
    zone=st.just("Asia/Jakarta"),
)
randoms = st.floats(0, 1, exclude_max=True)
# Most of the days' interesting moments: just before and after midnight, and anywhere else.
starts = st.builds(
    lambda day, second: at("2026-11-01") + day * 86400 + second,
    st.integers(0, 60),
    st.sampled_from([0, 1, 86399, 86340]) | st.floats(0, 86399),
)
# What happens between two messages: seconds of lateness, a restart of the server, other settings.
steps = st.tuples(
    randoms,
    st.sampled_from([0.0, 0.0, 0.001, 3.0, 59.999, 4000.0]),
    st.booleans(),
    st.none() | paces,
)


def check(sent: list[float], when: float, pace: Pace, linked_at: float | None) -> None:
    """Whether one more message at `when` keeps every limit, counted without the code under test."""
    part = 1.0
    local = datetime.datetime.fromtimestamp(when, JAKARTA)
    if pace.ramp_days:
        linked = datetime.datetime.fromtimestamp(linked_at, JAKARTA).date() if linked_at is not None else local.date()
        days = max(0, (local.date() - linked).days)
        part = min(1.0, pace.ramp_start + (1 - pace.ramp_start) * days / pace.ramp_days)
    if sent:
        assert when - sent[-1] >= pace.delay_s - 1e-6
    if pace.per_minute is not None:
        assert sum(when - 60 < other for other in sent) + 1 <= max(1, pace.per_minute * part + 1e-6)
    if pace.daily_cap is not None:
        today = sum(datetime.datetime.fromtimestamp(other, JAKARTA).date() == local.date() for other in sent)
        assert today + 1 <= max(1, pace.daily_cap * part + 1e-6)
    if pace.quiet_from is not None and pace.quiet_from != pace.quiet_to:
        minutes = [t.hour * 60 + t.minute for t in (pace.quiet_from, pace.quiet_to)]
        length = (minutes[1] - minutes[0]) % 1440
        into = (local.hour * 60 + local.minute - minutes[0]) % 1440
        assert into >= length, "in the quiet hours"


@settings(max_examples=300, deadline=None)
@given(paces, starts, st.none() | st.floats(0, 30), st.lists(steps, min_size=1, max_size=60))
def test_no_limit_is_ever_crossed(pace, start, linked_days_ago, happenings):
    now, sent = start, []
    linked_at = None if linked_days_ago is None else start - linked_days_ago * 86400
    history = History([], pace, linked_at)
    for random, late, is_restart, new_pace in happenings:
        if new_pace is not None:
            pace = new_pace
        if is_restart:
            history = History([t for t in sent if t >= history_from(now, pace)], pace, linked_at)
        then = next_at(history, pace, now, random)
        assert then >= now
        if then == math.inf:
            continue
        now = then + late
        if next_at(history, pace, now, 0.0) > now:  # too late: the limits have moved on
            continue
        check(sent, now, pace, linked_at)
        history.note(now)
        sent.append(now)


@settings(max_examples=200, deadline=None)
@given(paces, starts, st.lists(randoms, min_size=2, max_size=50))
def test_sending_at_the_very_time_is_always_allowed(pace, start, draws):
    """What it answers keeps the limits itself: no message waits twice."""
    history, now, sent = History([], pace, LONG_AGO), start, []
    for random in draws:
        now = next_at(history, pace, now, random)
        assert now < math.inf
        check(sent, now, pace, LONG_AGO)
        assert next_at(history, pace, now, 0.0) == now
        history.note(now)
        sent.append(now)


@given(paces, starts, st.lists(st.floats(-90_000, 90_000), max_size=30), randoms)
def test_a_clock_put_back_makes_no_room(pace, start, jumps, random):
    history, sent = History([], pace, LONG_AGO), []
    for jump in jumps:
        now = start + jump
        if next_at(history, pace, now, random) <= now:
            sent.append(now)
            history.note(now)
    assert sent == sorted(sent)


@given(paces, starts)
def test_a_restart_forgets_nothing(pace, start):
    history, sent, now = History([], pace, LONG_AGO), [], start
    for _ in range(20):
        now = next_at(history, pace, now, 0.3)
        history.note(now)
        sent.append(now)
        anew = History([t for t in sent if t >= history_from(now, pace)], pace, LONG_AGO)
        assert next_at(anew, pace, now, 0.7) == next_at(history, pace, now, 0.7)


def test_the_delay_and_its_jitter():
    pace = Pace(delay_s=10, jitter=0.5, per_minute=None, quiet_from=None)
    noon = at("2026-11-21 12:00")
    history = History([noon], pace, LONG_AGO)
    assert next_at(history, pace, noon + 1, 0.0) == noon + 10
    assert next_at(history, pace, noon + 1, 0.999) == pytest.approx(noon + 15, abs=0.01)
    assert next_at(history, pace, noon + 30, 0.999) == noon + 30


def test_a_message_noted_with_an_older_time_makes_no_room():
    pace = Pace(delay_s=10, per_minute=2, quiet_from=None)
    noon = at("2026-11-21 12:00")
    history = History([noon, noon], pace, LONG_AGO)
    history.note(noon - 3600)
    assert next_at(history, pace, noon, 0.0) >= noon + 60
    history.note(noon - 86400)
    assert history.on(datetime.date(2026, 11, 21)) == 4


def test_the_cap_begins_anew_at_midnight_in_jakarta():
    pace = Pace(delay_s=0, per_minute=None, daily_cap=2, quiet_from=None)
    history = History([at("2026-11-21 23:58"), at("2026-11-21 23:59")], pace, LONG_AGO)
    assert clock(next_at(history, pace, at("2026-11-21 23:59:30"), 0.0)) == "2026-11-22 00:00:00"


def test_the_cap_at_night_waits_for_the_morning():
    pace = Pace(delay_s=0, per_minute=None, daily_cap=1)
    history = History([at("2026-11-21 08:00")], pace, LONG_AGO)
    assert clock(next_at(history, pace, at("2026-11-21 09:00"), 0.0)) == "2026-11-22 08:00:00"


@pytest.mark.parametrize(
    ("start", "end", "now", "then"),
    [
        (20, 8, "2026-11-21 19:59:59", "2026-11-21 19:59:59"),
        (20, 8, "2026-11-21 20:00:00", "2026-11-22 08:00:00"),
        (20, 8, "2026-11-21 00:30:00", "2026-11-21 08:00:00"),
        (20, 8, "2026-11-21 08:00:00", "2026-11-21 08:00:00"),
        (12, 13, "2026-11-21 12:30:00", "2026-11-21 13:00:00"),
        (0, 6, "2026-11-21 00:00:00", "2026-11-21 06:00:00"),
        (22, 0, "2026-11-21 22:10:00", "2026-11-22 00:00:00"),
        (7, 7, "2026-11-21 07:00:00", "2026-11-21 07:00:00"),
    ],
)
def test_quiet_hours(start, end, now, then):
    pace = Pace(quiet_from=datetime.time(start), quiet_to=datetime.time(end))
    assert clock(next_at(History([], pace, LONG_AGO), pace, at(now), 0.0)) == then


@given(paces, st.floats(at("2026-01-01"), at("2027-01-01")), randoms)
def test_quiet_hours_where_clocks_are_put_back(pace, now, random):
    pace = dataclasses.replace(pace, zone="America/New_York")
    then = next_at(History([], pace, LONG_AGO), pace, now, random)
    assert not is_quiet(then, pace)
    assert then - now < 86400 + 3600 + 120


def test_outlets_do_not_begin_all_at_once():
    pace = Pace()
    history = History([], pace, LONG_AGO)
    begin = {next_at(history, pace, at("2026-11-21 05:00"), random / 10) for random in range(10)}
    assert len(begin) == 10
    assert max(begin) < at("2026-11-21 08:02:01")


def test_a_new_number_gets_more_from_day_to_day():
    linked = at("2026-11-01 23:50")
    shares = [share(at("2026-11-01 23:59") + day * 86400, Pace(), linked) for day in range(20)]
    assert shares[0] == pytest.approx(0.1)
    assert shares == sorted(shares)
    assert shares[14:] == [1.0] * 6
    assert share(at("2026-11-30"), Pace(), None) == pytest.approx(0.1)


def test_a_new_number_sends_few():
    pace = Pace(delay_s=0, daily_cap=20, per_minute=None, quiet_from=None)
    now = at("2026-11-21 12:00")
    history = History([now, now], pace, now)
    assert clock(next_at(history, pace, now, 0.0)) == "2026-11-22 00:00:00"


def test_what_is_left_of_a_day():
    noon = at("2026-11-21 12:00")
    history = History([noon, noon], DAY, LONG_AGO)
    assert left_today(history, Pace(daily_cap=5), noon) == 3
    assert left_today(history, Pace(daily_cap=5), at("2026-11-22 00:00")) == 5
    assert left_today(history, Pace(daily_cap=1), noon) == 0
    assert left_today(history, Pace(daily_cap=0), noon) == 0
    assert left_today(history, Pace.off(), noon) is None
    assert left_today(History([], DAY, noon), Pace(daily_cap=50), noon) == 5


def test_limits_of_nothing_never_send():
    noon = at("2026-11-21 12:00")
    assert next_at(History([], DAY), Pace(daily_cap=0), noon, 0.0) == math.inf
    assert next_at(History([], DAY), Pace(per_minute=0), noon, 0.0) == math.inf
    assert expected_end(3, History([], DAY), Pace(daily_cap=0), noon) == math.inf


def test_no_pace_is_no_wait():
    now = at("2026-11-21 23:00")
    history = History([now] * 5, Pace.off())
    assert next_at(history, Pace.off(), now, 0.9) == now
    assert expected_end(1000, history, Pace.off(), now) == now


def test_estimate_over_days():
    """200 a day from 8 to 20: the 450th goes on the third day."""
    pace, opening = Pace(), at("2026-11-21 08:00")
    history = History([], pace, LONG_AGO)
    assert clock(expected_end(450, history, pace, opening)).startswith("2026-11-23 08:")
    assert expected_end(0, history, pace, opening) == opening


def test_the_estimate_knows_the_typing():
    """It fills the pause before each message, and the pause grows where it is too short for it."""
    noon = at("2026-11-21 12:00")
    pace = Pace(delay_s=4, jitter=0, per_minute=None, daily_cap=None)
    ends = [expected_end(11, History([], pace, LONG_AGO), pace, noon, typing_s) for typing_s in (0, 3, 6)]
    assert [end - noon for end in ends] == [40, 43, 66]


@settings(max_examples=100, deadline=None)
@given(paces, starts, st.integers(1, 60), st.none() | st.just(LONG_AGO))
# Two go in the last second of a day, and two in the next; two minutes a day, of which one passes before the first.
@example(Pace(0, 0, 4, 4, None, None, 1, 0.5), at("2026-11-01 23:59:59"), 4, None)
@example(Pace(0, 0, 1, None, datetime.time(1, 1), datetime.time(0, 59), 0), at("2026-11-01 00:00"), 4, None)
def test_the_estimate_is_near_what_happens(pace, start, count, linked_at):
    history = History([], pace, linked_at)
    expected = expected_end(count, history, pace, start)
    now = start
    for _ in range(count):
        now = next_at(history, pace, now, 0.5)
        history.note(now)
    days = (now - start) / 86400
    assert expected == pytest.approx(now, abs=(0.35 * (now - start) if days < 1 else 0.2 * (now - start) + 86400) + 600)


def test_every_setting_has_its_reason():
    assert set(REASONS) == set(Pace.__dataclass_fields__) - {"zone"}
    assert not is_quiet(at("2026-11-21 12:00"), Pace())
