"""Finding a dead peer, with a clock that the test turns."""

import math

import pytest
from hypothesis import given, strategies as st

from whatsapp.protocol.keepalive import JITTER, Keepalive, Verdict

INTERVAL, TIMEOUT = 15.0, 10.0


def test_it_does_nothing_before_the_first_frame():
    keepalive = Keepalive()
    assert keepalive.wake_at == math.inf
    assert keepalive.tick(1e9, TIMEOUT) is Verdict.FINE


def test_it_pings_after_an_interval_of_silence():
    keepalive = Keepalive()
    keepalive.received(100, INTERVAL, random=0)
    assert keepalive.wake_at == 115
    assert keepalive.tick(114.9, TIMEOUT) is Verdict.FINE
    assert keepalive.tick(115, TIMEOUT) is Verdict.PING


def test_any_frame_puts_the_ping_off():
    keepalive = Keepalive()
    keepalive.received(100, INTERVAL, random=0)
    keepalive.received(110, INTERVAL, random=0)
    assert keepalive.tick(115, TIMEOUT) is Verdict.FINE
    assert keepalive.wake_at == 125


def test_an_answer_in_time_starts_anew():
    keepalive = Keepalive()
    keepalive.received(0, INTERVAL, random=0)
    keepalive.tick(15, TIMEOUT)
    keepalive.received(24.9, INTERVAL, random=0)
    assert keepalive.tick(25.1, TIMEOUT) is Verdict.FINE
    assert keepalive.wake_at == 24.9 + INTERVAL


def test_a_second_ping_is_not_sent_while_one_is_out():
    keepalive = Keepalive()
    keepalive.received(0, INTERVAL, random=0)
    assert keepalive.tick(15, TIMEOUT) is Verdict.PING
    assert keepalive.tick(16, TIMEOUT) is Verdict.FINE
    assert keepalive.tick(24.9, TIMEOUT) is Verdict.FINE


@given(random=st.floats(0, 1, exclude_max=True), lateness=st.floats(0, 0.4))
def test_a_dead_peer_is_found_within_26_seconds(random, lateness):
    keepalive = Keepalive()
    keepalive.received(0, INTERVAL, random)
    verdicts = []
    now = 0.0
    while Verdict.DEAD not in verdicts:
        now = keepalive.wake_at + lateness
        assert now <= 26
        verdicts.append(keepalive.tick(now, TIMEOUT))
    assert verdicts == [Verdict.PING, Verdict.DEAD]
    assert now >= INTERVAL * (1 - JITTER) + TIMEOUT


@pytest.mark.parametrize("held_up_until", [27, 500, 1e6])
def test_after_being_held_up_it_reads_before_it_judges(held_up_until):
    keepalive = Keepalive()
    keepalive.received(0, INTERVAL, random=0)
    keepalive.tick(15, TIMEOUT)
    assert keepalive.tick(held_up_until, TIMEOUT) is Verdict.FINE
    assert keepalive.wake_at == held_up_until + 1
    assert keepalive.tick(held_up_until + 1, TIMEOUT) is Verdict.DEAD


def test_a_frame_read_after_being_held_up_saves_the_line():
    keepalive = Keepalive()
    keepalive.received(0, INTERVAL, random=0)
    keepalive.tick(15, TIMEOUT)
    keepalive.tick(500, TIMEOUT)
    keepalive.received(500.1, INTERVAL, random=0)
    assert keepalive.tick(501, TIMEOUT) is Verdict.FINE
