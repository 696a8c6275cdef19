"""What must hold for every sequence of events: people, phones, servers, lines, crashes and the clock in any order."""

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.wa_sessions import lifecycle_states as the
from tests.wa_sessions.lifecycle_diagram import ARROWS, CLAIMS
from tests.wa_sessions.lifecycle_states import NUMBER, OTHER_NUMBER
from tests.wa_sessions.lifecycle_world import (
    EPOCH,
    OUTLET,
    WINDOW_S,
    Stage,
    World,
)
from wa_sessions.causes import COMES_BACK, Code
from wa_sessions.health import checks_of, is_healthy
from wa_sessions.lifecycle_types import HAS_SOCKET, Phase, Policy
from wa_sessions.reconcile import correction
from wa_sessions.states import Intent, Source, Status, Wish
from whatsapp.ends import End

LOSSES = [the.LINE_LOST, the.TIMED_OUT, the.SERVER_TROUBLE]
REFUSALS = [
    the.REMOVED,
    the.LOCKED,
    the.BANNED_FOR_GOOD,
    the.BANNED_FOR_A_WHILE,
    the.OUTDATED,
    the.CONFLICT,
    the.UNKNOWN,
    the.RESTART,
    *LOSSES,
]
INTENTS = {Wish.PAUSE: Intent.PAUSED, Wish.DISCONNECT: Intent.OFFLINE, Wish.UNLINK: Intent.OFFLINE}
ENOUGH = 400  # steps within which everything settles: retries, quiet retries, pairing, unlinking, and some

is_up = precondition(lambda self: self.world.state is not None)
has_socket = precondition(lambda self: self.world.socket is not None)


