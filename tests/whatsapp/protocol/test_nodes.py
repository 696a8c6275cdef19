import zlib

import pytest
from hypothesis import given, strategies as st

from whatsapp.exceptions import NodeError
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.node_writer import MAX_DEPTH
from whatsapp.protocol.nodes import MAX_INFLATED, Node, decode_node, encode_compressed_node, encode_node
from whatsapp.protocol.tokens import DOUBLE, SINGLE

words = (
    st.sampled_from(SINGLE[1:])
    | st.sampled_from(DOUBLE[3])
    | st.text("0123456789-.", min_size=1, max_size=130)
    | st.text("0123456789ABCDEF", min_size=1, max_size=130)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
)
users = st.text("0123456789", min_size=1, max_size=15)
jids = (
    st.tuples(users, st.sampled_from(["s.whatsapp.net", "lid", "hosted", "hosted.lid"]), st.integers(0, 255)).map(
        lambda parts: Jid(*parts)
    )
    | st.tuples(users, st.sampled_from(["g.us", "broadcast", "newsletter"])).map(lambda parts: Jid(*parts))
    | st.tuples(users, st.just("msgr"), st.integers(0, 65535)).map(lambda parts: Jid(*parts))
    | st.tuples(users, st.integers(0, 65535)).map(lambda parts: Jid(parts[0], "interop", 7, integrator=parts[1]))
    | st.just(SERVER_JID)
)
attrs = st.dictionaries(words, words | jids | st.just(""), max_size=5)
leaves = st.builds(Node, words, attrs, st.none() | st.binary(max_size=300))
nodes = st.recursive(leaves, lambda inner: st.builds(Node, words, attrs, st.lists(inner, max_size=4)), max_leaves=12)


@given(nodes)
def test_it_reads_back_what_it_wrote(node: Node) -> None:
    assert decode_node(encode_node(node)) == node
    assert decode_node(encode_compressed_node(node)) == node


@given(words)
def test_it_reads_text_content_back_as_the_same_text(text: str) -> None:
    node = decode_node(encode_node(Node("x", {}, text)))
    assert node.text == text
    assert node.data == text.encode()


@given(st.binary(max_size=300))
def test_it_answers_random_bytes_with_a_node_or_a_node_error(payload: bytes) -> None:
    for flag in (b"", b"\x00", b"\x02"):
        try:
            decode_node(flag + payload)
        except NodeError:
            pass


@given(nodes, st.data())
def test_it_survives_a_changed_byte_anywhere(node: Node, data: st.DataObject) -> None:
    payload = bytearray(encode_node(node))
    payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_node(bytes(payload))
    except NodeError:
        pass


@given(nodes)
def test_it_refuses_every_cut_and_every_addition(node: Node) -> None:
    payload = encode_node(node)
    for end in range(0, len(payload), 1 + len(payload) // 40):
        with pytest.raises(NodeError):
            decode_node(payload[:end])
    with pytest.raises(NodeError):
        decode_node(payload + b"\x00")


WIRE = {
    "tokens": (Node("iq", {"type": "get"}), "f8 03 19 04 29"),
    "the server's address": (Node("iq", {"to": SERVER_JID}), "f8 03 19 11 fa 00 03"),
    "an address with a device": (Node("iq", {"to": Jid("123", "lid", 7)}), "f8 03 19 11 f7 01 07 ff 82 12 3f"),
    "an address without one": (Node("iq", {"to": Jid("123", "g.us")}), "f8 03 19 11 fa ff 82 12 3f 1c"),
    "nibbles, even": (Node("iq", {"id": "1.23-4"}), "f8 03 19 08 ff 03 1b 23 a4"),
    "nibbles, odd": (Node("iq", {"id": "123"}), "f8 03 19 08 ff 82 12 3f"),
    "hexadecimal": (Node("iq", {"id": "3EB0A"}), "f8 03 19 08 fb 83 3e b0 af"),
    "lower case is raw": (Node("iq", {"id": "3eb0"}), "f8 03 19 08 fc 04 33 65 62 30"),
    "the empty string": (Node("iq", {"id": ""}), "f8 03 19 08 fc 00"),
    "bytes": (Node("iq", {}, b"\x05"), "f8 02 19 fc 01 05"),
    "no children": (Node("iq", {}, []), "f8 02 19 00"),
    "children": (Node("iq", {}, [Node("iq"), Node("ack")]), "f8 02 19 f8 02 f8 01 19 f8 01 1b"),
}


@pytest.mark.parametrize("name", WIRE)
def test_it_writes_the_bytes_of_the_protocol(name: str) -> None:
    node, wire = WIRE[name]
    assert encode_node(node) == b"\x00" + bytes.fromhex(wire)
    assert decode_node(encode_node(node)) == node


def test_it_reads_every_tag_that_only_servers_write() -> None:
    read = decode_node(bytes.fromhex("00 f8 03 19 11 f5 ff 01 12 00 07 00 02") + encode_node(Node("interop"))[3:])
    assert read.attrs["to"] == Jid("12", "interop", 7, integrator=2)
    read = decode_node(bytes.fromhex("00 f8 03 19 11 f6 ff 01 12 01 00") + encode_node(Node("msgr"))[3:])
    assert read.attrs["to"] == Jid("12", "msgr", 256)
    read = decode_node(bytes.fromhex("00 f8 03 19 11 f7 80 07 ff 01 12"))
    assert read.attrs["to"] == Jid("12", "hosted", 7)
    read = decode_node(bytes.fromhex("00 f8 03 19 11 f7 02 07 ff 01 12"))
    assert str(read.attrs["to"]) == "12_2:7@s.whatsapp.net"
    read = decode_node(bytes.fromhex("00 f9 00 02 19 fe 00 00 00 01 61"))
    assert read == Node("iq", {}, b"a")
    assert decode_node(bytes.fromhex("00 f8 02 19 fd f0 00 01 61")).data == b"a"
    assert decode_node(bytes.fromhex("00 f8 03 19 11 00")).attrs == {"to": ""}


@pytest.mark.parametrize("size", [0, 1, 255, 256, (1 << 20) - 1, 1 << 20])
def test_it_carries_bytes_of_every_length_form(size: int) -> None:
    node = Node("enc", {}, bytes(size))
    assert decode_node(encode_node(node)) == node


def test_it_carries_more_children_than_a_short_list_holds() -> None:
    node = Node("list", {}, [Node("item", {"id": str(number)}) for number in range(300)])
    assert decode_node(encode_node(node)) == node


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "00",
        "00 00",  # no list
        "00 f8 00",  # no tag
        "00 f8 01 00",  # an empty tag
        "00 f8 01 f4",  # a tag byte that means nothing
        "00 f8 01 fa fa 00 03 03",  # an address within an address
        "00 f8 02 19 fe ff ff ff ff",  # four gigabytes announced
        "00 f8 02 19 ff 01 cf",  # no digit
        "00 f9 ff ff 19",
        "02 f8 01 19",  # flagged as compressed, and is not
        "01",
    ],
)
def test_it_refuses(wire: str) -> None:
    with pytest.raises(NodeError):
        decode_node(bytes.fromhex(wire))


