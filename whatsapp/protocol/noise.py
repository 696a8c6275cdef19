"""Noise_XX_25519_AESGCM_SHA256 as WhatsApp speaks it, for both sides (PROTOCOL.md §2).

One deviation from the Noise specification: the empty payload of message 1 is not mixed into the hash.

    client                                    server
    Initiator(static_private)                 Responder(static_private)
    hello()            ----------------->     read_hello(message)
    read_hello(message) <----------------     hello(payload)
    finish(payload)    ----------------->     read_finish(message)
    transport()                               transport()
"""

import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from whatsapp.exceptions import FrameError, HandshakeError, ProtocolError
from whatsapp.protocol import curve
from whatsapp.protocol.frames import INTRO
from whatsapp.protocol.protobufs.handshake_pb2 import HandshakeMessage

_NAME: Final = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"  # 32 bytes already, so not hashed
_MAX_COUNTER: Final = 0xFFFFFFFF
_TAG_BYTES: Final = 16


def _iv(counter: int) -> bytes:
    return bytes(8) + counter.to_bytes(4, "big")


class SymmetricState:
    """What both sides compute alike while they shake hands."""

    __slots__ = ("_chaining_key", "_counter", "_hash", "_key")

    def __init__(self) -> None:
        self._hash = _NAME  # over everything said so far, authenticated by every seal
        self._chaining_key = _NAME  # what all agreed secrets are mixed into
        self._key = _NAME  # AES key of the current step
        self._counter = 0  # seals made with that key
        self.mix_hash(INTRO)

    def mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.sha256(self._hash + data).digest()

    def mix_key(self, secret: bytes) -> None:
        self._chaining_key, self._key = self._derive(secret)
        self._counter = 0

    def seal(self, plain: bytes) -> bytes:
        sealed = AESGCM(self._key).encrypt(_iv(self._counter), plain, self._hash)
        self._counter += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """Raises HandshakeError if the other side did not seal this."""
        try:
            plain = AESGCM(self._key).decrypt(_iv(self._counter), sealed, self._hash)
        except (InvalidTag, ValueError):
            raise HandshakeError("a part of the handshake does not open") from None
        self._counter += 1
        self.mix_hash(sealed)
        return plain

    def split(self) -> tuple[bytes, bytes]:
        """The keys of the initiator's and of the responder's direction."""
        return self._derive(b"")

    def _derive(self, secret: bytes) -> tuple[bytes, bytes]:
        keys = curve.hkdf(secret, salt=self._chaining_key, info=b"", length=64)
        return keys[:32], keys[32:]


class TransportState:
    """Seals and opens frames once hands are shaken. Two directions, two counters.

    `seal` counts: what it gives must be written in the order in which it was sealed, with nothing awaited between.

    The keys are kept as bytes and the ciphers made anew for each frame: a cipher object holds 2.5 KiB, two of them for
    each of thousands of idle connections, and making one costs 2.5 microseconds.
    """

    __slots__ = ("_read_counter", "_read_key", "_write_counter", "_write_key")

    def __init__(self, write_key: bytes, read_key: bytes) -> None:
        self._write_key = write_key  # AES key of our direction
        self._read_key = read_key  # AES key of the other side's direction
        self._write_counter = 0  # frames sealed
        self._read_counter = 0  # frames opened

    def seal(self, plain: bytes) -> bytes:
        """The next sealed frame. Raises FrameError when the counter is used up."""
        sealed = AESGCM(self._write_key).encrypt(self._next(self._write_counter), plain, None)
        self._write_counter += 1
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """The plain frame. Raises FrameError if the other side did not seal it as its next one: the stream is lost."""
        try:
            plain = AESGCM(self._read_key).decrypt(self._next(self._read_counter), sealed, None)
        except (InvalidTag, ValueError):
            raise FrameError("a frame does not open") from None
        self._read_counter += 1
        return plain

    @staticmethod
    def _next(counter: int) -> bytes:
        if counter > _MAX_COUNTER:
            raise FrameError("counter used up")
        return _iv(counter)


