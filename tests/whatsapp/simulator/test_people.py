"""Who is there: phones, and recipients by the thousand."""

import pytest

from tests.whatsapp.simulator.writer import Writer
from whatsapp.protocol.jid import Jid
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.key_sets import key_set
from whatsapp.simulator.phone import Phone


async def test_recipients_cost_nothing_before_somebody_writes_to_them(simulator: Simulator) -> None:
    before = key_set.cache_info().currsize
    numbers = simulator.add_recipients(10_000)
    assert len(set(numbers)) == len(simulator.accounts) == 10_000
    assert key_set.cache_info().currsize == before
    assert simulator.add_recipients(10, first=10_000)[0] not in numbers
    assert simulator.add_recipients(numbers[:3], reads=True) == numbers[:3]
    assert len(simulator.accounts) == 10_010
    with pytest.raises(SimulatorError, match="no number"):
        simulator.add_recipients(["x"])


async def test_recipients_are_people_of_their_own(simulator: Simulator, phone: Phone) -> None:
    """They share keys, which nobody notices."""
    numbers = simulator.add_recipients(40)
    writer = await Writer.log_in(simulator, simulator.link_directly(phone.number, pre_keys=0), pre_keys=10)
    for number in (numbers[0], numbers[32], numbers[1]):
        await writer.send(Jid(number), f"Halo {number}", f"3EB0{number}")
        await writer.take("receipt")
        (message,) = simulator.phone(number).inbox.messages.values()
        assert message.text == f"Halo {number}"
    await simulator.phone(numbers[32]).send(phone.number, "STOP")
    assert writer.read(await writer.take("message")) == "STOP"
    assert simulator.mistakes == []


async def test_a_restarted_simulator_recovers_by_retries() -> None:
    state: dict[str, object] = {}
    async with Simulator(root_seed="x", state=state) as simulator:
        simulator.add_phone("6287788987745")
        simulator.add_phone("6281234567890")
        simulator.add_recipients(5)
        credentials = simulator.link_directly("6287788987745", pre_keys=0)
        writer = await Writer.log_in(simulator, credentials)
        await writer.send(Jid("6281234567890"), "1", "3EB01")
        await writer.take("receipt")
    async with Simulator(root_seed="x", state=state) as simulator:
        assert len(simulator.phones) == 2
        again = await Writer.log_in(simulator, credentials)
        again.records = writer.records
        await again.send(Jid("6281234567890"), "2", "3EB02")
        assert (await again.take("receipt")).attr("type") == "retry"
        await again.fetch(Jid("6281234567890"))
        await again.send(Jid("6281234567890"), "2", "3EB02")
        await again.take("receipt")
        assert [message.text for message in simulator.phone("6281234567890").inbox.messages.values()] == ["2"]
