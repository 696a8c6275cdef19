"""The `encrypt` namespace: the keys of linked devices and phones (PROTOCOL.md §10, §14)."""

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING, Final

from whatsapp.protocol import curve
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signal.x3dh import Bundle
from whatsapp.simulator import delivery
from whatsapp.simulator.accounts import Account, Device, SignedKey
from whatsapp.simulator.exceptions import Refused
from whatsapp.simulator.payloads import is_signed

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator
    from whatsapp.simulator.session import Session

_MAX_KEYS: Final = 1000  # in one upload
_LOW: Final = 5  # fewer one-time keys than these, and the device is told


def count(session: "Session", iq: Node, child: Node) -> list[Node]:
    return [Node("count", {"value": str(_device(session).pre_key_count)})]


def upload(session: "Session", iq: Node, child: Node) -> list[Node]:
    """New one-time keys and the signed one. Raises Refused with 406 for anything that does not fit the device."""
    device = _device(session)
    parts = {part.tag: part for part in iq.children()}
    missing = {"registration", "type", "identity", "list", "skey"} - parts.keys()
    if missing:
        raise _unacceptable(f"an upload without {', '.join(sorted(missing))}")
    if parts["registration"].data != device.registration_id.to_bytes(4, "big"):
        raise _unacceptable("an upload with another registration id")
    if parts["type"].data != curve.KEY_TYPE or parts["identity"].data != device.identity:
        raise _unacceptable("an upload with another identity")
    signed = _signed_key(device, parts["skey"])
    keys = [_one_time_key(key) for key in parts["list"].children("key")]
    if not 1 <= len(keys) <= _MAX_KEYS:
        raise _unacceptable(f"an upload of {len(keys)} pre-keys")
    used = device.used_key_ids
    for key_id, _ in keys:
        if used >> key_id & 1:
            raise _unacceptable(f"pre-key id {key_id} came before")
        used |= 1 << key_id
    device.used_key_ids, device.signed_key = used, signed
    device.pre_keys.update(keys)
    device.told_low = False
    session.simulator.save()
    return []


def rotate(session: "Session", iq: Node, child: Node) -> list[Node]:
    device = _device(session)
    skey = child.child("skey")
    if skey is None:
        raise _unacceptable("a rotation without a signed pre-key")
    device.signed_key = _signed_key(device, skey)
    session.simulator.save()
    return []


def digest(session: "Session", iq: Node, child: Node) -> list[Node]:
    """What the server has, and a hash over it."""
    device = _device(session)
    if device.pretended_pre_keys or not device.pre_keys:
        raise Refused(404, "item-not-found")
    signed = device.signed_key
    text = device.identity + signed.public + signed.signature + b"".join(device.pre_keys.values())
    return [
        Node(
            "digest",
            {},
            [
                Node("registration", {}, device.registration_id.to_bytes(4, "big")),
                Node("type", {}, curve.KEY_TYPE),
                Node("identity", {}, device.identity),
                _skey(signed),
                Node("list", {}, [Node("id", {}, key_id.to_bytes(3, "big")) for key_id in device.pre_keys]),
                Node("hash", {}, hashlib.sha1(text, usedforsecurity=False).digest()),
            ],
        )
    ]


def bundles(session: "Session", iq: Node, child: Node) -> list[Node]:
    """The keys to write to devices with; each takes one of their one-time keys."""
    users = child.children("user")
    if not users:
        raise Refused(400, "bad-request", "a query for the keys of nobody")
    return [Node("list", {}, [_bundle(session, user) for user in users])]


def _bundle(session: "Session", user: Node) -> Node:
    jid = user.attr_jid("jid")
    account = session.simulator.account_of(jid) if jid else None
    bundle = bundle_of(session.simulator, account, jid.device) if account and jid else None
    if bundle is None:
        error = Node("error", {"code": "404", "text": "item-not-found"})
        return Node("user", {"jid": user.attrs.get("jid", "")}, [error])
    parts = [Node("registration", {}, bundle.registration_id.to_bytes(4, "big")), *key_nodes(bundle)]
    return Node("user", {"jid": user.attrs["jid"], "t": str(int(time.time()))}, parts)


