"""Whatever arrives, a connection ends with a typed cause or goes on; it never raises."""

import zlib

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.whatsapp.peer import (
    ROOT_KEY,
    WALL_TIME,
    Peer,
    Phone,
    certificate_chain,
    linked_credentials,
    pair_device,
    success,
)
from whatsapp.ends import End, EndKind
from whatsapp.protocol import curve
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.frames import frame
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node, encode_node
from whatsapp.protocol.settings import Settings

SETTINGS = Settings(root_key=ROOT_KEY)
LINKED, FRESH = linked_credentials(), new_credentials()
STATIC = bytes(range(5, 37))
CHAIN = certificate_chain(curve.public_of(STATIC))
GARBAGE = {"bad_frame", "bad_node", "handshake", "certificate"}

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def begun(phase: str) -> tuple[Connection, Peer]:
    """A connection that has come so far: hello, login, open or pairing."""
    credentials = FRESH if phase == "pairing" else LINKED
    connection = Connection(credentials, SETTINGS, now=0, wall_time=WALL_TIME)
    peer = Peer(static_private=STATIC, chain=CHAIN)
    hello = peer.receive(connection.data_to_send())
    if phase != "hello":
        connection.receive_data(hello, 0)
        peer.receive(connection.data_to_send())
    if phase == "open":
        connection.receive_data(peer.write(success()), 0)
    elif phase == "pairing":
        connection.receive_data(peer.write(pair_device(["a", "b"])), 0)
    connection.signals()
    return connection, peer


def check(connection: Connection) -> End | None:
    """It still works like any connection, over or not."""
    connection.signals()
    connection.data_to_send()
    connection.tick(1)
    connection.receive_eof()
    assert isinstance(connection.end, End)
    return connection.end


phases = st.sampled_from(["hello", "login", "open", "pairing"])


@many
@given(phases, st.lists(st.binary(max_size=300), max_size=5))
def test_random_bytes(phase, messages):
    connection, _ = begun(phase)
    for message in messages:
        connection.receive_data(message, 0)
    check(connection)


@many
@given(phases, st.binary(max_size=300))
def test_random_bytes_in_a_whole_frame_end_it(phase, payload):
    connection, _ = begun(phase)
    connection.receive_data(frame(payload), 0)
    assert connection.end is not None
    assert connection.end.kind is EndKind.TRANSIENT
    assert connection.end.reason in GARBAGE
    check(connection)


@many
@given(st.sampled_from(["login", "open", "pairing"]), st.binary(max_size=300))
def test_random_plain_frames_behind_a_good_seal(phase, plain):
    connection, peer = begun(phase)
    connection.receive_data(frame(peer.transport.seal(plain)), 0)
    assert connection.end is None or connection.end.reason == "bad_node"
    check(connection)


@many
@given(st.integers(0, 2**20), st.integers(1, 255))
def test_a_spoiled_hello(index, change):
    connection = Connection(LINKED, SETTINGS, now=0, wall_time=WALL_TIME)
    peer = Peer(static_private=STATIC, chain=CHAIN)
    hello = bytearray(peer.receive(connection.data_to_send()))
    hello[3 + index % (len(hello) - 3)] ^= change
    connection.receive_data(bytes(hello), 0)
    # A few bits of the protobuf say nothing: then the hello was good.
    assert connection.end is None or connection.end.reason in GARBAGE
    check(connection)


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


def address(user: str, server: str, device: int) -> Jid:
    return Jid(user, server, device)


texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["set", "get", "result", "error", "md", "encrypt", "urn:xmpp:ping", "7", "-1", "9" * 30, "x@lid"]),
)
values = st.one_of(
    texts,
    st.builds(address, st.text(max_size=8), st.sampled_from(["s.whatsapp.net", "lid", "msgr"]), st.integers(0, 255)),
)
tags = words(
    "iq ib message receipt notification call ack success failure stream:error xmlstreamend presence enc count conflict "
    "pair-device pair-success device-identity device platform biz ref edge_routing routing_info offline_preview dirty "
    "downgrade_webclient link_code_companion_reg identity error unavailable"
)
keys = words("id type from to xmlns code reason t lid jid participant recipient stage value expire name")
contents = st.one_of(st.none(), st.binary(max_size=50), st.text(max_size=20))
nodes = st.recursive(
    st.builds(Node, tags, st.dictionaries(keys, values, max_size=5), contents),
    lambda inner: st.builds(Node, tags, st.dictionaries(keys, values, max_size=5), st.lists(inner, max_size=4)),
    max_leaves=10,
)


