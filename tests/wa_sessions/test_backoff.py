"""Quiet attempts come 30 s to 5 min apart, spread over the whole of the window."""

import pytest
from hypothesis import given, strategies as st

from wa_sessions.backoff import SLOW_CAP_S, SLOW_FLOOR_S, slow_delay

jitter = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "window"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 300), (5, 300), (10, 300), (100_000, 300)]
)
def test_it_doubles_the_window_up_to_five_minutes(attempt, window):
    assert slow_delay(attempt, 0.5) == window / 2


@given(attempt=st.integers(0, 10_000), random=jitter)
def test_it_stays_in_bounds(attempt, random):
    assert SLOW_FLOOR_S <= slow_delay(attempt, random) <= SLOW_CAP_S


@given(attempt=st.integers(0, 20), one=jitter, other=jitter)
def test_it_uses_the_whole_window(attempt, one, other):
    if one <= other:
        assert slow_delay(attempt, one) <= slow_delay(attempt, other)