def test_it_refuses_deep_nesting_both_ways() -> None:
    node = Node("iq")
    for _ in range(MAX_DEPTH + 1):
        node = Node("iq", {}, [node])
    with pytest.raises(NodeError):
        encode_node(node)
    with pytest.raises(NodeError):
        decode_node(b"\x00" + b"\xf8\x02\x19\xf8\x01" * 5000 + b"\xf8\x01\x19")
    with pytest.raises(NodeError):
        decode_node(b"\x00" + b"\xf8\x01" + b"\xfa" * 5000)


def test_it_refuses_more_nodes_than_any_stanza_has() -> None:
    many = b"\x00\xf8\x02\x19\xf9\xff\xff" + b"\xf8\x01\x19" * 0xFFFE + b"\xf8\x02\x19\xf8\x01\xf8\x01\x19"
    with pytest.raises(NodeError, match="many"):
        decode_node(many)


def test_it_stops_a_zlib_bomb() -> None:
    bomb = b"\x02" + zlib.compress(b"\x00" * (MAX_INFLATED * 4))
    with pytest.raises(NodeError, match="too much"):
        decode_node(bomb)
    whole = encode_compressed_node(Node("enc", {}, bytes(1000)))
    with pytest.raises(NodeError, match="cut short"):
        decode_node(whole[:-5])


def test_it_refuses_to_write_what_nobody_could_read() -> None:
    for node in (
        Node(""),
        Node("x", {"a": "\ud800"}),
        Node("x", {"a": Jid("1", "lid", 256)}),
        Node("x", {"a": Jid("1", "msgr", 65536)}),
        Node("x", {}, [Node("y")] * 0x10000),
    ):
        with pytest.raises(NodeError):
            encode_node(node)


def test_its_readers_never_raise() -> None:
    node = Node(
        "iq", {"n": "12", "word": "x", "huge": "9" * 5000, "odd": "²", "to": "1:x@lid", "from": "5:2@lid"}, b"\xff"
    )
    assert (node.attr_int("n"), node.attr_int("word"), node.attr_int("huge", 3), node.attr_int("odd")) == (12, 0, 3, 0)
    assert node.attr("absent") == ""
    assert node.attr_int("absent", 9) == 9
    assert node.attr_jid("to") is None
    assert node.attr_jid("absent") is None
    assert node.attr_jid("from") == Jid("5", "lid", 2)
    assert node.child("a") is None
    assert node.children() == []
    assert node.children("a") == []
    assert node.text == "\ufffd"
    assert Node("x").text == ""
    assert Node("x", {}, []).data == b""


def test_it_finds_children_by_path() -> None:
    tree = Node("a", {}, [Node("b"), Node("b", {"id": "2"}), Node("c", {}, [Node("d", {}, "text")])])
    assert tree.children("b")[1].attr("id") == "2"
    assert tree.child("b") is tree.children()[0]
    inner = tree.child("c", "d")
    assert inner is not None
    assert inner.text == "text"
    assert tree.child("b", "d") is None
    assert tree.child("x", "d") is None


def test_its_repr_shows_no_contents() -> None:
    shown = repr(Node("iq", {"id": "7", "jid": Jid("62877")}, [Node("ref", {}, b"secret")]))
    assert shown == "<Node iq {'id': '7'} [ref]>"
    assert "secret" not in repr(Node("ref", {}, b"secret"))