class Initiator:
    """The client's side."""

    __slots__ = ("_ephemeral", "_server_ephemeral", "_static", "_symmetric", "server_static")

    def __init__(self, static_private: bytes, *, ephemeral_private: bytes | None = None) -> None:
        self._static = curve.KeyPair(static_private)  # what the server knows this device by
        self._ephemeral = curve.KeyPair(ephemeral_private or curve.new_private())  # for this handshake only
        self._symmetric = SymmetricState()
        self._server_ephemeral = b""  # from the server's hello
        self.server_static = b""  # the server's key, believed only once its certificate is checked

    def hello(self) -> bytes:
        """Message 1, to be sent as a frame."""
        ephemeral = self._ephemeral.public
        self._symmetric.mix_hash(ephemeral)
        return HandshakeMessage(client_hello=HandshakeMessage.ClientHello(ephemeral=ephemeral)).SerializeToString()

    def read_hello(self, message: bytes) -> bytes:
        """Take message 2, give the certificate chain in it. You must verify that before `finish`.

        Raises HandshakeError.
        """
        hello = _parse(message).server_hello
        if len(hello.ephemeral) != curve.KEY_BYTES or len(hello.static) != curve.KEY_BYTES + _TAG_BYTES:
            raise HandshakeError("server hello without its keys")
        self._server_ephemeral = hello.ephemeral
        self._symmetric.mix_hash(hello.ephemeral)
        _mix_agreed(self._symmetric, self._ephemeral, hello.ephemeral)
        self.server_static = self._symmetric.open(hello.static)
        _mix_agreed(self._symmetric, self._ephemeral, self.server_static)
        return self._symmetric.open(hello.payload)

    def finish(self, payload: bytes) -> bytes:
        """Message 3, with our static key and `payload` (the ClientPayload) sealed in it."""
        static = self._symmetric.seal(self._static.public)
        _mix_agreed(self._symmetric, self._static, self._server_ephemeral)
        finish = HandshakeMessage.ClientFinish(static=static, payload=self._symmetric.seal(payload))
        return HandshakeMessage(client_finish=finish).SerializeToString()

    def transport(self) -> TransportState:
        """For every frame behind message 3."""
        ours, theirs = self._symmetric.split()
        return TransportState(write_key=ours, read_key=theirs)


class Responder:
    """The server's side."""

    __slots__ = ("_client_ephemeral", "_ephemeral", "_static", "_symmetric", "client_static")

    def __init__(self, static_private: bytes, *, ephemeral_private: bytes | None = None) -> None:
        self._static = curve.KeyPair(static_private)  # the key that the leaf certificate names
        self._ephemeral = curve.KeyPair(ephemeral_private or curve.new_private())  # for this handshake only
        self._symmetric = SymmetricState()
        self._client_ephemeral = b""  # from the client's hello
        self.client_static = b""  # the device's key, proved once `read_finish` returned

    def read_hello(self, message: bytes) -> None:
        """Take message 1. Raises HandshakeError."""
        ephemeral = _parse(message).client_hello.ephemeral
        if len(ephemeral) != curve.KEY_BYTES:
            raise HandshakeError("client hello without its key")
        self._symmetric.mix_hash(ephemeral)
        self._client_ephemeral = ephemeral

    def hello(self, payload: bytes) -> bytes:
        """Message 2, with `payload` (the certificate chain) sealed in it."""
        ephemeral = self._ephemeral.public
        self._symmetric.mix_hash(ephemeral)
        _mix_agreed(self._symmetric, self._ephemeral, self._client_ephemeral)
        static = self._symmetric.seal(self._static.public)
        _mix_agreed(self._symmetric, self._static, self._client_ephemeral)
        hello = HandshakeMessage.ServerHello(ephemeral=ephemeral, static=static, payload=self._symmetric.seal(payload))
        return HandshakeMessage(server_hello=hello).SerializeToString()

    def read_finish(self, message: bytes) -> bytes:
        """Take message 3, give the ClientPayload. Raises HandshakeError."""
        finish = _parse(message).client_finish
        self.client_static = self._symmetric.open(finish.static)
        _mix_agreed(self._symmetric, self._ephemeral, self.client_static)
        return self._symmetric.open(finish.payload)

    def transport(self) -> TransportState:
        """For every frame behind message 3."""
        theirs, ours = self._symmetric.split()
        return TransportState(write_key=ours, read_key=theirs)


def _parse(message: bytes) -> HandshakeMessage:
    try:
        return HandshakeMessage.FromString(message)
    except DecodeError:
        raise HandshakeError("not a handshake message") from None


def _mix_agreed(symmetric: SymmetricState, ours: curve.KeyPair, theirs: bytes) -> None:
    try:
        symmetric.mix_key(ours.agree(theirs))
    except ProtocolError:
        raise HandshakeError("not a usable public key") from None
