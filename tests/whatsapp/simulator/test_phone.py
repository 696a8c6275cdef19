"""What a phone tells its owner."""

import asyncio
import dataclasses

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.protocol import code_pairing
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.simulator import PhoneError, Simulator
from whatsapp.simulator.accounts import MAX_DEVICES
from whatsapp.simulator.phone import Phone


@pytest.mark.parametrize("text", ["", "https://example.com", "a,b,c,d,1", "2@ref,AAAA,AAAA,AAAA,1", "2@ref"])
async def test_it_knows_what_is_no_whatsapp_code(phone: Phone, text: str) -> None:
    with pytest.raises(PhoneError, match="no WhatsApp QR code"):
        await phone.scan(text)


async def test_it_knows_a_stale_code(simulator: Simulator, phone: Phone) -> None:
    client, announced = await RawClient.register(simulator)
    await client.socket.close()
    with pytest.raises(PhoneError, match="no longer valid"):
        await phone.scan(client.qr(announced))


async def test_it_knows_a_code_with_other_keys(simulator: Simulator, phone: Phone) -> None:
    client, announced = await RawClient.register(simulator)
    client.credentials = dataclasses.replace(client.credentials, identity_private=new_credentials().identity_private)
    with pytest.raises(PhoneError, match="another device"):
        await phone.scan(client.qr(announced))
    assert "other keys" in simulator.mistakes[0].reason


async def test_every_ref_is_good_while_the_connection_stands(simulator: Simulator, phone: Phone) -> None:
    client, announced = await RawClient.register(simulator)
    scan = asyncio.create_task(phone.scan(client.qr(announced, 5)))
    answer = client.sign(await client.receive())
    await client.send(answer.tag, answer.attrs, answer.content)
    assert (await scan).number == 1


async def test_the_old_form_of_the_code_is_read_too(simulator: Simulator, phone: Phone) -> None:
    client, announced = await RawClient.register(simulator)
    text = client.qr(announced).partition("#")[2].rpartition(",")[0]
    scan = asyncio.create_task(phone.scan(text))
    answer = client.sign(await client.receive())
    await client.send(answer.tag, answer.attrs, answer.content)
    assert (await scan).number == 1