class Lifecycle(RuleBasedStateMachine):
    @initialize(slow_retry=st.booleans(), linked=st.booleans())
    def begin(self, slow_retry: bool, linked: bool) -> None:
        self.world = World(Policy(slow_retry=slow_retry))
        if linked:
            self.wish(Wish.CONNECT, at_once=True)
            self.happen(20, scanned=True)

    # People.

    @rule(wish=st.sampled_from(Wish), at_once=st.booleans())
    def wish(self, wish: Wish, at_once: bool) -> None:
        world = self.world
        if world.is_refused(wish):
            return
        world.row.wish, world.row.intent = wish, INTENTS.get(wish, Intent.ONLINE)
        world.row.wish_number += 1
        world.person_asked |= wish in (Wish.CONNECT, Wish.CONNECT_BY_CODE)
        if at_once and world.state is not None:
            world.hear()

    @is_up
    @rule(wish=st.sampled_from([*Wish, Wish.CONNECT, Wish.PAUSE, Wish.PAUSE, Wish.RESUME]))
    def wish_when_all_is_quiet(self, wish: Wish) -> None:
        """Left to chance alone, hardly anybody finds a connection open, or paused."""
        self.happen(60, scanned=True)
        self.wish(wish, at_once=True)

    @rule(auto_reconnect=st.booleans(), max_retries=st.integers(0, 4))
    def configure(self, auto_reconnect: bool, max_retries: int) -> None:
        row = self.world.row
        if row.wish_number == row.state["wish_done"]:
            row.wish = None
        row.wish_number += 1
        row.auto_reconnect, row.max_retries = auto_reconnect, max_retries

    @rule()
    def put_in_or_out_of_use(self) -> None:
        self.world.row.active = not self.world.row.active

    @is_up
    @rule()
    def hear(self) -> None:
        self.world.hear()

    # Phones and servers.

    @has_socket
    @rule(number=st.sampled_from([NUMBER, NUMBER, OTHER_NUMBER]))
    def proceed(self, number: str) -> None:
        self.world.proceed(scanned_by=number)

    @has_socket
    @rule(end=st.sampled_from(LOSSES))
    def lose_the_line(self, end: End) -> None:
        self.world.end(end)

    @precondition(lambda self: self.world.socket and not self.world.socket.pairing and self.world.network_is_up)
    @rule(end=st.sampled_from(REFUSALS))
    def refuse(self, end: End) -> None:
        self.world.end(end)

    @precondition(lambda self: self.world.socket and self.world.socket.stage is Stage.QR)
    @rule(end=st.sampled_from([the.PAIRING_FAILED, the.UNKNOWN, the.OUTDATED]))
    def fail_to_pair(self, end: End) -> None:
        self.world.end(end)

    @precondition(lambda self: self.world.socket and self.world.socket.unlinking)
    @rule()
    def unlink_though_nobody_hears_it(self) -> None:
        self.world.listed = ""
        self.world.end(the.TIMED_OUT)

    @rule()
    def remove_the_device_on_the_phone(self) -> None:
        self.world.listed = ""
        socket = self.world.socket
        if socket is not None and socket.is_open:
            self.world.end(the.REMOVED)

    @rule()
    def change_the_network(self) -> None:
        self.world.network_is_up = not self.world.network_is_up

    # Time, memory and disk.

    @is_up
    @rule(steps=st.integers(1, 12), scanned=st.booleans())
    def happen(self, steps: int, scanned: bool) -> None:
        world = self.world
        for _ in range(steps):
            if scanned and world.socket is not None and world.socket.stage is Stage.QR and not world.socket.closing:
                world.proceed(scanned_by=NUMBER)
            elif not world.happens_next():
                break

    @rule(seconds=st.sampled_from([1.0, 3.0, 30.0, 900.0]), random=st.floats(0, 1, exclude_max=True))
    def pass_time(self, seconds: float, random: float) -> None:
        self.world.now += seconds
        self.world.random = random
        if self.world.state is not None:
            self.world.ring()

    @is_up
    @rule()
    def write(self) -> None:
        self.world.write()

    @is_up
    @rule()
    def crash(self) -> None:
        self.world.crash()

    @is_up
    @rule()
    def stop(self) -> None:
        self.world.stop()

    @precondition(lambda self: self.world.state is None)
    @rule(can_read_keys=st.sampled_from([True, True, False]))
    def start(self, can_read_keys: bool) -> None:
        self.world.can_read_keys = can_read_keys
        self.world.start()

    @is_up
    @rule(answered_s_ago=st.sampled_from([0.0, 20.0, 27.0, 300.0]))
    def read_the_status(self, answered_s_ago: float) -> None:
        world = self.world
        if world.socket is not None and world.socket.is_open:
            world.socket.answered_at = world.now - answered_s_ago
        live = world.live()
        fixed = correction(world.row.status, world.row.intent, live, world.now, WINDOW_S)
        if fixed is None:
            return
        assert (world.row.status, fixed) in ARROWS[Source.SYNC]
        assert not world.unwritten, "corrected while the socket's own writer has something to say"
        world.row.state["status"] = fixed

    # What holds after every step.

    @invariant()
    def health_is_exactly_the_formula(self) -> None:
        world = self.world
        if world.state is None:
            return
        live, row, socket = world.live(), world.row, world.socket
        is_alive = (
            socket is not None
            and socket.is_open
            and not (socket.closing or socket.unlinking)
            and world.now - socket.answered_at <= WINDOW_S
        )
        checks = checks_of(
            status=row.status,
            live_status=live.status(world.now, WINDOW_S),
            has_user=bool(live.user),
            is_open=live.proof is not None and live.proof.is_open,
            auto_reconnect=row.auto_reconnect,
        )
        healthy = row.status is Status.CONNECTED and is_alive and row.auto_reconnect and row.active
        assert is_healthy(checks, is_active=row.active) == healthy

    @invariant()
    def a_socket_stands_exactly_where_the_phase_says(self) -> None:
        world = self.world
        if world.state is not None:
            assert (world.socket is not None) == (world.state.phase in HAS_SOCKET)
            if world.socket is not None:
                assert (world.state.phase in (Phase.OPEN, Phase.UNLINKING)) <= world.socket.is_open

    @invariant()
    def what_is_promised_will_come(self) -> None:
        world = self.world
        if world.state is None:
            return
        match world.state.phase:
            case Phase.QUEUED:
                assert OUTLET in world.gate or world.admitted
                assert world.admitted or world.gate_asks_at is not None or world.gate.is_under_way(OUTLET)
            case Phase.WAITING:
                assert world.timer == max(world.timer or 0, (world.state.retry_at or 0) - EPOCH)
            case Phase.CLOSING:
                assert world.socket is not None
                assert world.socket.closing
            case Phase.UNLINKING:
                assert world.socket is not None
                assert world.socket.unlinking
            case Phase.IDLE:
                assert OUTLET not in world.gate
                assert not world.state.unlinking

    @invariant()
    def retries_stay_in_bounds(self) -> None:
        if self.world.state is not None:
            assert 0 <= self.world.state.retry_count <= self.world.state.max_retries

    @invariant()
    def a_settled_row_claims_no_connection_that_is_not_there(self) -> None:
        world = self.world
        if world.state is not None and not world.unwritten and world.row.status in (Status.CONNECTED, Status.PAUSED):
            assert world.state.phase is Phase.OPEN

    # In the end.

    @rule()
    def settle(self) -> None:
        """Everything gets its time, all works again: then the last wish has come true."""
        world = self.world
        world.network_is_up = True
        if world.state is None:
            world.start()
        for _ in range(ENOUGH):
            if not world.happens_next():
                break
        else:
            pytest.fail("it never settles")
        self.read_the_status(answered_s_ago=0.0)  # as every page does every 10 s
        self.check_the_last_wish()

    def check_the_last_wish(self) -> None:
        world, row = self.world, self.world.row
        state = world.state
        assert state is not None
        assert row.wish_number == row.state["wish_done"]
        assert state.phase in (Phase.IDLE, Phase.OPEN)
        assert row.status is state.status
        if not row.active or row.intent is Intent.OFFLINE:
            assert state.phase is Phase.IDLE
            assert row.status not in CLAIMS
        elif state.linked and state.cause in COMES_BACK | {""}:
            may_try = row.auto_reconnect and (world.policy.slow_retry or state.cause not in COMES_BACK)
            if may_try or state.phase is Phase.OPEN or state.cause == "":
                assert state.phase is Phase.OPEN
                assert row.status is (Status.PAUSED if row.intent is Intent.PAUSED else Status.CONNECTED)
        if state.phase is Phase.OPEN:
            assert world.keys == world.listed == NUMBER
            assert state.cause == ""
        if row.wish is Wish.UNLINK:
            assert not world.keys or state.cause in (Code.UNLINK_FAILED, Code.TEMPORARY_BAN, *STOPS)
        if world.keys == OTHER_NUMBER == world.listed:
            assert row.intent is Intent.OFFLINE or not row.active or row.status in (Status.FAILED, Status.DISCONNECTED)
        if not state.linked:
            assert row.status not in CLAIMS

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.settle()


STOPS = (Code.OUTDATED, Code.REPLACED, Code.REFUSED)

TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(
    deadline=None, max_examples=300, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
