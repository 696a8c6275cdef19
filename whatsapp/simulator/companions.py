"""Tells about linked devices: to those who ask (usync, PROTOCOL.md §13), and when one comes or goes (§19)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import participants_hash
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.simulator import delivery
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.exceptions import Refused

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

_MAX_USERS: Final = 1000  # in one query


def usync(session: "Session", iq: Node, child: Node) -> list[Node]:
    """Devices, LIDs, and whether somebody is on WhatsApp, as far as it was asked for."""
    asked = {part.tag: part for parts in child.children("query") for part in parts.children()}
    users = [user for part in child.children("list") for user in part.children("user")]
    if not asked or not users or not child.attr("sid"):
        raise Refused(400, "bad-request", "a usync without a sid, a query or users")
    if len(users) > _MAX_USERS:
        raise Refused(400, "bad-request", f"a usync about {len(users)} users")
    if "devices" in asked and asked["devices"].attr("version") != "2":
        session.mistake("a usync for devices of another version than 2")
    answers = [_user(session, user, asked) for user in users]
    result = Node("result", {}, [Node(tag) for tag in sorted(asked)])
    attrs = {key: child.attr(key) for key in ("sid", "index", "last", "mode", "context")}
    return [Node("usync", dict(attrs), [result, Node("list", {}, answers)])]


def _user(session: "Session", user: Node, asked: dict[str, Node]) -> Node:
    contact = user.child("contact")
    wants_lid = "contact" in asked and asked["contact"].attr("addressing_mode") == "lid"
    written = contact.text.removeprefix("+").removesuffix("@c.us") if contact else ""
    if contact is not None and (not contact.text.startswith("+") or not written.isdecimal()):
        session.mistake("a number to be checked that is not written +digits")
    jid = user.attr_jid("jid") or Jid(written)
    if contact is not None:
        jid = Jid(session.simulator.spellings.get(jid.user, jid.user), jid.server)
    account = session.simulator.account_of(jid)
    attrs: dict[str, Attr] = {}
    if account is not None and wants_lid and contact is not None:
        attrs = {"jid": account.address(0, as_lid=True), "pn_jid": account.address(0, as_lid=False)}
    elif account is not None and contact is not None:
        attrs = {"jid": account.address(0, as_lid=False)}
    elif not wants_lid:
        attrs = {"jid": jid.bare}
    parts: list[Node] = []
    if "contact" in asked:
        parts.append(Node("contact", {"type": "in" if account else "out"}, contact.text if contact else None))
    if "lid" in asked and account is not None and not jid.is_lid:
        parts.append(Node("lid", {"val": account.address(0, as_lid=True)}))
    if "devices" in asked and account is not None:
        parts.append(Node("devices", {}, [Node("device-list", {}, _devices(account))]))
    return Node("user", attrs, parts)


def _devices(account: Account) -> list[Node]:
    companions = [
        Node("device", {"id": str(device.number), "key-index": str(device.key_index)})
        for device in account.devices.values()
    ]
    return [Node("device", {"id": "0"}), *companions]


def announce(accounts: Mapping[str, Account], device: Device, change: str) -> None:
    """Tell the account's other devices, and those who wrote to it: `change` is "add" or "remove"."""
    account = device.account
    hashes = [
        participants_hash(account.address(number, as_lid=as_lid) for number in account.device_numbers())
        for as_lid in (False, True)
    ]
    for listener in (account, *filter(None, map(accounts.get, sorted(account.contacts or ())))):
        for other in listener.devices.values():
            if other is device:
                continue
            changed = Node("device", {"jid": device.jid, "lid": device.lid, "key-index": str(device.key_index)})
            inside = Node(change, {"device_hash": hashes[0], "device_lid_hash": hashes[1]}, [changed])
            attrs: dict[str, Attr] = {"type": "devices", "from": account.address(0, as_lid=False)}
            attrs["lid"] = account.address(0, as_lid=True)
            delivery.push(other, Node("notification", attrs, [inside]))
