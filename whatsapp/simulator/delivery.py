"""Stanzas to clients: kept until they are acknowledged, sent again at each login until they are (PROTOCOL.md §12)."""

import time
from typing import TYPE_CHECKING

from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator.accounts import Device

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

KEPT = frozenset(("message", "receipt", "notification", "call"))  # what must be acknowledged
Key = tuple[str, str, str]


def push(device: Device, node: Node) -> None:
    """Send a stanza to a linked device, now or when it is next there; id and time are added where they are missing."""
    node.attrs.setdefault("from", SERVER_JID)
    node.attrs.setdefault("t", str(int(time.time())))
    if node.tag in KEPT:
        device.pending = device.pending or {}
        node.attrs.setdefault("id", f"SIM{time.monotonic_ns():X}")
        key = _key(node)
        while node.tag == "receipt" and key in device.pending:
            key = key[0], key[1], f"{key[2]}+"  # the same once more, and acknowledged once more
        device.pending[key] = node
        if device.session is not None and device.session.active:
            device.session.send(node)
    elif device.session is not None:
        device.session.send(node)


def activate(session: "Session") -> None:
    """The client wants stanzas: give it what waited, marked as such, then say that this was all."""
    device = session.device
    assert device is not None
    session.active = True
    waiting = list((device.pending or {}).values())
    if waiting:
        tags = [node.tag for node in waiting]
        counts = {tag: str(tags.count(tag)) for tag in ("message", "receipt", "notification")}
        preview = Node("offline_preview", {"count": str(len(waiting)), "appdata": "0", **counts})
        session.send(Node("ib", {"from": SERVER_JID}, [preview]))
    for index, node in enumerate(waiting):
        session.send(Node(node.tag, {**node.attrs, "offline": str(index)}, node.content))
    session.send(Node("ib", {"from": SERVER_JID}, [Node("offline", {"count": str(len(waiting))})]))


def take_ack(session: "Session", ack: Node) -> None:
    """The client acknowledges something of ours."""
    if session.device is None:  # a notification while pairing, which nothing waits for
        return
    pending = session.device.pending or {}
    kind, stanza_id = ack.attr("class"), ack.attr("id")
    key = kind, stanza_id, f"{ack.attr('to')} {ack.attr('type')}" if kind == "receipt" else ""
    if key not in pending and kind == "receipt":  # one that came twice, or one acknowledged badly
        others = [other for other in pending if other[:2] == key[:2]]
        key = next((other for other in others if other[2].startswith(key[2])), others[0] if others else key)
    node = pending.get(key)
    if node is None:
        session.mistake(f"an ack for a {kind or 'nothing'} that was not waiting for one")
        return
    if ack.attrs.get("to") != node.attrs.get("from"):
        session.mistake("an ack to somebody else than the sender")
        return
    wrong = [name for name in ("type", "participant") if node.tag != "message" and ack.attr(name) != node.attr(name)]
    if wrong:
        session.mistake(f"an ack for a {node.tag} without its {wrong[0]}")
    _settle(session.device, key)


def take_receipt(session: "Session", receipt: Node) -> None:
    """A receipt settles the message it names; the server acknowledges it in turn.

    One that asks for it again does not: an ack follows it.
    """
    device = session.device
    assert device is not None
    for message_id in ids_of(receipt) if receipt.attr("type") != "retry" else ():
        _settle(device, ("message", message_id, ""))
    attrs: dict[str, str | Jid] = {"class": "receipt", "from": receipt.attrs.get("to", SERVER_JID)}
    attrs.update((key, receipt.attrs[key]) for key in ("id", "type", "participant") if key in receipt.attrs)
    session.send(Node("ack", attrs))


def ids_of(receipt: Node) -> list[str]:
    """All the messages that a receipt is for."""
    further = (item.attr("id") for part in receipt.children("list") for item in part.children("item"))
    return [receipt.attr("id"), *further]


def _key(node: Node) -> Key:
    # A message gets several receipts, and each must be acknowledged.
    more = f"{node.attr('from')} {node.attr('type')}" if node.tag == "receipt" else ""
    return node.tag, node.attr("id"), more


def _settle(device: Device, key: Key) -> None:
    if device.pending is not None:
        device.pending.pop(key, None)
        if not device.pending:
            device.pending = None
