"""The two kinds of messages as bytes: `msg` is `33 || protobuf || mac`, `pkmsg` is `33 || protobuf` around one."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from whatsapp.exceptions import MalformedMessageError
from whatsapp.protocol.curve import KEY_BYTES, KEY_TYPE
from whatsapp.protocol.protobufs.signal_pb2 import PreKeyWhisperMessage, WhisperMessage

_VERSION: Final = 3
_VERSION_BYTE: Final = bytes((_VERSION << 4 | _VERSION,))
_MAC_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class SignalMessage:
    """A `msg`, read but not verified."""

    ratchet_key: bytes
    counter: int
    ciphertext: bytes
    authenticated: bytes  # what the MAC is over, besides the identities
    mac: bytes

    @classmethod
    def decode(cls, data: bytes) -> "SignalMessage":
        """Raises MalformedMessageError."""
        authenticated, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        stored = WhisperMessage()
        _parse(stored, authenticated)
        if not (stored.HasField("counter") and stored.ciphertext):
            raise MalformedMessageError("incomplete")
        return cls(_key(stored.ratchet_key), stored.counter, stored.ciphertext, authenticated, mac)

    def verify(self, mac_key: bytes, sender: bytes, receiver: bytes) -> bool:
        """Whether the MAC is that of `mac_key`, between these two identities."""
        return hmac.compare_digest(self.mac, _mac(mac_key, sender, receiver, self.authenticated))


@dataclass(frozen=True, slots=True)
class PreKeyMessage:
    """A `pkmsg`, read; nothing in it is authenticated except what its `message` proves."""

    registration_id: int
    pre_key_id: int | None
    signed_pre_key_id: int
    base_key: bytes
    identity: bytes
    message: bytes

    def encode(self) -> bytes:
        return (
            _VERSION_BYTE
            + PreKeyWhisperMessage(
                pre_key_id=self.pre_key_id,
                base_key=KEY_TYPE + self.base_key,
                identity_key=KEY_TYPE + self.identity,
                message=self.message,
                registration_id=self.registration_id,
                signed_pre_key_id=self.signed_pre_key_id,
            ).SerializeToString()
        )

    @classmethod
    def decode(cls, data: bytes) -> "PreKeyMessage":
        """Raises MalformedMessageError."""
        stored = PreKeyWhisperMessage()
        _parse(stored, data)
        if not (stored.HasField("signed_pre_key_id") and stored.message):
            raise MalformedMessageError("incomplete")
        return cls(
            stored.registration_id,
            stored.pre_key_id or None,  # 0 is no id
            stored.signed_pre_key_id,
            _key(stored.base_key),
            _key(stored.identity_key),
            stored.message,
        )


def encode_message(
    *,
    ratchet_key: bytes,
    counter: int,
    previous_counter: int,
    ciphertext: bytes,
    mac_key: bytes,
    sender: bytes,
    receiver: bytes,
) -> bytes:
    """A `msg` between two identities."""
    stored = WhisperMessage(
        ratchet_key=KEY_TYPE + ratchet_key, counter=counter, previous_counter=previous_counter, ciphertext=ciphertext
    )
    authenticated = _VERSION_BYTE + stored.SerializeToString()
    return authenticated + _mac(mac_key, sender, receiver, authenticated)


def _mac(key: bytes, sender: bytes, receiver: bytes, authenticated: bytes) -> bytes:
    text = b"".join((KEY_TYPE, sender, KEY_TYPE, receiver, authenticated))
    return hmac.digest(key, text, hashlib.sha256)[:_MAC_BYTES]


def _parse(message: WhisperMessage | PreKeyWhisperMessage, data: bytes) -> None:
    # The lower half of the byte is what the sender could speak at most; it is under the MAC like the rest.
    if not data or data[0] >> 4 != _VERSION:
        raise MalformedMessageError("another version")
    try:
        message.ParseFromString(data[1:])
    except DecodeError:
        raise MalformedMessageError("not a message") from None


def _key(value: bytes) -> bytes:
    if len(value) != 1 + KEY_BYTES or value[:1] != KEY_TYPE:
        raise MalformedMessageError("not a public key")
    return value[1:]
