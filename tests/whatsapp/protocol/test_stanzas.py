"""What a client writes."""

import pytest

from tests.whatsapp.peer import JID, linked_credentials
from whatsapp.protocol import curve, stanzas
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_pre_keys
from whatsapp.protocol.nodes import Node, decode_node, encode_node

OWN = Jid.parse(JID)
SENDER = Jid("49123456789", device=2)
ENC = Node("enc", {"v": "2", "type": "msg"}, b"sealed")


def stanza(tag: str, *content: Node, **attrs: str | Jid) -> Node:
    return Node(tag, {"from": SENDER, "id": "A1", **attrs}, list(content) or None)


@pytest.mark.parametrize(
    ("arrived", "answer"),
    [
        (stanza("receipt", type="read"), {"class": "receipt", "id": "A1", "to": SENDER, "type": "read"}),
        (stanza("receipt"), {"class": "receipt", "id": "A1", "to": SENDER}),
        (stanza("notification", type="w:gp2"), {"class": "notification", "id": "A1", "to": SENDER, "type": "w:gp2"}),
        (stanza("call"), {"class": "call", "id": "A1", "to": SENDER}),
        (
            stanza("receipt", participant=SENDER, recipient="x@lid"),
            {"class": "receipt", "id": "A1", "to": SENDER, "participant": SENDER, "recipient": "x@lid"},
        ),
        (stanza("message", Node("unavailable"), type="text"), {"class": "message", "id": "A1", "to": SENDER}),
        (Node("notification", {"id": "A1"}), {"class": "notification", "id": "A1", "to": SERVER_JID}),
    ],
)
def test_it_acknowledges(arrived, answer):
    node = stanzas.delivery(arrived, {OWN.user}, is_available=True)
    assert (node.tag, node.attrs) == ("ack", answer)


@pytest.mark.parametrize(
    ("arrived", "available", "answer"),
    [
        (stanza("message", ENC, type="text"), True, {"id": "A1", "to": SENDER}),
        (stanza("message", ENC, type="text"), False, {"id": "A1", "to": SENDER, "type": "inactive"}),
        (stanza("message", ENC, participant=SENDER), True, {"id": "A1", "to": SENDER, "participant": SENDER}),
        (stanza("message", ENC, category="peer"), True, {"id": "A1", "to": SENDER, "type": "peer_msg"}),
        (
            Node("message", {"from": OWN.bare, "id": "A1", "recipient": SENDER}, [ENC]),
            True,
            {"id": "A1", "to": OWN.bare, "type": "sender", "recipient": SENDER},
        ),
    ],
)
def test_a_message_gets_a_receipt(arrived, available, answer):
    node = stanzas.delivery(arrived, {OWN.user}, is_available=available)
    assert (node.tag, node.attrs) == ("receipt", answer)


def test_what_has_no_id_cannot_be_answered():
    assert stanzas.delivery(Node("message", {"from": SENDER}, [ENC]), {OWN.user}, is_available=True) is None


def test_an_upload_carries_every_public_key_and_no_private_one():
    credentials, pre_keys = linked_credentials(), new_pre_keys(300, 2)
    node = stanzas.pre_key_upload(credentials, pre_keys)
    assert (node.attr("type"), node.attr("xmlns"), node.attrs["to"]) == ("set", "encrypt", SERVER_JID)
    assert node.child("registration").data == credentials.registration_id.to_bytes(4, "big")
    assert node.child("type").data == b"\x05"
    assert node.child("identity").data == curve.public_of(credentials.identity_private)
    keys = node.child("list").children("key")
    assert [key.child("id").data for key in keys] == [b"\x00\x01\x2c", b"\x00\x01\x2d"]
    assert [key.child("value").data for key in keys] == [curve.public_of(key.private) for key in pre_keys]
    assert node.child("skey", "signature").data == credentials.signed_pre_key_signature
    wire = encode_node(node)
    assert not any(private in wire for private in (credentials.identity_private, pre_keys[0].private))


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (Node("iq", {}, [Node("count", {"value": "7"})]), 7),
        (Node("iq", {}, [Node("count", {"value": "x"})]), 0),
        (Node("iq", {}), 0),
    ],
)
def test_the_count_of_pre_keys(answer, count):
    assert stanzas.count_of(answer) == count


def test_the_answer_to_a_ping_repeats_its_id_if_it_had_one():
    assert stanzas.iq_result("7").attr("id") == "7"
    assert "id" not in stanzas.iq_result("").attrs


def test_unlinking_names_this_device():
    node = stanzas.remove_companion_device(OWN).child("remove-companion-device")
    assert (node.attr("jid"), node.attr("reason")) == (JID, "user_initiated")


@pytest.mark.parametrize(
    "node",
    [
        stanzas.ping(),
        stanzas.active(),
        stanzas.offline_batch(),
        stanzas.presence_available("Toko"),
        stanzas.pre_key_count(),
    ],
)
def test_each_can_be_written_and_read(node):
    assert decode_node(encode_node(node)) == node
