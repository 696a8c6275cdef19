"""The simulated phones and an independent client understand each other's messages, receipts and retries."""

import asyncio
from collections.abc import Callable

import pytest

from tests.interop.baileys import MISSING, Baileys
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]

PERSON = "6281234567890"
DELIVERED, READ = 3, 4  # Baileys' numbers


@pytest.fixture
def person(simulator: Simulator) -> Phone:
    return simulator.add_phone(PERSON, name="Budi")


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  # nothing tells of every state that is asked for here
            await asyncio.sleep(0.02)


def texts(phone: Phone) -> list[str | None]:
    return [message.text for message in phone.inbox.messages.values()]


async def status(baileys: Baileys, message_id: str, wanted: int) -> None:
    """Wait until Baileys knows that about a message."""
    while True:
        told = await baileys.until("status")
        if told["id"] == message_id and told["status"] == wanted:
            return


async def text(baileys: Baileys, timeout_s: float = 20.0) -> str:
    """The next text that somebody else wrote to Baileys."""
    while True:
        message = await baileys.until("message", timeout_s)
        if not message["fromMe"] and message["text"] is not None:
            return str(message["text"])


async def test_it_writes_and_is_answered(linked: Baileys, simulator: Simulator, phone: Phone, person: Phone) -> None:
    for number in range(3):
        linked.order("text", to=f"{PERSON}@s.whatsapp.net", text=f"Halo {number}", id=f"3EB0AA0{number}")
        await status(linked, f"3EB0AA0{number}", DELIVERED)
    assert texts(person) == ["Halo 0", "Halo 1", "Halo 2"]
    assert [copy.text for copy in phone.copies.messages.values()] == texts(person)
    for reply in ("STOP", "Terima kasih"):
        await person.send(phone.number, reply)
        assert await text(linked) == reply
    linked.order("text", to=f"{PERSON}@s.whatsapp.net", text="Baik", id="3EB0AB")
    await status(linked, "3EB0AB", DELIVERED)
    person.read("3EB0AB")
    await status(linked, "3EB0AB", READ)
    assert texts(person)[-1] == "Baik"
    await eventually(lambda: not phone.devices[0].pending)
    assert simulator.mistakes == []


@pytest.mark.parametrize("as_lid", [False, True])
async def test_a_phone_writes_first(
    linked: Baileys, simulator: Simulator, phone: Phone, person: Phone, as_lid: bool
) -> None:
    for number in range(2):
        await person.send(phone.number, f"Halo {number}", as_lid=as_lid)
        assert await text(linked) == f"Halo {number}"
    await eventually(lambda: len(person.receipts) >= 4)
    linked.order("text", to=str(person.account.address(0, as_lid=as_lid)), text="Ya?", id="3EB0AA")
    await status(linked, "3EB0AA", DELIVERED)
    assert texts(person) == ["Ya?"]
    assert simulator.mistakes == []


async def test_what_came_while_it_was_away_comes_later(
    linked: Baileys, simulator: Simulator, phone: Phone, person: Phone
) -> None:
    await linked.leave()
    await person.send(phone.number, "Halo")
    person.network = False
    linked.connect(simulator.url)
    await linked.until("open")
    assert await text(linked) == "Halo"
    linked.order("text", to=f"{PERSON}@s.whatsapp.net", text="Ya?", id="3EB0AA")
    await linked.until("sent")
    assert texts(person) == []
    person.network = True
    await status(linked, "3EB0AA", DELIVERED)
    assert texts(person) == ["Ya?"]
    assert simulator.mistakes == []


async def test_the_phone_asks_again_for_what_it_could_not_read(
    linked: Baileys, simulator: Simulator, person: Phone
) -> None:
    for number, damaged in enumerate((1, 0, 1)):
        person.corrupt = damaged
        linked.order("text", to=f"{PERSON}@s.whatsapp.net", text=f"Halo {number}", id=f"3EB0AA0{number}")
        await eventually(lambda wanted=number + 1: len(texts(person)) == wanted)  # type: ignore[misc]
    assert texts(person) == ["Halo 0", "Halo 1", "Halo 2"]
    assert simulator.mistakes == []


async def test_it_asks_again_for_what_it_could_not_read(
    linked: Baileys, simulator: Simulator, phone: Phone, person: Phone
) -> None:
    await person.send(phone.number, "Halo 0")
    assert await text(linked) == "Halo 0"
    simulator.fault("damage", person.number)
    await person.send(phone.number, "Halo 1")
    await eventually(lambda: sum(receipt.kind == "retry" for receipt in person.receipts) == 2)
    assert await text(linked) == "Halo 1"
    assert texts(phone) == ["Halo 0", "Halo 1"]
    assert simulator.mistakes == []


async def test_a_phone_that_lost_its_sessions_gets_new_ones(
    linked: Baileys, simulator: Simulator, phone: Phone, person: Phone
) -> None:
    await person.send(phone.number, "Halo")
    assert await text(linked) == "Halo"
    person.handset.forget_sessions()
    linked.order("text", to=f"{PERSON}@s.whatsapp.net", text="Ya?", id="3EB0AA")
    await eventually(lambda: texts(person) == ["Ya?"])
    assert simulator.mistakes == []
