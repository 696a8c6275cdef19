"""Steering messages from another process."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.whatsapp.simulator.test_control import Control
from tests.whatsapp.simulator.writer import Writer
from whatsapp.protocol.jid import Jid
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.control import ControlClient
from whatsapp.simulator.phone import Phone


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[Any]:
    client = await asyncio.to_thread(ControlClient, simulator.control_url)
    yield Control(client)
    await asyncio.to_thread(client.close)


@pytest.fixture
async def writer(simulator: Simulator, phone: Phone) -> Writer:
    return await Writer.log_in(simulator, simulator.link_directly(phone.number, pre_keys=0), pre_keys=10)


async def test_recipients_show_what_they_got(control: Any, writer: Writer) -> None:
    numbers = await control.add_recipients(3, reads=True)
    assert await control.add_recipients(["6281111111"], lazy=True) == ["6281111111"]
    assert [row["number"] for row in await control.phones()] == ["6287788987745"]
    for index, number in enumerate([*numbers, "6281111111"]):
        await writer.send(Jid(number), f"Halo {index}", f"3EB0{index}")
        await writer.take("receipt")
        if number != "6281111111":
            assert (await writer.take("receipt")).attr("type") == "read"
    (message,) = await control.inbox(numbers[1])
    assert (message["text"], message["sender"], message["message_id"]) == ("Halo 1", "6287788987745", "3EB01")
    assert {number: row["ids"] for number, row in (await control.inboxes()).items()} == {
        **{number: [f"3EB0{index}"] for index, number in enumerate(numbers)},
        "6281111111": ["3EB03"],
    }
    assert (await control.inboxes([numbers[0]]))[numbers[0]]["count"] == 1
    assert await control.totals() == {
        "phones": 4,
        "messages": 4,
        "repeats": 0,
        "undecryptable": 0,
        "ignored": 0,
        "waiting": 0,
        "uploads": 0,
    }


async def test_a_phone_is_told_what_to_do(control: Any, writer: Writer, phone: Phone, simulator: Simulator) -> None:
    await control.add_phone("6281234567890", "Budi")
    message_id = await control.send_text("6281234567890", phone.number, "STOP")
    assert writer.read(await writer.take("message")) == "STOP"
    receipts = await control.receipts("6281234567890")
    assert [(row["message"], row["device"], row["kind"]) for row in receipts["receipts"]] == [
        (message_id, 0, ""),
        (message_id, 1, ""),
    ]
    assert await control.behave("6281234567890", confirms=False, pre_keys_left=0) == 1
    await writer.send(Jid("6281234567890"), "Halo", "3EB01")
    assert await control.read("6281234567890") == 1
    assert (await writer.take("receipt")).attr("type") == "read"
    assert await control.give_token("6281234567890", phone.number)
    assert (await writer.take("notification")).attr("type") == "privacy_token"
    assert await control.inbox(phone.number, copies=True) == []
    await control.forget("6281234567890")
    await control.forget("6281234567890", account=True)
    with pytest.raises(SimulatorError, match="no phone"):
        await control.inbox("6281234567890")
    with pytest.raises(SimulatorError, match="Unlink"):
        await control.forget(phone.number, account=True)
    assert simulator.mistakes == []


async def test_the_newest_chats_of_recipients_are_shown(control: Any, writer: Writer, phone: Phone) -> None:
    assert await control.recipients() == ([], 0)
    numbers = await control.add_recipients(4)
    await control.add_phone(numbers[1], name="Ibu Ani")
    await control.behave(numbers[3], network=False)
    for number in (numbers[3], numbers[2], numbers[1]):
        await writer.send(Jid(number), f"Halo {number}", f"3EB0{number}")
        if number != numbers[3]:
            await writer.take("receipt")
    await control.send_text(numbers[1], phone.number, "STOP")
    await writer.take("message")
    await writer.send(Jid(numbers[1]), "Baik", "3EB0B")
    await writer.take("receipt")
    rows, count = await control.recipients(limit=2, messages=2)
    assert count == 4
    assert [(row["number"], row["name"]) for row in rows] == [(numbers[1], "Ibu Ani"), (numbers[2], "")]
    said = [(message["sender"], message["text"]) for message in rows[0]["messages"]]
    assert said == [(numbers[1], "STOP"), (phone.number, "Baik")]
    rows, _ = await control.recipients()
    assert [(row["network"], row["waiting"], len(row["messages"])) for row in rows] == [
        (True, 0, 0),
        (True, 0, 3),
        (True, 0, 1),
        (False, 1, 0),
    ]
