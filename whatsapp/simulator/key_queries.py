"""The `encrypt` namespace: pre-keys of linked devices (PROTOCOL.md §10, §14)."""

import hashlib
import time
from typing import TYPE_CHECKING, Final

from whatsapp.protocol import curve
from whatsapp.protocol.nodes import Node
from whatsapp.simulator.accounts import Device, SignedKey
from whatsapp.simulator.exceptions import Refused
from whatsapp.simulator.payloads import is_signed

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

_MAX_KEYS: Final = 1000  # in one upload


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
    device = account.devices.get(jid.device) if account and jid else None
    if device is None:
        return Node(
            "user", {"jid": user.attrs.get("jid", "")}, [Node("error", {"code": "404", "text": "item-not-found"})]
        )
    parts = [
        Node("registration", {}, device.registration_id.to_bytes(4, "big")),
        Node("type", {}, curve.KEY_TYPE),
        Node("identity", {}, device.identity),
        _skey(device.signed_key),
    ]
    if device.pre_keys:
        key_id = next(iter(device.pre_keys))
        parts.append(_key("key", key_id, device.pre_keys.pop(key_id)))
    parts.append(Node("device-identity", {}, device.signed_identity))
    return Node("user", {"jid": user.attrs["jid"], "t": str(int(time.time()))}, parts)


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
