"""Whose turn it is to dial: bounds in good times, one probe at a time in bad ones, and nobody forgotten."""

import heapq

import pytest
from hypothesis import given, settings, strategies as st

from wa_sessions.gate import PROBE_CAP_S, PROBE_FIRST_S, PROBE_PATIENCE_S, Gate


def working(count: int = 0, **bounds: float) -> Gate:
    """A gate that knows since second 0 that WhatsApp can be reached, with outlets 1 to `count` waiting."""
    gate = Gate(**bounds)
    gate.join(0)
    gate.leave(0.0)
    gate.reached(0, 0.0)
    for outlet in range(1, count + 1):
        gate.join(outlet)
    return gate


def test_it_sends_the_first_alone_to_see_whether_there_is_a_network():
    gate = Gate()
    for outlet in range(5):
        gate.join(outlet)
    assert gate.leave(0.0) == ([0], PROBE_PATIENCE_S)
    assert gate.leave(1.0) == ([], PROBE_PATIENCE_S - 1)
    assert not gate.is_outage


def test_it_lets_others_follow_once_one_got_through():
    gate = working(3, rate=10)
    assert gate.leave(0.0)[0] == [1]
    assert gate.leave(0.2)[0] == [2, 3]
    assert gate.leave(0.2) == ([], None)


def test_it_puts_a_waiting_person_first_and_keeps_places():
    gate = Gate()
    for outlet in (1, 2, 3, 1):
        gate.join(outlet)
    gate.join(3, first=True)
    order = []
    for second in range(3):
        leaving, _ = gate.leave(second * PROBE_PATIENCE_S)
        order += leaving
    assert order == [3, 1, 2]


def test_it_forgets_whoever_does_not_want_to_dial_any_more():
    gate = Gate()
    gate.join(1)
    gate.forget(1)
    assert gate.leave(0.0) == ([], None)
    gate.join(2)
    assert gate.leave(0.0)[0] == [2]
    gate.forget(2)
    gate.failed(2, 1.0)
    assert not gate.is_outage  # what was forgotten says nothing


def test_it_gives_one_turn_to_who_asks_twice():
    gate = working()
    gate.join(1)
    assert gate.leave(1.0)[0] == [1]
    gate.join(1)
    assert gate.leave(2.0) == ([], None)
    gate.reached(1, 2.0)
    gate.join(1)
    assert gate.leave(3.0)[0] == [1]


def test_it_calls_a_failure_an_outage_unless_another_got_through_meanwhile():
    gate = working(2)
    assert gate.leave(1.0)[0] == [1, 2]
    gate.reached(1, 1.1)
    assert gate.failed(2, 1.2)
    assert not gate.is_outage
    gate.join(2)
    gate.leave(2.0)
    assert not gate.failed(2, 2.1)
    assert gate.is_outage


def test_it_probes_ever_more_patiently_and_at_once_again_after_success():
    gate, now, gaps = Gate(), 0.0, []
    gate.join(1)
    for _ in range(40):
        leaving, wait = gate.leave(now)
        if not leaving:
            assert wait is not None
            gaps.append(wait)
            now += wait
            leaving, _ = gate.leave(now)
        assert leaving == [1]
        gate.failed(1, now)
        gate.join(1)
    assert gaps[0] == pytest.approx(PROBE_FIRST_S)
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(PROBE_CAP_S)
    gate.leave(now + PROBE_CAP_S)
    gate.reached(1, now + PROBE_CAP_S)
    gate.join(1)
    assert gate.leave(now + PROBE_CAP_S)[0] == [1]
    assert not gate.is_outage


def test_it_does_not_lose_patience_because_many_failed_together():
    gate = working(60)
    assert len(gate.leave(1.0)[0]) == 60
    for outlet in range(1, 61):
        gate.failed(outlet, 1.1)
        gate.join(outlet)
    assert gate.leave(1.1) == ([], pytest.approx(PROBE_FIRST_S))


def test_it_does_not_wait_for_a_probe_that_hangs():
    gate = Gate()
    for outlet in (1, 2, 3):
        gate.join(outlet)
    assert gate.leave(0.0)[0] == [1]
    assert gate.leave(PROBE_PATIENCE_S - 0.01)[0] == []
    assert gate.leave(PROBE_PATIENCE_S)[0] == [2]
    gate.reached(2, PROBE_PATIENCE_S + 0.1)
    assert gate.leave(PROBE_PATIENCE_S + 0.1)[0] == [3]
    assert gate.failed(1, PROBE_PATIENCE_S + 1)  # the first one was alone with its trouble


