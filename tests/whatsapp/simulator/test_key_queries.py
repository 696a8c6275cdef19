"""Pre-keys: what the server takes, counts, gives out and refuses."""

import hashlib

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.keys import new_pre_keys
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import Simulator, stanzas
from whatsapp.simulator.phone import Phone


@pytest.fixture
def linked(simulator: Simulator, phone: Phone) -> Credentials:
    return simulator.link_directly(phone.number, pre_keys=0)


def key(tag: str, key_id: int, public: bytes, *more: Node) -> Node:
    return Node(tag, {}, [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, public), *more])


def skey(credentials: Credentials, signature: bytes | None = None) -> Node:
    signed = Node("signature", {}, signature or credentials.signed_pre_key_signature)
    return key("skey", credentials.signed_pre_key_id, curve.public_of(credentials.signed_pre_key_private), signed)


def upload(
    credentials: Credentials, first: int = 1, count: int = 3, changes: dict[str, Node | None] | None = None
) -> list[Node]:
    """The parts of an upload, some of them changed or left out."""
    keys = [key("key", each.key_id, curve.public_of(each.private)) for each in new_pre_keys(first, count)]
    parts: dict[str, Node | None] = {
        "registration": Node("registration", {}, credentials.registration_id.to_bytes(4, "big")),
        "type": Node("type", {}, b"\x05"),
        "identity": Node("identity", {}, curve.public_of(credentials.identity_private)),
        "list": Node("list", {}, keys),
        "skey": skey(credentials),
        **(changes or {}),
    }
    return [part for part in parts.values() if part is not None]


async def test_it_counts_what_was_uploaded(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    for have in (0, 3, 6):
        count = (await client.query("encrypt", "get", Node("count"))).child("count")
        assert count is not None
        assert count.attr("value") == str(have)
        assert (await client.query("encrypt", "set", *upload(linked, have + 1))).attr("type") == "result"
    assert simulator.mistakes == []


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        ({"registration": Node("registration", {}, bytes(4))}, "registration"),
        ({"type": Node("type", {}, b"\x06")}, "identity"),
        ({"identity": Node("identity", {}, bytes(32))}, "identity"),
        ({"skey": None}, "without skey"),
        ({"list": Node("list", {}, [])}, "0 pre-keys"),
        ({"list": Node("list", {}, [key("key", 0, bytes(32))])}, "not 0"),
        ({"list": Node("list", {}, [key("key", 5, bytes(31))])}, "32 bytes"),
        ({"list": Node("list", {}, [key("key", 5, bytes(32)), key("key", 5, bytes(32))])}, "came before"),
    ],
)
async def test_it_refuses_what_does_not_fit_the_device(
    simulator: Simulator, phone: Phone, linked: Credentials, change: dict[str, Node | None], noted: str
) -> None:
    client = await RawClient.log_in(simulator, linked)
    assert await client.error("encrypt", "set", *upload(linked, changes=change)) == 406
    assert noted in simulator.mistakes[0].reason
    assert phone.devices[0].pre_key_count == 0


async def test_it_refuses_a_signed_key_of_somebody_else(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    parts = upload(linked, changes={"skey": skey(linked, xeddsa.sign(curve.new_private(), b"x"))})
    assert await client.error("encrypt", "set", *parts) == 406
    assert await client.error("encrypt", "set", Node("rotate", {}, [skey(linked, bytes(64))])) == 406


async def test_ids_never_come_twice_even_when_their_keys_are_used_up(
    simulator: Simulator, phone: Phone, linked: Credentials
) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.query("encrypt", "set", *upload(linked, first=1))
    stanzas.pre_keys_taken(simulator, phone.number, left=0)
    low = await client.receive()
    count = low.child("count")
    assert count is not None
    assert (low.attr("type"), count.attr("value")) == ("encrypt", "0")
    assert await client.error("encrypt", "set", *upload(linked, first=3)) == 406
    assert "id 3 came before" in simulator.mistakes[0].reason


async def test_it_rotates_the_signed_key(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    fresh = curve.public_of(curve.new_private())
    signature = xeddsa.sign(linked.identity_private, b"\x05" + fresh)
    rotated = key("skey", 2, fresh, Node("signature", {}, signature))
    assert (await client.query("encrypt", "set", Node("rotate", {}, [rotated]))).attr("type") == "result"
    assert phone.devices[0].signed_key.key_id == 2


async def test_its_digest_is_over_what_it_has(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    assert await client.error("encrypt", "get", Node("digest")) == 404
    parts = upload(linked)
    await client.query("encrypt", "set", *parts)
    digest = (await client.query("encrypt", "get", Node("digest"))).child("digest")
    assert digest is not None
    publics = b"".join(value.child("value").data for value in parts[3].children())  # type: ignore[union-attr]
    text = curve.public_of(linked.identity_private) + curve.public_of(linked.signed_pre_key_private)
    expected = hashlib.sha1(text + linked.signed_pre_key_signature + publics).digest()
    assert digest.child("hash").data == expected  # type: ignore[union-attr]
    assert [each.data[-1] for each in digest.child("list").children("id")] == [1, 2, 3]  # type: ignore[union-attr]


async def test_each_bundle_takes_a_key(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    await client.query("encrypt", "set", *upload(linked, count=1))
    device = phone.devices[0]
    wanted = Node("key", {}, [Node("user", {"jid": device.lid}), Node("user", {"jid": Jid("1", device=5)})])
    known, unknown = (await client.query("encrypt", "get", wanted)).child("list").children("user")  # type: ignore[union-attr]
    assert unknown.child("error").attr("code") == "404"  # type: ignore[union-attr]
    assert known.child("identity").data == curve.public_of(linked.identity_private)  # type: ignore[union-attr]
    assert known.child("skey", "signature").data == linked.signed_pre_key_signature  # type: ignore[union-attr]
    assert known.child("device-identity").data == linked.signed_device_identity  # type: ignore[union-attr]
    assert known.child("key") is not None
    low = (await client.receive()).child("count")
    assert low is not None
    assert low.attr("value") == "0"
    again = (await client.query("encrypt", "get", wanted)).child("list", "user")
    assert again is not None
    assert again.child("key") is None
    assert device.pre_key_count == 0


async def test_each_phone_has_keys_until_it_has_none(simulator: Simulator, linked: Credentials) -> None:
    person = simulator.add_phone("6281234567890")
    person.handset.pre_keys_left = 1
    client = await RawClient.log_in(simulator, linked)
    wanted = Node("key", {}, [Node("user", {"jid": Jid(person.number)})])
    for has_one in (True, False, False):
        user = (await client.query("encrypt", "get", wanted)).child("list", "user")
        assert user is not None
        assert (user.child("key") is not None) is has_one
        assert user.child("device-identity") is None
        assert user.child("identity").data == person.account.account_key  # type: ignore[union-attr]
