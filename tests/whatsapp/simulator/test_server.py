"""The simulator as a whole: what outlives it, and what it counts."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.protocol.jid import Jid
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.memory import State


@pytest.mark.parametrize("kind", ["dict", "file"])
async def test_linked_devices_outlive_it(kind: str, tmp_path: Path) -> None:
    state: State = {} if kind == "dict" else tmp_path / "state.json"
    async with Simulator(root_seed="demo", state=state) as first:
        phone = first.add_phone("6287788987745", name="Toko <b>", business_name="CV Jaya")
        phone.network = False
        credentials = first.link_directly(phone.number)
        await RawClient.log_in(first, credentials)
    async with Simulator(root_seed="demo", state=state) as second:
        assert second.root_key == first.root_key
        again = second.phone("6287788987745")
        assert (again.account.name, again.account.business_name, again.network) == ("Toko <b>", "CV Jaya", False)
        assert again.account.lid == phone.account.lid
        client = await RawClient.log_in(second, credentials)
        assert (await client.query("w:p", "get")).attr("type") == "result"
        assert second.mistakes == []
    assert set(os.listdir(tmp_path)) <= {"state.json"}


async def test_without_a_state_it_forgets() -> None:
    async with Simulator() as first:
        credentials = first.link_directly("6287788987745")
    async with Simulator() as second:
        second.add_phone("6287788987745")
        with pytest.raises(AssertionError):
            await RawClient.log_in(second, credentials)


async def test_stopping_cuts_everything_at_once(simulator: Simulator) -> None:
    credentials = simulator.link_directly("6287788987745")
    clients = [await RawClient.log_in(simulator, credentials), await RawClient.dial(simulator)]
    simulator.fault("black_hole", "6287788987745")
    async with asyncio.timeout(1):
        await simulator.stop()
    for client in clients:
        assert await client.closed() is None


@pytest.mark.parametrize("number", ["", "+6281234567", "62 812", "12345", "abc", "1" * 16, "٦٢٨١٢٣٤٥٦٧"])
def test_a_number_is_digits(number: str) -> None:
    with pytest.raises(SimulatorError, match="no number"):
        Simulator().add_phone(number)


def test_a_phone_is_added_once_and_found_by_number_and_lid() -> None:
    simulator = Simulator()
    phone = simulator.add_phone("6287788987745", name="Toko")
    assert simulator.add_phone("6287788987745", name="Toko Baru") is phone is simulator.phone("6287788987745")
    assert phone.account.name == "Toko Baru"
    assert simulator.account_of(Jid(phone.account.lid, "lid", 3)) is phone.account
    assert simulator.account_of(Jid("6287788987745")) is phone.account
    assert simulator.account_of(Jid("999", "lid")) is None
    with pytest.raises(SimulatorError, match="no phone"):
        simulator.phone("628")


async def test_counts_start_anew(simulator: Simulator) -> None:
    credentials = simulator.link_directly("6287788987745")
    await RawClient.log_in(simulator, credentials)
    simulator.ledger.mistake("x", "6287788987745")
    simulator.ledger.reset()
    counts = simulator.counts("6287788987745")
    assert (counts.dials, counts.logins, counts.mistakes, counts.sockets, counts.max_sockets) == (0, 0, 0, 1, 1)
    assert simulator.mistakes == []
    assert simulator.counts().sockets == 1


def test_it_lives_under_uvloop_too() -> None:
    async def live() -> Any:
        async with Simulator() as simulator:
            credentials = simulator.link_directly("6287788987745")
            client = await RawClient.log_in(simulator, credentials)
            simulator.fault("black_hole")
            assert await client.silent()
            await simulator.lift()
            await client.query("w:p", "get")
            simulator.fault("drop")
            return await client.closed()

    assert uvloop.run(live()) is None
