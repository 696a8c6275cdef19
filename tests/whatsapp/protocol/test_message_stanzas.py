"""The stanzas around messages."""

import pytest

from tests.whatsapp.peer import linked_credentials
from whatsapp.credentials import PreKey
from whatsapp.protocol import curve, message_stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.people_stanzas import read_bundle

BUDI = "6281234567890"
OWN = {"6287788987745", "9"}


def arrived(sender, **attrs):
    enc = Node("enc", {"v": "2", "type": "msg"}, b"x")
    return Node("message", {"from": Jid.parse(sender), "id": "3EB01", "t": "5", **attrs}, [enc])


class TestSource:
    def test_a_person(self):
        source = message_stanzas.read_source(arrived(f"{BUDI}:7@s.whatsapp.net", sender_lid=Jid("1", "lid")), OWN)
        assert (source.sender, source.chat) == (Jid(BUDI, device=7), Jid(BUDI))
        assert (source.other_names, source.is_own, source.is_peer, source.at) == ((Jid("1", "lid"),), False, False, 5)

    @pytest.mark.parametrize("own", ["6287788987745@s.whatsapp.net", "9:3@lid"])
    def test_another_own_device(self, own):
        source = message_stanzas.read_source(arrived(own, recipient=Jid(BUDI), category="peer"), OWN)
        assert (source.chat, source.is_own, source.is_peer) == (Jid(BUDI), True, True)

    @pytest.mark.parametrize("sender", ["1@g.us", "status@broadcast", "1@newsletter", "s.whatsapp.net"])
    def test_nobody_to_talk_to(self, sender):
        assert message_stanzas.read_source(arrived(sender), OWN) is None
        assert not message_stanzas.needs_memory(arrived(sender))

    def test_our_own_words_in_a_group(self):
        assert message_stanzas.read_source(arrived("9@lid", recipient=Jid("1", "g.us")), OWN) is None


class TestMessage:
    def make(self, chat, **details):
        part = message_stanzas.encrypted("pkmsg", b"x", "image")
        given = {"number": BUDI, "device_identity": b"d", "token": b"t", **details}
        return message_stanzas.message(chat, "3EB01", "media", [(chat.with_device(7), part)], **given)

    def test_it_names_the_number_behind_a_lid(self):
        node = self.make(Jid("1", "lid"))
        assert node.attrs == {"to": Jid("1", "lid"), "id": "3EB01", "type": "media", "peer_recipient_pn": Jid(BUDI)}
        assert [child.tag for child in node.children()] == ["participants", "device-identity", "tctoken"]
        to = node.child("participants", "to")
        assert to.attrs == {"jid": Jid("1", "lid", 7)}
        assert to.child("enc").attrs == {"v": "2", "type": "pkmsg", "mediatype": "image"}

    def test_and_nothing_that_is_not_there(self):
        node = self.make(Jid(BUDI), device_identity=None, token=b"")
        assert "peer_recipient_pn" not in node.attrs
        assert [child.tag for child in node.children()] == ["participants"]


class TestReceipts:
    def test_the_ids_of_one_for_many(self):
        items = [Node("item", {"id": name}) for name in ("b", "a", "", "c")]
        receipt = Node("receipt", {"id": "a"}, [Node("list", {}, items)])
        assert message_stanzas.receipt_ids(receipt) == ("a", "b", "c")

    def test_a_request_to_send_again_has_keys_to_begin_with(self):
        credentials, pre_key = linked_credentials(), PreKey(9, curve.new_private())
        keys = message_stanzas.retry_keys(credentials, pre_key)
        receipt = message_stanzas.retry_receipt(arrived("1:7@lid", recipient="2@lid"), 2, 77, keys)
        assert receipt.attrs == {"id": "3EB01", "to": Jid("1", "lid", 7), "type": "retry", "recipient": "2@lid"}
        retry = receipt.child("retry")
        assert (retry.attr("count"), retry.attr("id"), retry.attr("t"), retry.attr("v")) == ("2", "3EB01", "5", "1")
        bundle = read_bundle(receipt, Jid("1", "lid"))
        assert (bundle.registration_id, bundle.pre_key_id) == (77, 9)
        assert bundle.identity == curve.public_of(credentials.identity_private)

    def test_what_is_sent_again_goes_to_one_device(self):
        asked = Node("receipt", {"from": Jid("1", "lid", 7), "id": "3EB01"}, [Node("retry", {"t": "5"})])
        part = message_stanzas.encrypted("msg", b"x", None, 2)
        node = message_stanzas.resent(asked, "3EB01", "text", part, None, recipient=Jid(BUDI))
        assert node.attrs == {
            "to": Jid("1", "lid", 7),
            "id": "3EB01",
            "type": "text",
            "device_fanout": "false",
            "t": "5",
            "recipient": Jid(BUDI),
        }
        assert node.child("enc").attr("count") == "2"
