"""Our client and an independent one write to each other."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interop.baileys import MISSING, Baileys
from tests.interop.test_messages import DELIVERED, READ, eventually, status, text
from tests.whatsapp.device import Device
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import MessageReceived, Ready, ReceiptReceived
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]

NUMBER = "6281234567890"
OURS = f"{NUMBER}@s.whatsapp.net"


@pytest_asyncio.fixture(loop_scope="package")
async def store(simulator: Simulator) -> MemoryStore:
    return MemoryStore(simulator.link_directly(NUMBER, pre_keys=0))


@pytest_asyncio.fixture(loop_scope="package")
async def device(linked: Baileys, simulator: Simulator, store: MemoryStore) -> AsyncIterator[Device]:
    device = Device(simulator, store)
    await device.event(Ready)
    yield device
    await device.client.close()
    await device.end()


def statuses(device: Device, message_id: str) -> set[str]:
    """What became of a message at its recipient's linked device and phone."""
    return {told.status for told in device.told(ReceiptReceived) if message_id in told.message_ids}


def received(device: Device) -> list[str]:
    return [told.text for told in device.told(MessageReceived)]


async def test_ours_writes_first(linked: Baileys, simulator: Simulator, phone: Phone, device: Device) -> None:
    for number in range(3):
        await device.text(phone, f"Halo {number}", f"3EB0AA0{number}")
        assert await text(linked) == f"Halo {number}"
    delivered = lambda: [told.status for told in device.told(ReceiptReceived)].count("delivered")  # noqa: E731
    await eventually(lambda: delivered() == 6)  # each by phone and Baileys
    linked.order("read", **{"from": OURS, "id": "3EB0AA02"})
    await eventually(lambda: "read" in statuses(device, "3EB0AA02"))
    for number in range(2):
        linked.order("text", to=OURS, text=f"Ya {number}", id=f"3EB0AB0{number}")
        await status(linked, f"3EB0AB0{number}", DELIVERED)
    await eventually(lambda: received(device) == ["Ya 0", "Ya 1"])
    assert {told.sender_number for told in device.told(MessageReceived)} == {phone.number}
    await device.text(phone, "Baik")
    assert await text(linked) == "Baik"
    assert simulator.mistakes == []


async def test_baileys_writes_first(linked: Baileys, simulator: Simulator, phone: Phone, device: Device) -> None:
    for number in range(2):
        linked.order("text", to=OURS, text=f"Halo {number}", id=f"3EB0AA0{number}")
        await status(linked, f"3EB0AA0{number}", DELIVERED)
    await eventually(lambda: received(device) == ["Halo 0", "Halo 1"])
    await device.client.send_node(Node("receipt", {"type": "read", "id": "3EB0AA01", "to": Jid(phone.number)}))
    await status(linked, "3EB0AA01", READ)
    await device.text(phone, "Ya?")
    assert await text(linked) == "Ya?"
    assert simulator.mistakes == []


async def test_they_write_while_the_other_is_away(
    linked: Baileys, simulator: Simulator, phone: Phone, device: Device, store: MemoryStore
) -> None:
    await linked.leave()
    await device.text(phone, "Halo")
    linked.connect(simulator.url)
    assert await text(linked) == "Halo"
    await device.client.close()
    await device.end()
    linked.order("text", to=OURS, text="Ya?", id="3EB0AB")
    await linked.until("sent")
    again = Device(simulator, store)
    assert (await again.event(MessageReceived)).text == "Ya?"
    await status(linked, "3EB0AB", DELIVERED)
    await again.client.close()
    await again.end()
    assert simulator.mistakes == []


@pytest.mark.parametrize("is_first", [True, False])
async def test_damaged_ones_are_asked_for_again(
    linked: Baileys, simulator: Simulator, phone: Phone, device: Device, is_first: bool
) -> None:
    if not is_first:
        await device.text(phone, "0")
        assert await text(linked) == "0"
        linked.order("text", to=OURS, text="0", id="3EB0A0")
        await eventually(lambda: received(device) == ["0"])
    simulator.fault("damage", NUMBER, times=3)  # for the phone, for Baileys, for the own phone
    await device.text(phone, "Halo")
    assert await text(linked) == "Halo"
    simulator.fault("damage", phone.number, times=3)
    linked.order("text", to=OURS, text="Ya?", id="3EB0AB")
    await eventually(lambda: received(device)[-1:] == ["Ya?"])
    assert list(simulator.faults) == []
    await device.text(phone, "Baik")
    assert await text(linked) == "Baik"
    linked.order("text", to=OURS, text="Sip", id="3EB0AC")
    await eventually(lambda: received(device)[-1:] == ["Sip"])
    assert simulator.mistakes == []


async def test_many_cross(linked: Baileys, simulator: Simulator, phone: Phone, device: Device) -> None:
    """Both ratchets turn while messages are under way."""
    for number in range(20):
        linked.order("text", to=OURS, text=f"b{number}", id=f"3EB0BB{number:02}")
    await asyncio.gather(*(device.text(phone, f"a{number}") for number in range(20)))
    assert {await text(linked) for _ in range(20)} == {f"a{number}" for number in range(20)}
    await eventually(lambda: len(received(device)) == 20)
    assert set(received(device)) == {f"b{number}" for number in range(20)}
    assert simulator.mistakes == []
