"""What tests let the server say: pings, notifications, messages, and the odd shapes that frames may have."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.nodes import Node, encode_compressed_node
from whatsapp.simulator import delivery
from whatsapp.simulator.exceptions import SimulatorError

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

HOW: Final = ("plain", "compressed", "pieces", "twice")


async def ping(simulator: "Simulator", number: str, timeout_s: float = 5.0) -> bool:
    """Ask every connection of a number for a sign of life; whether all answered in time. Not to answer is a mistake."""
    asked = {}
    for session in simulator.sessions(number):
        attrs: dict[str, str | Jid] = {"from": SERVER_JID, "type": "get", "xmlns": "urn:xmpp:ping"}
        asked[session.query(Node("iq", {**attrs, "t": str(int(time.time()))}))] = session
    if not asked:
        return False
    done, late = await asyncio.wait(asked, timeout=timeout_s)
    for future in late:
        future.cancel()
        asked[future].mistake("a ping of the server was not answered")
    return not late and not any(future.cancelled() for future in done)


def send(simulator: "Simulator", number: str, node: Node, how: str = "plain") -> None:
    """Send a stanza: "compressed", in "pieces" of one byte, or "twice" in one WebSocket message (connections only)."""
    if how == "plain":
        simulator.send(number, node)
        return
    if how not in HOW:
        raise SimulatorError(f"a stanza is sent {', '.join(HOW)}; not {how!r}")
    for session in simulator.sessions(number):
        if how == "compressed":
            session.send_plain(encode_compressed_node(node))
        elif how == "pieces":
            session.send_in_pieces(node, 1)
        else:
            session.send(node, node)


def notification(kind: str, children: list[Node] | None = None, sender: Jid = SERVER_JID) -> Node:
    return Node("notification", {"type": kind, "from": sender}, children)


def pre_keys_low(left: int) -> Node:
    """The server runs out of one-time keys."""
    return notification("encrypt", [Node("count", {"value": str(left)})])


def message(sender: Jid, payload: bytes = b"\x33opaque", *, notify: str = "") -> Node:
    """A message that nobody here can decrypt."""
    enc = Node("enc", {"v": "2", "type": "pkmsg"}, payload)
    return Node("message", {"from": sender, "type": "text", "notify": notify or sender.user}, [enc])


def receipt(sender: Jid, message_id: str, kind: str = "") -> Node:
    attrs: dict[str, str | Jid] = {"from": sender, "id": message_id}
    return Node("receipt", {**attrs, "type": kind} if kind else attrs)


def dirty(kind: str = "account_sync") -> Node:
    return _ib(Node("dirty", {"type": kind, "timestamp": str(int(time.time()))}))


def edge_routing(routing_info: bytes) -> Node:
    return _ib(Node("edge_routing", {}, [Node("routing_info", {}, routing_info)]))


def pre_keys_taken(simulator: "Simulator", number: str, left: int) -> None:
    """Let all but `left` one-time keys of a number's devices be used up, and tell them."""
    for device in simulator.phone(number).devices:
        device.pretended_pre_keys = 0
        for key_id in list(device.pre_keys)[: max(0, len(device.pre_keys) - left)]:
            del device.pre_keys[key_id]
        delivery.push(device, pre_keys_low(device.pre_key_count))


def _ib(child: Node) -> Node:
    return Node("ib", {"from": SERVER_JID}, [child])
