"""What the server lets nobody get away with."""

import asyncio
import dataclasses

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.protocol.frames import intro
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node, encode_compressed_node
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone


def reasons(simulator: Simulator) -> str:
    return "; ".join(mistake.reason for mistake in simulator.mistakes)


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1", b"WA\x06\x02", b"WA\x05\x03", b"ED\x00\x02\x00\x00\x01xWA\x06\x03"]
)
async def test_it_hangs_up_without_the_intro(simulator: Simulator, first: bytes) -> None:
    client = await RawClient.dial(simulator)
    await client.socket.send(first)
    assert await client.closed() is None
    assert "intro" in reasons(simulator)


@pytest.mark.parametrize("routing", [b"", b"\x08\x0e", bytes(70_000)])
async def test_it_takes_edge_routing_and_any_cut(simulator: Simulator, linked: Credentials, routing: bytes) -> None:
    client = await RawClient.dial(simulator, linked)
    whole = intro(routing)
    for start in range(min(len(whole), 12)):
        await client.socket.send(whole[start : start + 1])
    await client.shake(login_payload(linked, DeviceDescription()), whole[12:])
    assert (await client.receive()).tag == "success"
    assert simulator.mistakes == []


async def test_it_hangs_up_on_text(simulator: Simulator) -> None:
    client = await RawClient.dial(simulator)
    await client.socket.send("WA")
    assert await client.closed() is None
    assert "text message" in reasons(simulator)


async def test_it_hangs_up_on_a_broken_handshake(simulator: Simulator) -> None:
    client = await RawClient.dial(simulator)
    await client.socket.send(intro() + b"\x00\x00\x05hello")
    assert await client.closed() is None
    assert "hello" in reasons(simulator)


@pytest.mark.parametrize("plain", [b"", b"\x00", b"\x00\xf8\x01\xf4", b"\x00\xff\xff\xff"])
async def test_it_hangs_up_on_what_is_no_node(simulator: Simulator, linked: Credentials, plain: bytes) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.send_plain(plain)
    assert await client.closed() is None
    assert simulator.mistakes[-1].number == "6287788987745"
    assert simulator.mistakes[-1].device == 1


