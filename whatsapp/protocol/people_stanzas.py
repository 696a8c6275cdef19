"""Asking the server who has a number, on which devices, and with which keys (PROTOCOL.md §13, §14, §22)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from whatsapp.exceptions import BundleError
from whatsapp.protocol import curve
from whatsapp.protocol.jid import (
    DOMAIN_OF_SERVER,
    HOSTED_LID_SERVER,
    HOSTED_SERVER,
    LID_SERVER,
    PN_SERVER,
    Jid,
)
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signal.x3dh import Bundle
from whatsapp.protocol.stanzas import iq_get, iq_set

_MAX_DEVICES = 100  # of one account; more are nobody's
_SIGNATURE_BYTES = 64


class DeviceList(NamedTuple):
    """One account's devices. They are addressed as the account was in the query; the LID's come by `as_lid`."""

    user: Jid  # as the server names it
    lid: str | None  # the user of its LID, if the server said it
    devices: tuple[Jid, ...]  # empty if nobody has that number


def signal_address(device: Jid) -> str:
    """The name of a device in the store of sessions: "user.device", "user_1.device" for a LID (PROTOCOL.md §6)."""
    domain = DOMAIN_OF_SERVER.get(device.server, 0)
    return f"{device.user}_{domain}.{device.device}" if domain else f"{device.user}.{device.device}"


def as_lid(device: Jid, lid: str) -> Jid:
    """The same device under the LID of its account."""
    server = HOSTED_LID_SERVER if device.server in (HOSTED_SERVER, HOSTED_LID_SERVER) else LID_SERVER
    return Jid(lid, server, device.device)


# --- devices


def devices_query(users: Iterable[Jid], sid: str) -> Node:
    """Which devices these accounts have, and the LIDs of those that are named by number."""
    asked = [Node("devices", {"version": "2"}), Node("lid")]
    return _usync(sid, "message", asked, [Node("user", {"jid": user.bare}) for user in users])


def read_devices(answer: Node) -> Iterator[DeviceList]:
    """What the answer says, account by account; what is malformed is left out."""
    for user in _users(answer):
        jid = user.attr_jid("jid")
        if jid is None or not jid.user:
            continue
        lid = user.child("lid")
        lid_jid = lid.attr_jid("val") if lid is not None else None
        yield DeviceList(jid.bare, lid_jid.user if lid_jid else None, tuple(_devices(jid, user)))


def _devices(account: Jid, user: Node) -> Iterator[Jid]:
    listed = user.child("devices", "device-list")
    for device in (listed.children("device") if listed else [])[:_MAX_DEVICES]:
        number = device.attr_int("id", -1)
        # A companion without a key index is none: a message to it is refused as a whole.
        if not 0 <= number <= 0xFFFF or (number and not device.attr("key-index")):
            continue
        server = account.server
        if device.attr("is_hosted") == "true":
            server = HOSTED_LID_SERVER if account.is_lid else HOSTED_SERVER
        yield Jid(account.user, server, number)


# --- numbers


def contacts_query(numbers: Iterable[str], sid: str) -> Node:
    """Which of these numbers (digits) are on WhatsApp."""
    users = [Node("user", {}, [Node("contact", {}, f"+{number}".encode())]) for number in numbers]
    return _usync(sid, "interactive", [Node("contact")], users)


def read_contacts(answer: Node, numbers: Sequence[str]) -> Mapping[str, Jid | None]:
    """The canonical address for each number, None for those that nobody has.

    An answer names the number that it is for, or it has the number's own address, or it stands in its place.
    """
    found: dict[str, Jid | None] = dict.fromkeys(numbers)
    users = _users(answer)
    for place, user in enumerate(users):
        contact, jid = user.child("contact"), user.attr_jid("jid")
        if contact is None or jid is None or contact.attr("type") != "in":
            continue
        number = contact.text.lstrip("+").partition("@")[0]
        if number not in found:
            number = jid.user
        if number not in found and len(users) == len(numbers):
            number = numbers[place]
        if number in found:
            phone = user.attr_jid("pn_jid") or jid
            found[number] = Jid(phone.user, phone.server)
    return found


# --- keys


def bundles_query(devices: Collection[Jid]) -> Node:
    """Keys to begin sessions with. Each one that the server gives is used up."""
    return iq_get("encrypt", Node("key", {}, [Node("user", {"jid": device}) for device in devices]))


def read_bundles(answer: Node) -> Mapping[Jid, Bundle | int]:
    """For each device its keys, or the number of the error: 404, 406, or 0 for keys that cannot be used."""
    found: dict[Jid, Bundle | int] = {}
    listed = answer.child("list")
    for user in listed.children("user") if listed else []:
        jid = user.attr_jid("jid")
        if jid is None:
            continue
        error = user.child("error")
        if error is not None:
            found[jid] = error.attr_int("code")
            continue
        try:
            found[jid] = read_bundle(user, jid)
        except BundleError:
            found[jid] = 0
    return found


def read_bundle(node: Node, device: Jid) -> Bundle:
    """The keys in a `<user>` of the server or a retry receipt, verified. Raises BundleError."""
    keys = node.child("keys") or node
    registration, identity, signed = node.child("registration"), keys.child("identity"), keys.child("skey")
    if registration is None or identity is None or signed is None:
        raise BundleError("incomplete")
    signature = signed.child("signature")
    one_time, vouched = keys.child("key"), keys.child("device-identity")
    signed_id, signed_key = _key(signed)
    pre_key_id, pre_key = _key(one_time) if one_time is not None else (None, None)
    bundle = Bundle(
        registration_id=int.from_bytes(registration.data[-4:], "big"),
        identity=_public(identity),
        signed_pre_key_id=signed_id,
        signed_pre_key=signed_key,
        signature=signature.data if signature else b"",
        pre_key_id=pre_key_id,
        pre_key=pre_key,
        device_identity=vouched.data if vouched else None,
    )
    if len(bundle.signature) != _SIGNATURE_BYTES:
        raise BundleError("not signed")
    # No other client insists on the account's word for a companion, so servers may well leave it out.
    bundle.verify(is_companion=bool(device.device) and bundle.device_identity is not None)
    return bundle


def _key(node: Node) -> tuple[int, bytes]:
    key_id, value = node.child("id"), node.child("value")
    if key_id is None or value is None or len(key_id.data) != 3:
        raise BundleError("a key without id or value")
    return int.from_bytes(key_id.data, "big"), _public(value)


def _public(node: Node) -> bytes:
    data = node.data
    if len(data) == 1 + curve.KEY_BYTES and data[:1] == curve.KEY_TYPE:
        data = data[1:]
    if len(data) != curve.KEY_BYTES:
        raise BundleError("not a key")
    return data


# --- tokens


def issue_token(person: Jid, at: int) -> Node:
    """Give a person the right to answer us, as of `at` (seconds since 1970)."""
    token = Node("token", {"jid": person, "t": str(at), "type": "trusted_contact"})
    return iq_set("privacy", Node("tokens", {}, [token]))


def read_tokens(notification: Node) -> Iterator[tuple[bytes, int]]:
    """The tokens of a `privacy_token` notification, and when each was given."""
    tokens = notification.child("tokens")
    for token in tokens.children("token") if tokens else []:
        if token.attr("type") == "trusted_contact" and 0 < len(token.data) <= 1024:
            yield token.data, token.attr_int("t")


def _usync(sid: str, context: str, asked: list[Node], users: list[Node]) -> Node:
    attrs = {"sid": sid, "mode": "query", "last": "true", "index": "0", "context": context}
    return iq_get("usync", Node("usync", dict(attrs), [Node("query", {}, asked), Node("list", {}, users)]))


def _users(answer: Node) -> list[Node]:
    listed = answer.child("usync", "list")
    return listed.children("user") if listed else []


def by_number(number: str) -> Jid:
    """The address of a number (digits)."""
    return Jid(number, PN_SERVER)
