"""What the server says of people, devices and keys."""

import dataclasses

import pytest
from hypothesis import given, strategies as st

from tests.whatsapp.peer import linked_credentials
from whatsapp.credentials import PreKey
from whatsapp.exceptions import BundleError
from whatsapp.protocol import curve, message_stanzas, people_stanzas
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node, decode_node, encode_node
from whatsapp.protocol.signal.x3dh import Bundle

BUDI, SITI = "6281234567890", "6281111111111"


def usync(*users):
    return Node("iq", {"type": "result"}, [Node("usync", {}, [Node("list", {}, list(users))])])


def user(jid, *parts, **attrs):
    return Node("user", {"jid": Jid.parse(jid), **attrs}, list(parts))


def devices(*listed):
    return Node("devices", {}, [Node("device-list", {}, [Node("device", attrs) for attrs in listed])])


class TestDevices:
    def test_companions_need_a_key_index(self):
        answer = usync(
            user(
                f"{BUDI}@s.whatsapp.net",
                devices({"id": "0"}, {"id": "7", "key-index": "2"}, {"id": "8"}, {"id": "x", "key-index": "1"}),
                Node("lid", {"val": "1@lid"}),
            )
        )
        (found,) = people_stanzas.read_devices(answer)
        assert found == (Jid(BUDI), "1", (Jid(BUDI), Jid(BUDI, device=7)))

    def test_hosted_ones_are_elsewhere(self):
        hosted = devices({"id": "99", "key-index": "1", "is_hosted": "true"})
        (found,) = people_stanzas.read_devices(usync(user("1@lid", hosted)))
        assert found.devices == (Jid("1", "hosted.lid", 99),)
        assert people_stanzas.signal_address(found.devices[0]) == "1_129.99"
        assert people_stanzas.as_lid(Jid(BUDI, "hosted", 99), "1") == found.devices[0]

    def test_nobody(self):
        (found,) = people_stanzas.read_devices(usync(user(f"{BUDI}@s.whatsapp.net")))
        assert found.devices == ()

    @pytest.mark.parametrize(
        ("jid", "address"),
        [(f"{BUDI}@s.whatsapp.net", f"{BUDI}.0"), (f"{BUDI}:7@s.whatsapp.net", f"{BUDI}.7"), ("1:7@lid", "1_1.7")],
    )
    def test_the_names_of_sessions(self, jid, address):
        assert people_stanzas.signal_address(Jid.parse(jid)) == address


class TestContacts:
    def contact(self, kind="in", text=None):
        return Node("contact", {"type": kind}, text)

    def test_an_answer_that_names_its_number(self):
        answer = usync(user("5511912345678@s.whatsapp.net", self.contact(text=b"+5511112345678")))
        found = people_stanzas.read_contacts(answer, ["5511112345678"])
        assert found == {"5511112345678": Jid("5511912345678")}

    def test_an_answer_by_lid(self):
        answer = usync(
            user("1@lid", self.contact(text=f"+{BUDI}@c.us".encode()), pn_jid=Jid(BUDI)),
            Node("user", {}, [self.contact("out", f"+{SITI}@c.us".encode())]),
        )
        assert people_stanzas.read_contacts(answer, [BUDI, SITI]) == {BUDI: Jid(BUDI), SITI: None}

    def test_an_answer_that_names_nothing(self):
        answer = usync(
            user(f"{SITI}@s.whatsapp.net", self.contact("out")), user(f"{BUDI}@s.whatsapp.net", self.contact())
        )
        assert people_stanzas.read_contacts(answer, [SITI, BUDI]) == {SITI: None, BUDI: Jid(BUDI)}
        answer = usync(user("5511912345678@s.whatsapp.net", self.contact()))
        assert people_stanzas.read_contacts(answer, ["5511112345678"]) == {"5511112345678": Jid("5511912345678")}

    def test_no_answer(self):
        assert people_stanzas.read_contacts(usync(), [BUDI]) == {BUDI: None}
        assert people_stanzas.read_contacts(Node("iq"), [BUDI]) == {BUDI: None}