def test_it_sends_the_next_alone_after_a_loss_and_at_once():
    gate = working(100)
    for _ in range(30):
        gate.lost()
    assert not gate.is_outage
    assert gate.leave(1.0) == ([1], PROBE_PATIENCE_S)
    gate.reached(1, 1.05)
    assert len(gate.leave(1.3)[0]) == 60


class Network:
    """A simulated clock, and dials that take `dial_s` and succeed from second `back_at` on."""

    def __init__(self, gate: Gate, *, back_at: float, dial_s: float = 0.005) -> None:
        self.gate = gate
        self.back_at = back_at
        self.dial_s = dial_s
        self.dials = 0
        self.failures = 0
        self.through: dict[int, float] = {}  # outlet -> when
        self._due: list[tuple[float, int]] = []  # (when, outlet; -1 asks the gate)

    def call_at(self, at: float, outlet: int = -1) -> None:
        heapq.heappush(self._due, (at, outlet))

    def run(self, outlets: int, *, until: float = 3600) -> None:
        asks_at = 0.0
        self.call_at(0.0)
        while self._due and len(self.through) < outlets:
            now, outlet = heapq.heappop(self._due)
            assert now < until, "somebody is forgotten"
            if outlet < 0 and now != asks_at:
                continue  # a timer that was replaced
            if outlet >= 0 and now >= self.back_at:
                self.gate.reached(outlet, now)
                self.through[outlet] = now
            elif outlet >= 0:
                self.failures += 1
                self.gate.failed(outlet, now)
                self.gate.join(outlet)
            leaving, again_in_s = self.gate.leave(now)
            for admitted in leaving:
                self.dials += 1
                self.call_at(now + self.dial_s, admitted)
            if again_in_s is not None:
                asks_at = now + again_in_s
                self.call_at(asks_at)


@pytest.mark.parametrize("outage_s", [0.0, 1.0, 10.0, 60.0])
def test_it_brings_a_thousand_back_soon_after_an_outage(outage_s):
    gate = working(1000)
    for _ in range(1000):
        gate.lost()
    network = Network(gate, back_at=outage_s)
    network.run(1000)
    assert network.dials - network.failures == 1000
    assert network.failures <= 20 + outage_s / PROBE_CAP_S
    assert max(network.through.values()) - outage_s <= (5 if outage_s <= 10 else PROBE_CAP_S + 3)


@settings(deadline=None, max_examples=60)
@given(
    outlets=st.integers(1, 80),
    rate=st.sampled_from([5.0, 50.0, 400.0]),
    room=st.integers(1, 20),
    back_at=st.floats(0, 100),
    dial_s=st.sampled_from([0.001, 0.3, 8.0]),
)
def test_it_forgets_nobody(outlets, rate, room, back_at, dial_s):
    gate = Gate(rate, room)
    for outlet in range(outlets):
        gate.join(outlet)
    network = Network(gate, back_at=back_at, dial_s=dial_s)
    network.run(outlets)
    assert set(network.through) == set(range(outlets))
    assert len(gate) == 0


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["leave", "reach", "join"]), st.floats(0, 0.5)), max_size=60),
    rate=st.sampled_from([2.0, 20.0, 400.0]),
    room=st.integers(1, 10),
)
def test_it_never_crosses_its_bounds_while_dials_succeed(steps, rate, room):
    gate, now, joined = working(40, rate=rate, under_way=room), 0.0, 40
    under_way: list[int] = []
    left: list[float] = []
    for what, pause in steps:
        now += pause
        if what == "join":
            joined += 1
            gate.join(joined)
        elif what == "reach" and under_way:
            gate.reached(under_way.pop(0), now)
        leaving, _ = gate.leave(now)
        under_way += leaving
        left += [now] * len(leaving)
        assert len(under_way) <= room
        for number, since in enumerate(left):
            assert len(left) - number <= room + rate * (now - since) + 1e-6


@settings(deadline=None, max_examples=60)
@given(pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_it_has_one_probe_at_a_time_in_an_outage(pauses):
    gate, now, began = Gate(), 0.0, float("-inf")
    for outlet in range(100):
        gate.join(outlet)
    for pause in pauses:
        now += pause
        leaving, wait = gate.leave(now)
        assert len(leaving) <= 1
        if leaving:
            assert now - began >= PROBE_PATIENCE_S - 1e-6
            began = now
        assert wait is not None
        assert 0 < wait <= PROBE_PATIENCE_S + 1e-6
