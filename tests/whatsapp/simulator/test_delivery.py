"""What is not acknowledged comes again."""

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.simulator import Simulator, stanzas
from whatsapp.simulator.phone import Phone

SENDER = Jid("6281234567890", device=3)


async def test_what_nobody_acknowledged_comes_at_each_login(
    simulator: Simulator, phone: Phone, linked: Credentials
) -> None:
    simulator.send(phone.number, stanzas.message(SENDER))
    simulator.send(phone.number, stanzas.receipt(SENDER, "3EB0", "read"))
    for _ in range(2):
        client = await RawClient.log_in(simulator, linked, active=False)
        await client.query("passive", "set", Node("active"))
        preview = (await client.receive()).child("offline_preview")
        assert preview is not None
        assert (preview.attr("count"), preview.attr("message"), preview.attr("receipt")) == ("2", "1", "1")
        message, receipt = await client.receive(), await client.receive()
        assert (message.tag, receipt.tag) == ("message", "receipt")
        end = (await client.receive()).child("offline")
        assert end is not None
        assert end.attr("count") == "2"

    await client.send("receipt", {"id": message.attr("id"), "to": SENDER})
    assert (await client.receive()).attr("class") == "receipt"
    await client.send("ack", {"class": "receipt", "id": "3EB0", "to": SENDER, "type": "read"})
    await client.query("w:p", "get")
    await RawClient.log_in(simulator, linked)
    assert phone.devices[0].pending is None
    assert simulator.mistakes == []
    counts = simulator.counts(phone.number)
    assert (counts.acks, counts.receipts) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"class": "receipt"},
        {"id": "other"},
        {"to": SERVER_JID},
    ],
)
async def test_a_wrong_ack_settles_nothing(
    simulator: Simulator, phone: Phone, linked: Credentials, wrong: dict[str, Attr]
) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.send(phone.number, stanzas.notification("devices", sender=SENDER))
    notification = await client.receive()
    right: dict[str, Attr] = {"class": "notification", "id": notification.attr("id"), "to": SENDER, "type": "devices"}
    await client.send("ack", {**right, **wrong})
    await client.query("w:p", "get")
    assert len(simulator.mistakes) == 1
    assert phone.devices[0].pending
    await client.send("ack", dict(right))
    await client.query("w:p", "get")
    assert phone.devices[0].pending is None


async def test_an_ack_without_its_type_is_noted(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.send(phone.number, stanzas.notification("devices"))
    notification = await client.receive()
    await client.send("ack", {"class": "notification", "id": notification.attr("id"), "to": SERVER_JID})
    await client.query("w:p", "get")
    assert "without its type" in simulator.mistakes[0].reason


async def test_it_goes_to_one_device_or_to_all(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    simulator.link_directly(phone.number)
    before = [len(device.pending or ()) for device in phone.devices]
    simulator.send(phone.number, stanzas.notification("account_sync"))
    simulator.send(phone.number, stanzas.notification("account_sync"), device=2)
    assert [len(device.pending or ()) for device in phone.devices] == [before[0] + 1, before[1] + 2]
