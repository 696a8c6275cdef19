"""Noise XX: our initiator against our responder, and both against the rules written out flat."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, strategies as st

from whatsapp.exceptions import FrameError, HandshakeError
from whatsapp.protocol import curve
from whatsapp.protocol.noise import Initiator, Responder, TransportState
from whatsapp.protocol.protobufs.handshake_pb2 import HandshakeMessage


def shaken(payload: bytes = b"client payload") -> tuple[Initiator, Responder]:
    initiator, responder = Initiator(curve.new_private()), Responder(curve.new_private())
    responder.read_hello(initiator.hello())
    assert initiator.read_hello(responder.hello(b"certificates")) == b"certificates"
    assert responder.read_finish(initiator.finish(payload)) == payload
    return initiator, responder


def test_both_sides_learn_each_other_and_can_talk():
    static = curve.new_private()
    initiator, responder = Initiator(static), Responder(curve.new_private())
    responder.read_hello(initiator.hello())
    initiator.read_hello(responder.hello(b""))
    responder.read_finish(initiator.finish(b""))
    assert responder.client_static == curve.public_of(static)
    client, server = initiator.transport(), responder.transport()
    for number in range(3):
        assert server.open(client.seal(b"up %d" % number)) == b"up %d" % number
        assert client.open(server.seal(b"down %d" % number)) == b"down %d" % number


def test_its_messages_are_those_of_the_rules_written_out_flat():
    client_static, client_ephemeral = bytes(range(1, 33)), bytes(range(2, 34))
    server_static, server_ephemeral = bytes(range(3, 35)), bytes(range(4, 36))
    name = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"

    def mixed(*parts: bytes) -> bytes:
        digest = name
        for part in parts:
            digest = hashlib.sha256(digest + part).digest()
        return digest

    def keys(secret: bytes, salt: bytes) -> tuple[bytes, bytes]:
        both = curve.hkdf(secret, salt=salt, info=b"", length=64)
        return both[:32], both[32:]

    pub = curve.public_of
    transcript = [b"WA\x06\x03", pub(client_ephemeral), pub(server_ephemeral)]
    chaining, key = keys(curve.agree(client_ephemeral, pub(server_ephemeral)), name)
    sealed_static = AESGCM(key).encrypt(bytes(12), pub(server_static), mixed(*transcript))
    transcript.append(sealed_static)
    chaining, key = keys(curve.agree(client_ephemeral, pub(server_static)), chaining)
    sealed_chain = AESGCM(key).encrypt(bytes(12), b"chain", mixed(*transcript))
    transcript.append(sealed_chain)
    client_sealed = AESGCM(key).encrypt(bytes(11) + b"\x01", pub(client_static), mixed(*transcript))
    transcript.append(client_sealed)
    chaining, key = keys(curve.agree(client_static, pub(server_ephemeral)), chaining)
    client_payload = AESGCM(key).encrypt(bytes(12), b"payload", mixed(*transcript))
    up, down = keys(b"", chaining)

    initiator = Initiator(client_static, ephemeral_private=client_ephemeral)
    responder = Responder(server_static, ephemeral_private=server_ephemeral)
    responder.read_hello(initiator.hello())
    hello = responder.hello(b"chain")
    server_hello = HandshakeMessage.FromString(hello).server_hello
    assert (server_hello.static, server_hello.payload) == (sealed_static, sealed_chain)
    initiator.read_hello(hello)
    finish = HandshakeMessage.FromString(initiator.finish(b"payload")).client_finish
    assert (finish.static, finish.payload) == (client_sealed, client_payload)
    transport = initiator.transport()
    transport.seal(b"first")
    assert transport.seal(b"second") == AESGCM(up).encrypt(bytes(11) + b"\x01", b"second", b"")
    assert transport.open(AESGCM(down).encrypt(bytes(12), b"hi", b"")) == b"hi"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ephemeral", b""),
        ("ephemeral", bytes(32)),  # a point of small order
        ("ephemeral", b"x" * 31),
        ("static", b""),
        ("static", b"x" * 48),
        ("static", b"x" * 47),
        ("payload", b""),
        ("payload", b"x" * 15),
        ("payload", b"x" * 100),
    ],
)
def test_the_client_refuses_a_spoiled_hello(field, value):
    initiator, responder = Initiator(curve.new_private()), Responder(curve.new_private())
    responder.read_hello(initiator.hello())
    message = HandshakeMessage.FromString(responder.hello(b"chain"))
    setattr(message.server_hello, field, value)
    with pytest.raises(HandshakeError):
        initiator.read_hello(message.SerializeToString())


@pytest.mark.parametrize(("field", "value"), [("static", b""), ("static", b"x" * 48), ("payload", b"x" * 40)])
def test_the_server_refuses_a_spoiled_finish(field, value):
    initiator, responder = Initiator(curve.new_private()), Responder(curve.new_private())
    responder.read_hello(initiator.hello())
    initiator.read_hello(responder.hello(b""))
    message = HandshakeMessage.FromString(initiator.finish(b"payload"))
    setattr(message.client_finish, field, value)
    with pytest.raises(HandshakeError):
        responder.read_finish(message.SerializeToString())


@given(st.binary(max_size=200))
def test_random_bytes_are_no_handshake(data):
    initiator = Initiator(bytes(range(32)), ephemeral_private=bytes(range(32)))
    initiator.hello()
    with pytest.raises(HandshakeError):
        initiator.read_hello(data)
    with pytest.raises(HandshakeError):
        Responder(bytes(range(32))).read_hello(data)


class TestTransport:
    def test_frames_open_only_in_the_order_in_which_they_were_sealed(self):
        initiator, responder = shaken()
        client, server = initiator.transport(), responder.transport()
        first, second = client.seal(b"1"), client.seal(b"2")
        with pytest.raises(FrameError):
            server.open(second)
        assert server.open(first) == b"1"
        with pytest.raises(FrameError):
            server.open(first)
        assert server.open(second) == b"2"

    @pytest.mark.parametrize("index", [0, 5, -1])
    def test_a_changed_frame_does_not_open(self, index):
        initiator, responder = shaken()
        sealed = bytearray(initiator.transport().seal(b"hello"))
        sealed[index] ^= 1
        with pytest.raises(FrameError):
            responder.transport().open(bytes(sealed))

    @pytest.mark.parametrize("size", [0, 1, 15])
    def test_a_frame_without_room_for_a_tag_does_not_open(self, size):
        _, responder = shaken()
        with pytest.raises(FrameError):
            responder.transport().open(bytes(size))

    def test_a_used_up_counter_ends_it_instead_of_using_a_nonce_twice(self):
        transport = TransportState(bytes(32), bytes(32))
        transport._write_counter = transport._read_counter = 0x1_0000_0000
        with pytest.raises(FrameError):
            transport.seal(b"")
        with pytest.raises(FrameError):
            transport.open(bytes(16))