class TestBundles:
    def keys(self, pre_key=True, **changes):
        credentials = dataclasses.replace(linked_credentials(), **changes)
        node = message_stanzas.retry_keys(credentials, PreKey(5, curve.new_private()))
        parts = [part for part in node.content if part.tag != "device-identity" and (pre_key or part.tag != "key")]
        return [Node("registration", {}, credentials.registration_id.to_bytes(4, "big")), *parts]

    def read(self, *users):
        return people_stanzas.read_bundles(Node("iq", {}, [Node("list", {}, list(users))]))

    def test_good_ones_and_errors(self):
        found = self.read(
            user("1@lid", *self.keys()),
            user("2@lid", *self.keys(pre_key=False)),
            user("3@lid", Node("error", {"code": "406"})),
            user("4@lid", *self.keys(signed_pre_key_signature=bytes(64))),
            user("5@lid", *self.keys()[1:]),
            user("6@lid"),
        )
        one, two = found.pop(Jid("1", "lid")), found.pop(Jid("2", "lid"))
        assert isinstance(one, Bundle)
        assert (one.pre_key_id, two.pre_key_id) == (5, None)
        assert list(found.values()) == [406, 0, 0, 0]

    def test_a_companion_that_nobody_vouches_for_is_taken_a_false_voucher_is_not(self):
        companion = Jid("1", "lid", 7)
        people_stanzas.read_bundle(Node("user", {}, self.keys()), companion)
        vouched = [*self.keys(), Node("device-identity", {}, b"\x0a\x01x")]
        with pytest.raises(BundleError):
            people_stanzas.read_bundle(Node("user", {}, vouched), companion)


def test_tokens():
    token = Node("token", {"type": "trusted_contact", "t": "5"}, b"x")
    others = [Node("token", {"type": "new", "t": "5"}, b"x"), Node("token", {"type": "trusted_contact"}, bytes(2000))]
    node = Node("notification", {}, [Node("tokens", {}, [token, *others])])
    assert list(people_stanzas.read_tokens(node)) == [(b"x", 5)]
    assert list(people_stanzas.read_tokens(Node("notification"))) == []


TAGS = st.sampled_from(
    [
        "usync",
        "list",
        "user",
        "devices",
        "device-list",
        "device",
        "lid",
        "contact",
        "error",
        "keys",
        "key",
        "skey",
        "id",
        "value",
        "signature",
        "identity",
        "registration",
        "tokens",
        "token",
        "enc",
        "item",
        "retry",
        "message",
        "receipt",
        "notification",
        "remove",
    ]
)
ATTRS = st.dictionaries(
    st.sampled_from(["jid", "id", "type", "from", "recipient", "t", "val", "count", "code", "key-index", "sender_lid"]),
    st.sampled_from(
        ["", "0", "7", "99999", "in", "msg", "pkmsg", "read", "trusted_contact", "@", ":", "1@lid", "x@y@z"]
    )
    | st.sampled_from([Jid(BUDI), Jid("1", "lid", 7), Jid(""), Jid("1", "g.us")])
    | st.text(max_size=8),
    max_size=4,
)
NODES = st.recursive(
    st.builds(Node, TAGS, ATTRS, st.none() | st.binary(max_size=70) | st.text(max_size=8)),
    lambda children: st.builds(Node, TAGS, ATTRS, st.lists(children, max_size=4)),
    max_leaves=12,
)


@given(NODES)
def test_whatever_comes_nothing_raises(node):
    list(people_stanzas.read_devices(node))
    people_stanzas.read_contacts(node, [BUDI])
    people_stanzas.read_bundles(node)
    list(people_stanzas.read_tokens(node))
    message_stanzas.needs_memory(node)
    message_stanzas.read_source(node, {BUDI})
    message_stanzas.receipt_ids(node)
    message_stanzas.status_of(node)


def test_what_is_written_can_be_read_by_the_other_side():
    for query in (
        people_stanzas.devices_query([Jid(BUDI), Jid("1", "lid", 7)], "s"),
        people_stanzas.contacts_query([BUDI], "s"),
        people_stanzas.bundles_query([Jid("1", "lid", 7)]),
        people_stanzas.issue_token(Jid("1", "lid"), 5),
    ):
        assert decode_node(encode_node(query)).tag == "iq"