def bundle_of(simulator: "Simulator", account: Account, number: int) -> Bundle | None:
    """The keys of a device, or of the phone (0); takes a one-time key. None if there is no such device."""
    if number == 0:
        return simulator.phone(account.number).handset.bundle()
    device = account.devices.get(number)
    if device is None:
        return None
    key_id = next(iter(device.pre_keys), None)
    key = device.pre_keys.pop(key_id) if key_id is not None else None
    if key is not None and len(device.pre_keys) < _LOW and not device.told_low:
        device.told_low = True
        count = Node("count", {"value": str(len(device.pre_keys))})
        low = Node("notification", {"type": "encrypt"}, [count])
        asyncio.get_running_loop().call_soon(delivery.push, device, low)  # after the answer
    signed = device.signed_key
    return Bundle(
        registration_id=device.registration_id,
        identity=device.identity,
        signed_pre_key_id=signed.key_id,
        signed_pre_key=signed.public,
        signature=signed.signature,
        pre_key_id=key_id,
        pre_key=key,
        device_identity=device.signed_identity,
    )


def key_nodes(bundle: Bundle) -> list[Node]:
    """What answers for keys and retry receipts have in common: everything but the registration id."""
    signed = SignedKey(bundle.signed_pre_key_id, bundle.signed_pre_key, bundle.signature)
    parts = [Node("type", {}, curve.KEY_TYPE), Node("identity", {}, bundle.identity), _skey(signed)]
    if bundle.pre_key is not None and bundle.pre_key_id is not None:
        parts.append(_key("key", bundle.pre_key_id, bundle.pre_key))
    if bundle.device_identity is not None:
        parts.append(Node("device-identity", {}, bundle.device_identity))
    return parts


def read_bundle(keys: Node, registration: Node) -> Bundle:
    """The keys in a retry receipt; what is missing is empty, and does not verify."""
    parts = {part.tag: part for part in keys.children()}
    signed, one_time = parts.get("skey", Node("skey")), parts.get("key")
    values = {part.tag: part.data for part in signed.children()}
    ids = {part.tag: part.data for part in one_time.children()} if one_time is not None else {}
    return Bundle(
        registration_id=int.from_bytes(registration.data, "big"),
        identity=parts.get("identity", Node("identity")).data,
        signed_pre_key_id=int.from_bytes(values.get("id", b""), "big"),
        signed_pre_key=values.get("value", b""),
        signature=values.get("signature", b""),
        pre_key_id=int.from_bytes(ids["id"], "big") if ids.get("value") else None,
        pre_key=ids.get("value"),
        device_identity=parts["device-identity"].data if "device-identity" in parts else None,
    )


def _device(session: "Session") -> Device:
    assert session.device is not None  # `queries.answer` lets nobody here before the login
    return session.device


def _signed_key(device: Device, skey: Node) -> SignedKey:
    key_id, public = _one_time_key(skey)
    signature = skey.child("signature")
    signed = SignedKey(key_id, public, signature.data if signature else b"")
    if not is_signed(device.identity, signed):
        raise _unacceptable("the signed pre-key's signature does not verify")
    return signed


def _one_time_key(key: Node) -> tuple[int, bytes]:
    key_id, value = key.child("id"), key.child("value")
    if key_id is None or len(key_id.data) != 3 or not any(key_id.data):
        raise _unacceptable("a pre-key id must be 3 bytes and not 0")
    if value is None or len(value.data) != curve.KEY_BYTES:
        raise _unacceptable("a pre-key must be 32 bytes")
    return int.from_bytes(key_id.data, "big"), value.data


def _skey(signed: SignedKey) -> Node:
    node = _key("skey", signed.key_id, signed.public)
    node.children().append(Node("signature", {}, signed.signature))
    return node


def _key(tag: str, key_id: int, public: bytes) -> Node:
    return Node(tag, {}, [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, public)])


def _unacceptable(mistake: str) -> Refused:
    return Refused(406, "not-acceptable", mistake)
