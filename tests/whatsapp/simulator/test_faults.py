"""Orders: which make sense, whom they strike, and how long."""

from typing import Any

import pytest

from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.faults import Fault, Faults, Kind, Stage

ME, OTHER = "6281111111", "6282222222"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"kind": "nonsense"}, "nonsense"),
        ({"kind": "drop", "stage": "noon"}, "noon"),
        ({"kind": "drop", "colour": "red"}, "colour"),
        ({"kind": "stream_error"}, "code or a conflict"),
        ({"kind": "slow"}, "delay_s"),
        ({"kind": "garbage", "which": "bag"}, "frame, node"),
        ({"kind": "certificate", "which": "paper"}, "root, issuer"),
        ({"kind": "failure", "stage": "open"}, "at login only"),
        ({"kind": "http", "number": ME}, "who is calling"),
        ({"kind": "refuse", "number": ME}, "who is calling"),
        ({"kind": "certificate", "number": ME}, "who is calling"),
        ({"kind": "black_hole", "number": ME, "stage": "upgrade"}, "who is calling"),
        ({"kind": "stream_error", "code": 500, "stage": "hello"}, "handshake is done"),
    ],
)
async def test_it_says_what_makes_no_sense(simulator: Simulator, order: dict[str, Any], said: str) -> None:
    with pytest.raises(SimulatorError, match=said):
        simulator.fault(**order)
    assert list(simulator.faults) == []


@pytest.mark.parametrize(
    ("order", "stage", "code", "times"),
    [
        (Fault(Kind.DROP), Stage.OPEN, None, 0),
        (Fault(Kind.DROP, times=3), Stage.OPEN, None, 3),
        (Fault(Kind.CLOSE), Stage.OPEN, 1000, 0),
        (Fault(Kind.FAILURE), Stage.LOGIN, 503, None),
        (Fault(Kind.HTTP), Stage.UPGRADE, 503, None),
        (Fault(Kind.BLACK_HOLE), Stage.UPGRADE, None, None),
        (Fault(Kind.BLACK_HOLE, ME), Stage.LOGIN, None, None),
        (Fault(Kind.CERTIFICATE), Stage.HELLO, None, None),
        (Fault(Kind.DEAF), None, None, None),
    ],
)
def test_it_fills_in_what_a_kind_implies(
    order: Fault, stage: Stage | None, code: int | None, times: int | None
) -> None:
    assert (order.stage, order.code, order.times) == (stage, code, times)


def test_an_order_strikes_its_account_its_stage_and_its_number_of_times() -> None:
    faults = Faults()
    faults.add(Fault(Kind.FAILURE, ME, code=401, times=2))
    assert faults.strike(Stage.OPEN, ME) is None
    assert faults.strike(Stage.LOGIN, OTHER) is None
    assert faults.strike(Stage.LOGIN) is None
    assert [fault and fault.code for fault in (faults.strike(Stage.LOGIN, ME) for _ in range(3))] == [401, 401, None]


def test_an_instant_order_does_not_wait_for_new_connections() -> None:
    faults = Faults()
    faults.add(Fault(Kind.DROP))
    assert faults.strike(Stage.OPEN, ME) is None


def test_an_order_for_one_goes_before_one_for_all_and_a_newer_before_an_older() -> None:
    faults = Faults()
    for code, number in ((401, ME), (402, ME), (500, None), (503, None)):
        faults.add(Fault(Kind.FAILURE, number, code=code))
    assert faults.strike(Stage.LOGIN, ME).code == 402  # type: ignore[union-attr]
    assert faults.strike(Stage.LOGIN, OTHER).code == 503  # type: ignore[union-attr]


def test_orders_are_lifted_by_account_by_kind_by_id_or_all() -> None:
    faults = Faults()
    for number in (ME, OTHER, None):
        faults.add(Fault(Kind.DEAF, number))
        faults.add(Fault(Kind.SLOW, number, delay_s=1))
    assert len(faults.lift(ME)) == 2
    assert len(faults.lift(kind=Kind.SLOW)) == 2
    (deaf, _) = faults
    assert faults.lift(fault_id=deaf.fault_id) == [deaf]
    assert faults.standing(Kind.DEAF, ME) is not None
    assert len(faults.lift()) == 1
    assert faults.standing(Kind.DEAF, ME) is None
