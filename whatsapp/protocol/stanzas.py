"""The stanzas a client writes (PROTOCOL.md §10 to §14, §20)."""

from collections.abc import Collection, Sequence

from whatsapp.credentials import Credentials, PreKey
from whatsapp.protocol import curve
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.nodes import Attr, Node

ANSWERED_TAGS = frozenset({"message", "receipt", "notification", "call"})
_OFFLINE_BATCH = "100"


def iq_get(xmlns: str, *content: Node) -> Node:
    """A question to the server. It has no id yet: `Connection.ask` gives it one."""
    return Node("iq", {"to": SERVER_JID, "type": "get", "xmlns": xmlns}, list(content) or None)


def iq_set(xmlns: str, *content: Node) -> Node:
    """A change on the server, without an id yet."""
    return Node("iq", {"to": SERVER_JID, "type": "set", "xmlns": xmlns}, list(content) or None)


def iq_result(request_id: str) -> Node:
    """The empty answer to a question of the server. Some of its questions have no id."""
    attrs: dict[str, Attr] = {"to": SERVER_JID, "type": "result"}
    if request_id:
        attrs["id"] = request_id
    return Node("iq", attrs)


def ping() -> Node:
    return iq_get("w:p")


def pre_key_count() -> Node:
    return iq_get("encrypt", Node("count"))


def count_of(answer: Node) -> int:
    """How many pre-keys the server says it has left; 0 if it does not say."""
    count = answer.child("count")
    return count.attr_int("value") if count else 0


def pre_key_upload(credentials: Credentials, pre_keys: Sequence[PreKey]) -> Node:
    """Hand public pre-keys to the server. They count as uploaded only once it said so."""
    return iq_set(
        "encrypt",
        Node("registration", {}, credentials.registration_id.to_bytes(4, "big")),
        Node("type", {}, curve.KEY_TYPE),
        Node("identity", {}, curve.public_of(credentials.identity_private)),
        Node("list", {}, [Node("key", {}, _key_parts(key.key_id, key.private)) for key in pre_keys]),
        Node(
            "skey",
            {},
            [
                *_key_parts(credentials.signed_pre_key_id, credentials.signed_pre_key_private),
                Node("signature", {}, credentials.signed_pre_key_signature),
            ],
        ),
    )


def _key_parts(key_id: int, private: bytes) -> list[Node]:
    return [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, curve.public_of(private))]


def active() -> Node:
    """Until this is answered the server holds everything back."""
    return iq_set("passive", Node("active"))


def presence_available(name: str) -> Node:
    return Node("presence", {"type": "available", "name": name})


def offline_batch() -> Node:
    """The answer to `<offline_preview>`: send the backlog."""
    return Node("ib", {}, [Node("offline_batch", {"count": _OFFLINE_BATCH})])


def clean(dirty: Node) -> Node:
    """The answer to a `<dirty>`: nothing of that kind is kept here, so it is clean."""
    return iq_set(
        "urn:xmpp:whatsapp:dirty",
        Node("clean", {"type": dirty.attr("type"), "timestamp": dirty.attr("timestamp")}),
    )


def remove_companion_device(jid: Jid) -> Node:
    """Unlink this device, as its own wish."""
    return iq_set("md", Node("remove-companion-device", {"jid": jid, "reason": "user_initiated"}))


def delivery(stanza: Node, own: Collection[str], *, is_available: bool) -> Node | None:
    """What tells the server that a message, receipt, notification or call arrived, so that it does not come again.

    A message that was meant to be read gets a receipt, everything else an ack. None if the stanza has no id to answer.
    `own`: the users of our own number and LID.
    """
    if stanza.tag == "message" and stanza.child("enc") is not None and stanza.attr("id"):
        return _receipt(stanza, stanza.attr("id"), own, is_available)
    return ack(stanza)


def ack(stanza: Node) -> Node | None:
    """What tells the server that a stanza need not come again, and nothing else. None if it has no id to answer."""
    stanza_id = stanza.attr("id")
    if not stanza_id:
        return None
    attrs: dict[str, Attr] = {"class": stanza.tag, "id": stanza_id, "to": stanza.attrs.get("from", SERVER_JID)}
    _copy(stanza, attrs, "participant", "recipient")
    if stanza.tag != "message":
        _copy(stanza, attrs, "type")
    return Node("ack", attrs)


def _receipt(message: Node, message_id: str, own: Collection[str], is_available: bool) -> Node:
    attrs: dict[str, Attr] = {"id": message_id, "to": message.attrs.get("from", SERVER_JID)}
    _copy(message, attrs, "participant")
    sender = message.attr_jid("from")
    if message.attr("category") == "peer":
        attrs["type"] = "peer_msg"
    elif sender is not None and sender.user in own:
        attrs["type"] = "sender"  # a copy of what another device of this account sent
        _copy(message, attrs, "recipient")
    elif not is_available:
        attrs["type"] = "inactive"
    return Node("receipt", attrs)


def _copy(source: Node, attrs: dict[str, Attr], *keys: str) -> None:
    for key in keys:
        value = source.attrs.get(key)
        if value:
            attrs[key] = value
