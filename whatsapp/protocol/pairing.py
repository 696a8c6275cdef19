"""Becoming a linked device by QR: the text to show, and pair-success checked byte by byte (PROTOCOL.md §7, §8)."""

import base64
import dataclasses
import hmac
from dataclasses import dataclass
from typing import Final, TypeVar

from google.protobuf.message import DecodeError

from whatsapp.credentials import Credentials
from whatsapp.exceptions import PairingError
from whatsapp.protocol import adv, curve, xeddsa
from whatsapp.protocol.jid import PN_SERVER, SERVER_JID, Jid
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.protobufs.adv_pb2 import (
    HOSTED,
    ADVDeviceIdentity,
    ADVSignedDeviceIdentity,
    ADVSignedDeviceIdentityHMAC,
)

QR_PREFIX: Final = "https://wa.me/settings/linked_devices#"
CLIENT_TYPE_CHROME: Final = "1"
_MALFORMED: Final = 500  # our error code for what cannot be read; a wrong signature is 401
_NAME_CHARACTERS: Final = 200

M = TypeVar("M", ADVSignedDeviceIdentityHMAC, ADVSignedDeviceIdentity, ADVDeviceIdentity)


def qr_text(ref: str, credentials: Credentials, client_type: str = CLIENT_TYPE_CHROME) -> str:
    """What the QR says. A secret: it holds the key that vouches for whoever scans it."""
    keys = (
        curve.public_of(credentials.noise_private),
        curve.public_of(credentials.identity_private),
        credentials.adv_secret,
    )
    return QR_PREFIX + ",".join((ref, *(base64.b64encode(key).decode() for key in keys), client_type))


def refs_of(pair_device: Node) -> list[str]:
    """The refs that a `<pair-device>` brings, in the order in which they are to be shown."""
    return [ref.text for ref in pair_device.children("ref") if ref.text]


@dataclass(frozen=True, slots=True)
class PairSuccess:
    """A pair-success that verified. You must save `credentials` before you send `answer`."""

    credentials: Credentials
    answer: Node
    jid: Jid
    lid: Jid | None


def verify_pair_success(iq: Node, credentials: Credentials) -> PairSuccess:
    """Check the server's `<iq><pair-success>` against the keys that the QR showed.

    Raises PairingError; answer that with `pairing_error`.
    """
    wrapped = _parse(ADVSignedDeviceIdentityHMAC, _child(iq, "device-identity").data)
    hosted_account = wrapped.account_type == HOSTED
    expected = adv.wrap_hmac(credentials.adv_secret, wrapped.details, hosted=hosted_account)
    if not hmac.compare_digest(expected, wrapped.hmac):
        raise PairingError("hmac-mismatch")

    signed = _parse(ADVSignedDeviceIdentity, wrapped.details)
    details = _parse(ADVDeviceIdentity, signed.details)
    if len(signed.account_signature_key) != curve.KEY_BYTES or len(signed.account_signature) != xeddsa.SIGNATURE_BYTES:
        raise PairingError("signature-mismatch")
    identity = curve.public_of(credentials.identity_private)
    if not adv.verify_account(
        signed.account_signature_key,
        signed.details,
        identity,
        signed.account_signature,
        hosted=details.device_type == HOSTED,
    ):
        raise PairingError("signature-mismatch")

    device = _child(iq, "device")
    jid, lid = device.attr_jid("jid"), device.attr_jid("lid")
    if jid is None or jid.server != PN_SERVER or not jid.device or not _is_number(jid.user):
        raise PairingError("no address in pair-success", _MALFORMED)
    if lid is not None and not lid.is_lid:
        raise PairingError("lid of another kind in pair-success", _MALFORMED)

    signed.device_signature = adv.sign_device(
        credentials.identity_private, signed.details, identity, signed.account_signature_key
    )
    linked = dataclasses.replace(
        credentials,
        jid=str(jid),
        lid=str(lid) if lid else None,
        platform=_name(iq, "platform"),
        business_name=_name(iq, "biz"),
        signed_device_identity=signed.SerializeToString(),
    )
    signed.ClearField("account_signature_key")
    sign = Node("device-identity", {"key-index": str(details.key_index)}, signed.SerializeToString())
    answer = Node("iq", _answer_attrs(iq, "result"), [Node("pair-device-sign", {}, [sign])])
    return PairSuccess(linked, answer, jid, lid)


def pairing_error(iq: Node, error: PairingError) -> Node:
    """What to answer a pair-success that does not verify."""
    return Node("iq", _answer_attrs(iq, "error"), [Node("error", {"code": str(error.code), "text": str(error)})])


def _answer_attrs(iq: Node, kind: str) -> dict[str, str | Jid]:
    return {"to": SERVER_JID, "type": kind, "id": iq.attr("id")}


def _child(iq: Node, tag: str) -> Node:
    child = iq.child("pair-success", tag)
    if child is None:
        raise PairingError(f"no {tag} in pair-success", _MALFORMED)
    return child


def _name(iq: Node, tag: str) -> str:
    child = iq.child("pair-success", tag)
    return child.attr("name")[:_NAME_CHARACTERS] if child else ""


def _is_number(user: str) -> bool:
    return user.isascii() and user.isdecimal() and len(user) <= 20


def _parse(kind: type[M], data: bytes) -> M:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise PairingError(f"not a {kind.__name__}", _MALFORMED) from None