async def test_it_hangs_up_on_a_frame_that_does_not_open(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.socket.send(b"\x00\x00\x20" + bytes(32))
    assert await client.closed() is None
    assert "open" in reasons(simulator)


async def test_it_hangs_up_on_a_frame_too_long(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.socket.send(b"\xff\xff\xff")
    assert await client.closed() is None


async def test_it_notes_compressed_frames_of_clients(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.send_plain(encode_compressed_node(Node("presence", {"type": "available"})))
    await client.query("w:p", "get")
    assert "flag 0" in reasons(simulator)


async def test_it_refuses_who_was_never_linked(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    for stranger in ("6287788987745:9@s.whatsapp.net", "6281111111111:1@s.whatsapp.net"):
        client = await RawClient.dial(simulator, linked)
        await client.shake(login_payload(dataclasses.replace(linked, jid=stranger), DeviceDescription()))
        failure = await client.receive()
        assert (failure.tag, failure.attr("reason")) == ("failure", "401")
        await client.closed()
    assert simulator.counts(phone.number).failures == 1


async def test_it_refuses_another_noise_key(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    other = dataclasses.replace(linked, noise_private=new_credentials().noise_private)
    client = await RawClient.dial(simulator, other)
    await client.shake(login_payload(other, DeviceDescription()))
    assert (await client.receive()).attr("reason") == "401"
    assert "noise key" in reasons(simulator)
    assert simulator.counts(phone.number).logins == 0


async def test_it_refuses_an_outdated_client(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.dial(simulator, linked)
    await client.shake(login_payload(linked, DeviceDescription(version=(2, 2999, 1))))
    assert (await client.receive()).attr("reason") == "405"


async def test_it_refuses_a_registration_that_is_not_signed(simulator: Simulator) -> None:
    client = await RawClient.dial(simulator)
    unsigned = dataclasses.replace(client.credentials, signed_pre_key_signature=bytes(64))
    await client.shake(registration_payload(unsigned, DeviceDescription()))
    assert (await client.receive()).attr("reason") == "400"
    assert "signature" in reasons(simulator)


async def test_the_same_keys_again_replace_the_first(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    first = await RawClient.log_in(simulator, linked)
    second = await RawClient.log_in(simulator, linked)
    error = await first.receive()
    conflict = error.child("conflict")
    assert error.tag == "stream:error"
    assert conflict is not None
    assert conflict.attr("type") == "replaced"
    await first.closed()
    assert (await second.query("w:p", "get")).attr("type") == "result"
    assert [device.session is not None for device in phone.devices] == [True]
    counts = simulator.counts(phone.number)
    assert (counts.sockets, counts.max_sockets, counts.dials) == (1, 2, 2)


async def test_a_passive_login_gets_nothing_until_it_asks(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked, active=False)
    simulator.send("6287788987745", Node("notification", {"type": "x"}))
    assert await client.silent()
    client = await RawClient.log_in(simulator, linked, active=False)
    await client.query("passive", "set", Node("active"))
    assert (await client.receive()).child("offline_preview") is not None
    assert (await client.receive()).attr("offline") == "0"
    offline = (await client.receive()).child("offline")
    assert offline is not None
    assert offline.attr("count") == "1"


@pytest.mark.parametrize(
    ("tag", "attrs", "noted"),
    [
        ("iq", {"to": SERVER_JID, "type": "result", "id": "7"}, "nothing that was asked"),
        ("ack", {"class": "message", "id": "7"}, "not waiting"),
        ("success", {}, "no stanza"),
        ("notification", {"id": "1"}, "no stanza"),
    ],
)
async def test_it_notes_stanzas_that_make_no_sense(
    simulator: Simulator, linked: Credentials, tag: str, attrs: dict[str, str], noted: str
) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.send(tag, dict(attrs))
    assert (await client.query("w:p", "get")).attr("type") == "result"
    assert noted in reasons(simulator)


async def test_it_notes_query_ids_that_come_twice_or_not_at_all(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.query("w:p", "get", id="x")
    assert simulator.mistakes == []
    await client.query("w:p", "get", id="x")
    assert "twice" in reasons(simulator)
    await client.send("iq", {"to": SERVER_JID, "type": "get", "xmlns": "w:p"})
    await client.receive()
    assert "without an id" in reasons(simulator)


async def test_messages_before_the_login_are_noted(simulator: Simulator) -> None:
    client, _ = await RawClient.register(simulator)
    await client.send("message", {"id": "1"})
    assert await client.error("encrypt", "get", Node("count")) == 403
    assert "before the login" in reasons(simulator)


async def test_it_sees_who_says_that_it_is_online(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    session = phone.devices[0].session
    assert session is not None
    assert [session.available] == [False]
    await client.send("presence", {"type": "available", "name": "Toko"})
    await client.query("w:p", "get")
    assert session.available
    assert simulator.mistakes == []


async def test_registrations_end_when_nobody_scans() -> None:
    async with Simulator(pairing_window_s=0.1, qr_refs=2) as simulator:
        client, announced = await RawClient.register(simulator)
        assert len(announced.child("pair-device").children("ref")) == 2  # type: ignore[union-attr]
        assert (await client.receive()).tag == "xmlstreamend"
        assert await client.closed() == 1000


async def test_sockets_are_counted_until_they_are_gone(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    clients = [await RawClient.log_in(simulator, linked) for _ in range(1)]
    assert simulator.counts().sockets == simulator.counts(phone.number).sockets == 1
    for client in clients:
        client.socket.transport.abort()
    async with asyncio.timeout(5):
        while simulator.counts().sockets:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert simulator.counts(phone.number).sockets == 0
    assert phone.devices[0].session is None
