"""What the server checks when a device signs, and what it then knows."""

import asyncio
from collections.abc import Callable

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.protobufs.adv_pb2 import ADVSignedDeviceIdentity
from whatsapp.simulator import PhoneError, Simulator
from whatsapp.simulator.accounts import Device
from whatsapp.simulator.phone import Phone


async def scanned(simulator: Simulator, phone: Phone) -> tuple[RawClient, Node, "asyncio.Task[Device]"]:
    """A client whose QR code is being scanned, the pair-success it got, and the scan under way."""
    client, announced = await RawClient.register(simulator)
    scan = asyncio.create_task(phone.scan(client.qr(announced), timeout_s=5))
    return client, await client.receive(), scan


async def test_it_links_who_signs_rightly(simulator: Simulator, phone: Phone) -> None:
    client, pair_success, scan = await scanned(simulator, phone)
    answer = client.sign(pair_success)
    await client.send(answer.tag, answer.attrs, answer.content)
    error = await client.receive()
    assert (error.tag, error.attr("code")) == ("stream:error", "515")
    await client.closed()
    device = await scan
    assert phone.devices == [device]
    assert device.name == "Gerai"
    assert client.credentials.jid == str(device.jid)

    again = await RawClient.log_in(simulator, client.credentials)
    assert (await again.query("w:p", "get")).attr("type") == "result"
    assert simulator.mistakes == []


def identity_of(answer: Node) -> tuple[Node, ADVSignedDeviceIdentity]:
    node = answer.child("pair-device-sign", "device-identity")
    assert node is not None
    return node, ADVSignedDeviceIdentity.FromString(node.data)


def changed_details(answer: Node) -> None:
    node, identity = identity_of(answer)
    identity.details += b"\x18\x09"
    node.content = identity.SerializeToString()


def with_account_key(answer: Node) -> None:
    node, identity = identity_of(answer)
    identity.account_signature_key = bytes(32)
    node.content = identity.SerializeToString()


def other_account_signature(answer: Node) -> None:
    node, identity = identity_of(answer)
    identity.account_signature = bytes(64)
    node.content = identity.SerializeToString()


def wrong_device_signature(answer: Node) -> None:
    node, identity = identity_of(answer)
    identity.device_signature = bytes(64)
    node.content = identity.SerializeToString()


def wrong_key_index(answer: Node) -> None:
    identity_of(answer)[0].attrs["key-index"] = "77"


def nonsense(answer: Node) -> None:
    identity_of(answer)[0].content = b"\xff\xff\xff"


def nothing(answer: Node) -> None:
    answer.content = None


@pytest.mark.parametrize(
    "spoil",
    [
        changed_details,
        with_account_key,
        other_account_signature,
        wrong_device_signature,
        wrong_key_index,
        nonsense,
        nothing,
    ],
)
async def test_it_refuses_who_signs_wrongly(simulator: Simulator, phone: Phone, spoil: Callable[[Node], None]) -> None:
    client, pair_success, scan = await scanned(simulator, phone)
    answer = client.sign(pair_success)
    spoil(answer)
    await client.send(answer.tag, answer.attrs, answer.content)
    with pytest.raises(PhoneError, match="could not be verified"):
        await scan
    assert (await client.receive()).tag == "stream:error"
    assert len(simulator.mistakes) == 1
    assert phone.devices == []


async def test_a_device_may_refuse_the_phone(simulator: Simulator, phone: Phone) -> None:
    client, pair_success, scan = await scanned(simulator, phone)
    error = Node("error", {"code": "401", "text": "hmac-mismatch"})
    await client.send("iq", {"to": SERVER_JID, "type": "error", "id": pair_success.attr("id")}, [error])
    with pytest.raises(PhoneError, match="hmac-mismatch"):
        await scan
    assert phone.devices == []
    assert simulator.mistakes == []


async def test_a_device_may_vanish(simulator: Simulator, phone: Phone) -> None:
    client, _, scan = await scanned(simulator, phone)
    client.socket.transport.abort()
    with pytest.raises(PhoneError, match="went away"):
        await scan


async def test_a_device_may_never_answer(simulator: Simulator, phone: Phone) -> None:
    client, announced = await RawClient.register(simulator)
    with pytest.raises(PhoneError, match="in time"):
        await phone.scan(client.qr(announced), timeout_s=0.1)
    with pytest.raises(PhoneError, match="being linked already"):
        await phone.scan(client.qr(announced, 1))


async def test_business_names_and_numbers_go_along(simulator: Simulator) -> None:
    phone = simulator.add_phone("6281234567", business_name="Toko <b>Jaya</b>", platform="smba")
    client, pair_success, scan = await scanned(simulator, phone)
    answer = client.sign(pair_success)
    await client.send(answer.tag, answer.attrs, answer.content)
    await scan
    assert client.credentials.business_name == "Toko <b>Jaya</b>"
    assert client.credentials.platform == "smba"
    assert simulator.counts(phone.number).sockets == 1
