"""How a session begins: keys from the server, their signatures, and the first secret (PROTOCOL.md §14, §15)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from whatsapp.credentials import Credentials, PreKey
from whatsapp.exceptions import BundleError, MalformedMessageError, ProtocolError, UnknownPreKeyError
from whatsapp.protocol import adv, curve, xeddsa
from whatsapp.protocol.protobufs.adv_pb2 import HOSTED, ADVDeviceIdentity, ADVSignedDeviceIdentity
from whatsapp.protocol.signal import ratchet
from whatsapp.protocol.signal.records import Pending, Record, Session
from whatsapp.protocol.signal.wire import PreKeyMessage

_FIRST: Final = b"\xff" * 32
_NO_SALT: Final = bytes(32)


class LocalKeys:
    """Our side of every session. Loading the keys costs more than using them: make it once and keep it for a while."""

    __slots__ = ("identity", "registration_id", "signed_pre_keys")

    def __init__(self, identity_private: bytes, registration_id: int, signed_pre_keys: Mapping[int, bytes]) -> None:
        """`signed_pre_keys`: the private keys by id; older ones too, as long as somebody may have fetched them."""
        self.identity = curve.KeyPair(identity_private)
        self.registration_id = registration_id
        self.signed_pre_keys = signed_pre_keys

    @classmethod
    def of(cls, credentials: Credentials) -> "LocalKeys":
        signed = {credentials.signed_pre_key_id: credentials.signed_pre_key_private}
        return cls(credentials.identity_private, credentials.registration_id, signed)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the server (or a retry receipt) says about a device. Public keys are 32 bytes, without their type."""

    registration_id: int
    identity: bytes
    signed_pre_key_id: int
    signed_pre_key: bytes
    signature: bytes = field(repr=False)
    pre_key_id: int | None = None  # the server may have run out of them
    pre_key: bytes | None = None
    device_identity: bytes | None = field(default=None, repr=False)  # ADVSignedDeviceIdentity, of companions only

    def verify(self, *, is_companion: bool, account_identity: bytes | None = None) -> None:
        """Check all signatures.

        `is_companion`: whether the address names another device than the phone (device 0). `account_identity`: the
        identity of the phone, if known and to be insisted on.
        Raises BundleError.
        """
        if not xeddsa.verify(self.identity, curve.KEY_TYPE + self.signed_pre_key, self.signature):
            raise BundleError("the signature of the signed pre-key does not verify")
        if is_companion:
            if self.device_identity is None:
                raise BundleError("nobody vouches for the device")
            verify_device_identity(self.device_identity, self.identity, account_identity)


def verify_device_identity(device_identity: bytes, identity: bytes, account_identity: bytes | None = None) -> None:
    """Check that the account vouches for the companion with `identity`, and the companion for the account.

    `account_identity`: the identity of the account's phone. Without it the key inside is trusted.
    Raises BundleError.
    """
    signed, details = ADVSignedDeviceIdentity(), ADVDeviceIdentity()
    try:
        signed.ParseFromString(device_identity)
        details.ParseFromString(signed.details)
    except DecodeError:
        raise BundleError("not a device identity") from None
    account_key = signed.account_signature_key or account_identity or b""
    if account_identity is not None and account_key != account_identity:
        raise BundleError("another account vouches for the device")
    hosted = details.device_type == HOSTED
    if not adv.verify_account(account_key, signed.details, identity, signed.account_signature, hosted=hosted):
        raise BundleError("the account's signature does not verify")
    if not adv.verify_device(identity, signed.details, account_key, signed.device_signature):
        raise BundleError("the device's signature does not verify")


def initiate(record: Record | None, bundle: Bundle, local: LocalKeys) -> Record:
    """Begin a session from a bundle that you verified; messages are encrypted in it from now on.

    If the bundle's identity is not that of the record, all earlier sessions are forgotten. Compare
    `record.identity` if you want to tell.
    Raises BundleError for keys that are none.
    """
    base, ratchet_private = curve.KeyPair(curve.new_private()), curve.new_private()
    own = curve.KeyPair(ratchet_private)
    try:
        secrets = [
            local.identity.agree(bundle.signed_pre_key),
            base.agree(bundle.identity),
            base.agree(bundle.signed_pre_key),
        ]
        if bundle.pre_key is not None:
            secrets.append(base.agree(bundle.pre_key))
        root_key, sending_key = ratchet.turn(_root_key(secrets), own.agree(bundle.signed_pre_key))
    except ProtocolError:
        raise BundleError("not a usable key") from None
    session = Session(
        identity=bundle.identity,
        base_key=b"",
        registration_id=bundle.registration_id,
        root_key=root_key,
        ratchet_private=ratchet_private,
        ratchet_public=own.public,
        sending_key=sending_key,
        next_counter=0,
        previous_counter=0,
        receiving=(),
        pending=Pending(base.public, bundle.signed_pre_key_id, None if bundle.pre_key is None else bundle.pre_key_id),
    )
    return Record(bundle.identity, session) if record is None else record.begun(session)


def respond(message: PreKeyMessage, local: LocalKeys, pre_key: PreKey | None) -> Session:
    """The session that the peer began. It cannot send before its first message was accepted.

    Raises UnknownPreKeyError, and MalformedMessageError for keys that are none.
    """
    signed_private = local.signed_pre_keys.get(message.signed_pre_key_id)
    if signed_private is None:
        raise UnknownPreKeyError(message.signed_pre_key_id, is_signed=True)
    if message.pre_key_id is not None and (pre_key is None or pre_key.key_id != message.pre_key_id):
        raise UnknownPreKeyError(message.pre_key_id)
    signed = curve.KeyPair(signed_private)
    try:
        secrets = [
            signed.agree(message.identity),
            local.identity.agree(message.base_key),
            signed.agree(message.base_key),
        ]
        if message.pre_key_id is not None and pre_key is not None:
            secrets.append(curve.agree(pre_key.private, message.base_key))
    except ProtocolError:
        raise MalformedMessageError("not a usable key") from None
    return Session(
        identity=message.identity,
        base_key=message.base_key,
        registration_id=message.registration_id,
        root_key=_root_key(secrets),
        ratchet_private=signed_private,
        ratchet_public=signed.public,
        sending_key=b"",
        next_counter=0,
        previous_counter=0,
        receiving=(),
        pending=None,
    )


def _root_key(secrets: list[bytes]) -> bytes:
    return curve.hkdf(_FIRST + b"".join(secrets), salt=_NO_SALT, info=b"WhisperText", length=64)[:32]