@settings(many, max_examples=60)
@given(st.sampled_from(["login", "open", "pairing"]), st.lists(nodes, max_size=4))
def test_well_formed_nonsense(phase, arrived):
    connection, peer = begun(phase)
    for node in arrived:
        connection.receive_data(peer.write(node), 0)
        peer.receive(connection.data_to_send())
    check(connection)


@many
@given(st.integers(0, 2**20), st.integers(1, 255))
def test_a_spoiled_pair_success_never_links(index, change):
    connection, peer = begun("pairing")
    iq = Phone(account_private=STATIC).pair_success(FRESH.adv_secret, curve.public_of(FRESH.identity_private))
    identity = iq.child("pair-success", "device-identity")
    spoiled = bytearray(identity.data)
    spoiled[index % len(spoiled)] ^= change
    identity.content = bytes(spoiled)
    connection.receive_data(peer.write(iq), 0)
    assert connection.end is not None
    assert connection.end.kind is EndKind.PAIRING_FAILED
    assert connection.signals() == []


def deep(levels: int) -> bytes:
    return b"\x00" + b"\xf8\x02\x19\xf8\x01" * levels + b"\xf8\x01\x19"


def bomb(size: int) -> bytes:
    deflater = zlib.compressobj(9)
    return b"\x02" + b"".join(deflater.compress(bytes(1 << 20)) for _ in range(size >> 20)) + deflater.flush()


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"\x00",
        b"\x02",
        b"\x02not zlib",
        b"\x02" + zlib.compress(b""),
        b"\x02" + zlib.compress(encode_node(success())[1:])[:-3],
        bomb(1 << 26),
        deep(40),
        deep(100_000),
        b"\x00\xf9\xff\xff" + b"\x19" * 70_000,
        b"\x00\xf8\x02\x19\xfe\xff\xff\xff\xff",
        b"\x00\xf8\x02\x19\xfd\xff\xff\xff",
        b"\x00\xf8\x01\x00",
        b"\x00\xf8\x00",
        b"\x00\xf8\x01\xec",
        b"\x00\xf8\x01\x19trailing",
    ],
    ids=range(16),
)
def test_nodes_made_to_hurt(plain):
    connection, peer = begun("open")
    connection.receive_data(frame(peer.transport.seal(plain)), 0)
    assert (connection.end.kind, connection.end.reason) == (EndKind.TRANSIENT, "bad_node")


def test_a_frame_cut_off_is_a_closed_line():
    connection, peer = begun("open")
    connection.receive_data(peer.write(success())[:-1], 0)
    assert connection.end is None
    assert check(connection).reason == "closed"


def test_an_answer_that_cannot_be_written_ends_it():
    """An address that is read in one form and cannot be written in the form that an ack needs."""
    connection, peer = begun("open")
    plain = b"\x00\xf8\x05" + _text("receipt") + _text("id") + _text("1") + _text("from") + _messenger_address()
    connection.receive_data(frame(peer.transport.seal(plain)), 0)
    assert connection.end is None or connection.end.reason == "bad_node"
    check(connection)


def _text(text: str) -> bytes:
    return b"\xfc" + bytes((len(text),)) + text.encode()


def _messenger_address() -> bytes:
    return b"\xf6" + _text("1") + b"\xff\xff" + _text("s.whatsapp.net")


def test_one_garbled_connection_does_not_touch_another():
    (bad, _), (good, peer) = begun("open"), begun("open")
    bad.receive_data(frame(b"x" * 40), 0)
    good.receive_data(peer.write(Node("iq", {"from": SERVER_JID, "type": "get", "xmlns": "urn:xmpp:ping"})), 0)
    assert bad.end is not None
    assert good.end is None
    assert good.data_to_send()
