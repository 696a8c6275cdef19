"""The table of what a read corrects, cell by cell."""

from dataclasses import replace

import pytest

from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import NOTHING, Live
from wa_sessions.reconcile import RECONNECT_GRACE_S, correction
from wa_sessions.states import Intent, Status

NOW, WINDOW_S = 1000.0, 26.0
CONNECTED, CONNECTING, DISCONNECTED = Status.CONNECTED, Status.CONNECTING, Status.DISCONNECTED
PAUSED, FAILED, TIMEOUT = Status.PAUSED, Status.FAILED, Status.TIMEOUT


class Proof:
    is_open = True

    def __init__(self, age_s: float = 0.0) -> None:
        self.answered_at = NOW - age_s


VERIFIED = Live(Phase.OPEN, NOW - 500, Proof(), user="628@s.whatsapp.net")
STALE = replace(VERIFIED, proof=Proof(WINDOW_S + 1))
TRYING = {phase: Live(phase, NOW - 1) for phase in (Phase.QUEUED, Phase.DIALING, Phase.PAIRING, Phase.WAITING)}
TRYING_FOR_LONG = {phase: replace(live, since=NOW - RECONNECT_GRACE_S - 1) for phase, live in TRYING.items()}
NOT_TRYING = {"nothing": NOTHING, "idle": Live(Phase.IDLE, NOW), "stale": STALE}
LEAVING = {"closing": Live(Phase.CLOSING, NOW, Proof()), "unlinking": replace(VERIFIED, phase=Phase.UNLINKING)}


def corrected(status: Status, live: Live, intent: Intent = Intent.ONLINE) -> Status | None:
    return correction(status, intent, live, NOW, WINDOW_S)


@pytest.mark.parametrize("status", [CONNECTED, PAUSED])
@pytest.mark.parametrize(
    ("live", "becomes"),
    [
        *((live, DISCONNECTED) for live in (NOT_TRYING | LEAVING).values()),
        *((live, None) for live in TRYING.values()),
        *((live, DISCONNECTED) for live in TRYING_FOR_LONG.values()),
        (VERIFIED, None),
    ],
    ids=[
        *(NOT_TRYING | LEAVING),
        *TRYING,
        *(f"{phase} for long" for phase in TRYING_FOR_LONG),
        "verified",
    ],
)
def test_it_takes_back_a_connection_that_is_not_there(status, live, becomes):
    assert corrected(status, live, Intent.PAUSED if status is PAUSED else Intent.ONLINE) == becomes


@pytest.mark.parametrize("status", [CONNECTING, DISCONNECTED, FAILED, TIMEOUT])
@pytest.mark.parametrize(
    ("intent", "becomes"), [(Intent.ONLINE, CONNECTED), (Intent.PAUSED, PAUSED), (Intent.OFFLINE, CONNECTED)]
)
def test_it_says_connected_where_a_socket_proves_it(status, intent, becomes):
    assert corrected(status, VERIFIED, intent) == becomes


@pytest.mark.parametrize("intent", Intent)
def test_it_leaves_a_verified_pause_alone(intent):
    assert corrected(PAUSED, VERIFIED, intent) is None
    assert corrected(CONNECTED, VERIFIED, intent) is None


@pytest.mark.parametrize(
    ("live", "becomes"),
    [
        (NOTHING, DISCONNECTED),
        (Live(Phase.IDLE, NOW), DISCONNECTED),
        *((live, None) for live in (TRYING | TRYING_FOR_LONG | LEAVING).values()),
        (LEAVING["closing"], None),  # there is a socket, and a new attempt follows it
    ],
)
def test_it_takes_back_an_attempt_that_nobody_makes(live, becomes):
    assert corrected(CONNECTING, live) == becomes


@pytest.mark.parametrize("status", [DISCONNECTED, FAILED, TIMEOUT])
@pytest.mark.parametrize("live", [*NOT_TRYING.values(), *TRYING.values(), *LEAVING.values()])
def test_it_leaves_what_claims_nothing_alone(status, live):
    assert corrected(status, live) is None


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("live", [VERIFIED, STALE, NOTHING, *TRYING_FOR_LONG.values(), *LEAVING.values()])
def test_it_never_speaks_before_the_sockets_own_writer(status, live):
    assert corrected(status, replace(live, is_settled=False)) is None