async def test_without_network_it_does_nothing(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    phone.network = False
    client = await RawClient.log_in(simulator, linked)
    for work in (phone.scan("x"), phone.enter_code("ABCD1234"), phone.unlink(1)):
        with pytest.raises(PhoneError, match="no network"):
            await work
    assert (await client.query("w:p", "get")).attr("type") == "result"
    phone.network = True
    await phone.unlink(1)


async def test_a_camera_can_be_broken(simulator: Simulator, phone: Phone) -> None:
    simulator.fault("no_scan", phone.number)
    with pytest.raises(PhoneError, match="camera"):
        await phone.scan("x")
    with pytest.raises(PhoneError, match="no WhatsApp"):
        await simulator.add_phone("6281111111").scan("x")


async def test_it_links_four_devices_at_most(simulator: Simulator, phone: Phone) -> None:
    for _ in range(MAX_DEVICES):
        simulator.link_directly(phone.number)
    with pytest.raises(PhoneError, match="No more than 4"):
        simulator.link_directly(phone.number)
    client, announced = await RawClient.register(simulator)
    with pytest.raises(PhoneError, match="No more than 4"):
        await phone.scan(client.qr(announced))
    await phone.unlink(2)
    simulator.link_directly(phone.number)
    assert [device.number for device in phone.devices] == [1, 3, 4, 5]


async def test_unlinking_ends_the_connection_and_lets_it_never_in_again(
    simulator: Simulator, phone: Phone, linked: Credentials
) -> None:
    client = await RawClient.log_in(simulator, linked)
    await phone.unlink(phone.devices[0])
    error = await client.receive()
    conflict = error.child("conflict")
    assert (error.tag, error.attr("code")) == ("stream:error", "401")
    assert conflict is not None
    assert conflict.attr("type") == "device_removed"
    with pytest.raises(PhoneError, match="No device 1"):
        await phone.unlink(1)


@pytest.mark.parametrize("code", ["", "1234567", "ABCD-EFG0", "ABCDEFGHI"])
async def test_it_knows_what_is_no_code(phone: Phone, code: str) -> None:
    with pytest.raises(PhoneError, match="8 letters and digits"):
        await phone.enter_code(code)


async def test_a_code_needs_somebody_who_waits_for_it(phone: Phone) -> None:
    with pytest.raises(PhoneError, match="No device is waiting"):
        await phone.enter_code("ABCD-EFGH")


def hello_of(client: RawClient, number: str, **changes: bytes | str | None) -> Node:
    """The companion_hello of a client, with parts changed or left out."""
    parts: dict[str, bytes | str | None] = {
        "link_code_pairing_wrapped_companion_ephemeral_pub": code_pairing.wrap_key("ABCDEFGH", bytes(range(32))),
        "companion_server_auth_key_pub": client.noise_public,
        "companion_platform_id": "1",
        "companion_platform_display": "Chrome (Linux)",
        "link_code_pairing_nonce": "0",
        **changes,
    }
    attrs: dict[str, Attr] = {"jid": Jid(number), "stage": "companion_hello", "should_show_push_notification": "true"}
    content = [Node(tag, {}, value) for tag, value in parts.items() if value is not None]
    return Node("link_code_companion_reg", attrs, content)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"companion_platform_display": "Gerai"}, 400),
        ({"companion_server_auth_key_pub": bytes(32)}, 400),
        ({"link_code_pairing_wrapped_companion_ephemeral_pub": bytes(79)}, 400),
        ({"link_code_pairing_nonce": None}, 400),
        ({"companion_platform_id": None}, 400),
    ],
)
async def test_the_server_refuses_a_malformed_hello(
    simulator: Simulator, phone: Phone, changes: dict[str, bytes | str | None], code: int
) -> None:
    client, _ = await RawClient.register(simulator)
    assert await client.error("md", "set", hello_of(client, phone.number, **changes)) == code
    assert len(simulator.mistakes) == 1


async def test_nobody_can_be_asked_who_has_no_phone(simulator: Simulator) -> None:
    client, _ = await RawClient.register(simulator)
    assert await client.error("md", "set", hello_of(client, "6289999999")) == 404
    assert simulator.mistakes == []


async def test_a_wrong_answer_to_the_code_links_nothing(simulator: Simulator, phone: Phone) -> None:
    client, _ = await RawClient.register(simulator)
    answer = await client.query("md", "set", hello_of(client, phone.number))
    ref = answer.child("link_code_companion_reg", "link_code_pairing_ref")
    assert ref is not None
    entering = asyncio.create_task(phone.enter_code("abcd efgh"))
    notification = await client.receive()
    assert notification.attr("type") == "link_code_companion_reg"
    await client.send(
        "ack",
        {"class": "notification", "id": notification.attr("id"), "to": SERVER_JID, "type": notification.attr("type")},
    )

    def finish(the_ref: bytes, identity: bytes) -> Node:
        parts = {
            "link_code_pairing_wrapped_key_bundle": bytes(156),
            "companion_identity_public": identity,
            "link_code_pairing_ref": the_ref,
        }
        content = [Node(tag, {}, value) for tag, value in parts.items()]
        return Node("link_code_companion_reg", {"jid": Jid(phone.number), "stage": "companion_finish"}, content)

    session = simulator.session_waiting_for_code(phone.account)
    assert session is not None
    assert session.pairing is not None
    identity = session.pairing.registration.identity
    assert await client.error("md", "set", finish(b"other", identity)) == 400
    assert await client.error("md", "set", finish(ref.data, bytes(32))) == 400
    assert (await client.query("md", "set", finish(ref.data, identity))).attr("type") == "result"
    with pytest.raises(PhoneError, match="code is wrong"):
        await entering
    assert phone.devices == []
