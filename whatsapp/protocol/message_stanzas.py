"""The stanzas around messages: sent, received, and asked for again (PROTOCOL.md §16 to §18)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from whatsapp.credentials import Credentials, PreKey
from whatsapp.protocol import curve
from whatsapp.protocol.jid import (
    HOSTED_LID_SERVER,
    HOSTED_SERVER,
    LEGACY_PN_SERVER,
    LID_SERVER,
    PN_SERVER,
    Jid,
)
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.protocol.signal import cipher

ENCRYPTED: Final = frozenset({cipher.MESSAGE, cipher.PRE_KEY_MESSAGE})
PERSONS: Final = frozenset({PN_SERVER, LID_SERVER, HOSTED_SERVER, HOSTED_LID_SERVER, LEGACY_PN_SERVER})
MAX_RECEIPT_IDS: Final = 2000  # named by one receipt
Status: TypeAlias = Literal["delivered", "read", "played", "sent_by_own_device"]
_NEWS: Final = frozenset({"devices", "privacy_token"})
_STATUS_OF: Final[dict[str, Status]] = {
    "": "delivered",
    "inactive": "delivered",
    "read": "read",
    "played": "played",
    "sender": "sent_by_own_device",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message between two persons comes from."""

    message_id: str
    sender: Jid  # the device
    chat: Jid  # the person at the other end, without a device
    other_names: tuple[Jid, ...]  # further addresses of the sender that the server told
    is_own: bool  # another device of this account sent it
    is_peer: bool  # between the devices' programs
    at: int


def read_source(message: Node, own: Iterable[str]) -> Source | None:
    """None for what is not between two persons, or names nobody. `own`: the users of our own number and LID."""
    sender, message_id = message.attr_jid("from"), message.attr("id")
    if sender is None or not sender.user or sender.server not in PERSONS or not message_id:
        return None
    is_own = sender.user in own
    chat = sender.bare
    if is_own:
        recipient = message.attr_jid("recipient")
        if recipient is not None and recipient.server not in PERSONS:
            return None
        chat = recipient.bare if recipient is not None else chat
    names = (message.attr_jid(key) for key in ("sender_lid", "sender_pn"))
    return Source(
        message_id,
        sender,
        chat,
        tuple(name.bare for name in names if name is not None and name.user),
        is_own,
        message.attr("category") == "peer",
        message.attr_int("t"),
    )


def needs_memory(stanza: Node) -> bool:
    """Whether something must be kept of a stanza before the server may hear that it arrived.

    So it is with messages and receipts of persons, and with news of their devices, tokens and identities.
    """
    kind = stanza.attr("type")
    if stanza.tag == "notification":
        return kind in _NEWS or (kind == "encrypt" and stanza.child("identity") is not None)
    sender = stanza.attr_jid("from")
    if sender is None or not sender.user or sender.server not in PERSONS:
        return False
    if stanza.tag == "message":
        return encrypted_part(stanza) is not None
    return stanza.tag == "receipt" and (kind == "retry" or kind in _STATUS_OF)


def encrypted_part(message: Node) -> Node | None:
    """The first part that a session opens."""
    return next((part for part in message.children("enc") if part.attr("type") in ENCRYPTED), None)


def status_of(receipt: Node) -> Status | None:
    """What a receipt says of our messages; None if it is about something else."""
    return _STATUS_OF.get(receipt.attr("type"))


def receipt_ids(receipt: Node) -> tuple[str, ...]:
    """The messages that a receipt is about."""
    listed = [item.attr("id") for part in receipt.children("list") for item in part.children("item")]
    return tuple(dict.fromkeys(filter(None, [receipt.attr("id"), *listed[:MAX_RECEIPT_IDS]])))


# --- sending


def encrypted(kind: str, data: bytes, media_type: str | None, count: int = 0) -> Node:
    """An `<enc>`. `count`: how often this message was encrypted for the device before."""
    attrs: dict[str, Attr] = {"v": "2", "type": kind}
    if media_type:
        attrs["mediatype"] = media_type
    if count:
        attrs["count"] = str(count)
    return Node("enc", attrs, data)


def message(
    chat: Jid,
    message_id: str,
    kind: str,
    parts: Iterable[tuple[Jid, Node]],
    *,
    number: str,
    device_identity: bytes | None,
    token: bytes,
) -> Node:
    """A message to a person. `kind`: "text" or "media". `parts`: an `<enc>` for each device.

    `number`: of the person, if the chat is addressed by LID. `device_identity`: ours, if any part is a "pkmsg".
    `token`: the person's trusted-contact token, or nothing.
    """
    attrs: dict[str, Attr] = {"to": chat, "id": message_id, "type": kind}
    if chat.is_lid and number:
        attrs["peer_recipient_pn"] = Jid(number)
    content = [Node("participants", {}, [Node("to", {"jid": device}, [part]) for device, part in parts])]
    if device_identity is not None:
        content.append(Node("device-identity", {}, device_identity))
    if token:
        content.append(Node("tctoken", {}, token))
    return Node("message", attrs, content)


def chat_state(chat: Jid, state: str) -> Node:
    """ "composing" while we write, "paused" when we stopped."""
    return Node("chatstate", {"to": chat}, [Node(state)])


# --- once more


def resent(
    receipt: Node, message_id: str, kind: str, part: Node, device_identity: bytes | None, *, recipient: Jid | None
) -> Node:
    """The message that a retry receipt asks for, for the device that asks. `part`: its `<enc>`.

    `recipient`: whom the message was for, if the device that asks is our own.
    """
    retry = receipt.child("retry")
    attrs: dict[str, Attr] = {"to": receipt.attrs["from"], "id": message_id, "type": kind, "device_fanout": "false"}
    if retry is not None and retry.attr("t"):
        attrs["t"] = retry.attr("t")
    if recipient is not None:
        attrs["recipient"] = receipt.attrs.get("recipient") or recipient
    content = [part]
    if device_identity is not None:
        content.append(Node("device-identity", {}, device_identity))
    return Node("message", attrs, content)


def retry_receipt(received: Node, count: int, registration_id: int, keys: Node | None) -> Node:
    """Ask for a message again, for the `count`-th time. `keys`: `retry_keys`, for a new session."""
    attrs: dict[str, Attr] = {"id": received.attr("id"), "to": received.attrs["from"], "type": "retry"}
    for name in ("participant", "recipient"):
        if received.attr(name):
            attrs[name] = received.attrs[name]
    retry = {"count": str(count), "id": received.attr("id"), "t": received.attr("t", "0"), "v": "1", "error": "0"}
    content = [Node("retry", dict(retry)), Node("registration", {}, registration_id.to_bytes(4, "big"))]
    if keys is not None:
        content.append(keys)
    return Node("receipt", attrs, content)


def retry_keys(credentials: Credentials, pre_key: PreKey) -> Node:
    """What somebody needs to begin a session with us. `pre_key` must be one that the server never had."""
    signed = [
        *_key(credentials.signed_pre_key_id, credentials.signed_pre_key_private),
        Node("signature", {}, credentials.signed_pre_key_signature),
    ]
    return Node(
        "keys",
        {},
        [
            Node("type", {}, curve.KEY_TYPE),
            Node("identity", {}, curve.public_of(credentials.identity_private)),
            Node("key", {}, _key(pre_key.key_id, pre_key.private)),
            Node("skey", {}, signed),
            Node("device-identity", {}, credentials.signed_device_identity),
        ],
    )


def _key(key_id: int, private: bytes) -> list[Node]:
    return [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, curve.public_of(private))]
