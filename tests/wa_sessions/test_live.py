"""The live status is proved by four checks, each of which can fail alone."""

from dataclasses import dataclass, replace

import pytest

from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import NOTHING, Live
from wa_sessions.states import Status

NOW, WINDOW_S = 1000.0, 26.0


@dataclass
class Proof:
    is_open: bool = True
    answered_at: float = NOW - WINDOW_S


GOOD = Live(Phase.OPEN, NOW - 60, Proof(), user="628@s.whatsapp.net")


def test_it_is_verified_when_all_four_checks_hold():
    assert GOOD.is_verified(NOW, WINDOW_S)
    assert GOOD.status(NOW, WINDOW_S) is Status.CONNECTED


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"proof": None}, id="no socket"),
        pytest.param({"user": ""}, id="no confirmed user"),
        pytest.param({"proof": Proof(is_open=False)}, id="websocket closed"),
        pytest.param({"proof": Proof(answered_at=NOW - WINDOW_S - 0.01)}, id="no answer in the window"),
    ],
)
def test_it_is_not_verified_when_one_check_fails(change):
    live = replace(GOOD, **change)
    assert not live.is_verified(NOW, WINDOW_S)
    assert live.status(NOW, WINDOW_S) is Status.DISCONNECTED


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.OPEN}))
def test_it_is_verified_only_while_the_connection_is_to_stay(phase):
    assert not replace(GOOD, phase=phase).is_verified(NOW, WINDOW_S)


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        (Phase.IDLE, Status.DISCONNECTED),
        (Phase.QUEUED, Status.CONNECTING),
        (Phase.DIALING, Status.CONNECTING),
        (Phase.PAIRING, Status.CONNECTING),
        (Phase.WAITING, Status.CONNECTING),
        (Phase.UNLINKING, Status.DISCONNECTED),
        (Phase.CLOSING, Status.DISCONNECTED),
    ],
)
def test_it_says_what_is_being_done(phase, status):
    assert Live(phase, NOW).status(NOW, WINDOW_S) is status


def test_it_knows_nothing_of_an_outlet_without_a_runner():
    assert NOTHING.status(NOW, WINDOW_S) is Status.DISCONNECTED
