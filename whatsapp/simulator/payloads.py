"""Reads what a client says about itself in the handshake, as strictly as a server would (PROTOCOL.md §4)."""

import hashlib
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.payload import Version
from whatsapp.protocol.protobufs.handshake_pb2 import ClientPayload, DeviceProps
from whatsapp.simulator.accounts import SignedKey
from whatsapp.simulator.exceptions import Refused

_BAD_REQUEST = 400
_OUTDATED = 405
_BAD_USER_AGENT = 409


@dataclass(frozen=True, slots=True)
class Registration:
    """A device that no phone knows yet."""

    registration_id: int
    identity: bytes
    signed_key: SignedKey
    name: str
    platform_type: int


@dataclass(frozen=True, slots=True)
class Login:
    """A device that says it is linked."""

    number: str
    device: int
    passive: bool


def read_payload(raw: bytes, oldest_version: Version) -> Registration | Login:
    """What the client wants. Raises Refused with the reason for the `<failure>`."""
    try:
        payload = ClientPayload.FromString(raw)
    except DecodeError:
        raise _refused("the client payload is unreadable") from None
    version = _version(payload)
    if version < oldest_version:
        raise Refused(_OUTDATED, "client outdated", f"version {'.'.join(map(str, version))} is too old")
    if not payload.HasField("connect_type") or not payload.HasField("connect_reason"):
        raise _refused("the client payload lacks connectType or connectReason")
    if payload.HasField("device_pairing_data"):
        return _registration(payload, version)
    return _login(payload)


def _version(payload: ClientPayload) -> Version:
    agent = payload.user_agent
    fields = ("platform", "app_version", "mcc", "mnc", "os_version", "device", "os_build_number", "release_channel")
    missing = [name for name in fields if not agent.HasField(name)]
    if missing or agent.platform != ClientPayload.UserAgent.WEB or not payload.HasField("web_info"):
        wrong = f"lacks {', '.join(missing)}" if missing else "is none of a web client"
        raise Refused(_BAD_USER_AGENT, "bad user agent", f"the user agent {wrong}")
    return agent.app_version.primary, agent.app_version.secondary, agent.app_version.tertiary


def _registration(payload: ClientPayload, version: Version) -> Registration:
    data = payload.device_pairing_data
    if payload.passive or payload.pull or payload.HasField("username") or payload.HasField("device"):
        raise _refused("a registration is neither passive nor pulling and names no account")
    sizes = {
        "registration_id": 4,
        "key_type": 1,
        "identity": curve.KEY_BYTES,
        "signed_pre_key_id": 3,
        "signed_pre_key": curve.KEY_BYTES,
        "signed_pre_key_signature": xeddsa.SIGNATURE_BYTES,
        "build_hash": 16,
    }
    for name, size in sizes.items():
        if len(getattr(data, name)) != size:
            raise _refused(f"{name} of a registration must be {size} bytes")
    if data.key_type != curve.KEY_TYPE:
        raise _refused("the key type is not 05")
    if data.build_hash != hashlib.md5(".".join(map(str, version)).encode(), usedforsecurity=False).digest():
        raise _refused("the build hash is not that of the version")
    signed = SignedKey(
        int.from_bytes(data.signed_pre_key_id, "big"), data.signed_pre_key, data.signed_pre_key_signature
    )
    if not is_signed(data.identity, signed):
        raise _refused("the signed pre-key's signature does not verify")
    try:
        props = DeviceProps.FromString(data.device_props)
    except DecodeError:
        raise _refused("the device props are unreadable") from None
    if not props.os:
        raise _refused("the device has no name")
    return Registration(
        int.from_bytes(data.registration_id, "big"), data.identity, signed, props.os, props.platform_type
    )


def _login(payload: ClientPayload) -> Login:
    if not payload.username or not payload.device:
        raise _refused("a login names an account and a device")
    if not payload.pull or not payload.HasField("passive"):
        raise _refused("a login pulls, and says whether it is passive")
    return Login(str(payload.username), payload.device, payload.passive)


def is_signed(identity: bytes, signed: SignedKey) -> bool:
    """Whether the device's identity signed this pre-key."""
    return xeddsa.verify(identity, curve.KEY_TYPE + signed.public, signed.signature)


def _refused(mistake: str) -> Refused:
    return Refused(_BAD_REQUEST, "bad request", mistake)
