"""Messages, receipts and chat states, brought to all the devices that they are for (PROTOCOL.md §12, §16 to §18)."""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from whatsapp.protocol.jid import LEGACY_PN_SERVER, LID_SERVER, PN_SERVER, SERVER_JID, Jid
from whatsapp.protocol.messages import participants_hash
from whatsapp.protocol.nodes import Attr, Node
from whatsapp.protocol.signal.cipher import PRE_KEY_MESSAGE
from whatsapp.simulator import delivery
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.exceptions import Refused
from whatsapp.simulator.faults import Kind, Stage
from whatsapp.simulator.strikes import strike

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator
    from whatsapp.simulator.session import Session

Target = tuple[Account, int]  # a device of an account, the phone if 0

_USERS: Final = (PN_SERVER, LID_SERVER, LEGACY_PN_SERVER)
_TO_NOBODY: Final = ("peer_msg", "hist_sync", "server-error")
_TO_OWN: Final = ("read-self", "played-self")
_INSIDE: Final = 20  # bytes from the end of a pkmsg: inside of the message that it wraps
_COPIED: Final = ("id", "type", "category", "push_priority", "edit")


def accept(session: "Session", message: Node) -> None:
    """Take a message of a client: pass it on and acknowledge it, or refuse it."""
    device, simulator = session.device, session.simulator
    assert device is not None
    number = device.account.number
    attrs: dict[str, Attr] = {
        "class": "message",
        "id": message.attr("id"),
        "from": message.attrs.get("to", SERVER_JID),
        "t": str(int(time.time())),
    }
    fault = simulator.faults.strike(Stage.MESSAGE, number)
    if fault is not None and fault.kind is not Kind.ACK_ERROR:
        strike(session, fault)
        return
    try:
        if fault is not None:
            raise Refused(fault.code or 463, "ordered")
        phash = _pass_on(session, device, message)
    except Refused as refused:
        if refused.mistake:
            session.mistake(refused.mistake)
        simulator.ledger.count("refused_messages", number)
        session.send(Node("ack", {**attrs, "error": str(refused.code)}))
        return
    simulator.ledger.count("messages", number)
    fault = simulator.faults.strike(Stage.TAKEN, number)
    if fault is not None:
        strike(session, fault)
    elif not simulator.faults.standing(Kind.NO_ACK, number):
        late = simulator.faults.standing(Kind.ACK_DELAY, number)
        ack = Node("ack", {**attrs, "phash": phash} if phash else attrs)
        if late is None:
            _acknowledge(session, ack)
        else:
            asyncio.get_running_loop().call_later(late.delay_s, _acknowledge, session, ack)


def _acknowledge(session: "Session", ack: Node) -> None:
    session.send(ack)
    fault = session.simulator.faults.strike(Stage.ACKED, session.number)
    if fault is not None:
        strike(session, fault)


def _pass_on(session: "Session", device: Device, message: Node) -> str:
    """Split a message and deliver its parts. Gives the phash if the client's list of devices is not ours."""
    simulator, own = session.simulator, device.account
    to = message.attr_jid("to")
    if to is None or not message.attr("id"):
        raise Refused(400, "bad-request", "a message without id or to")
    if to.server not in _USERS:
        raise Refused(404, "item-not-found", "a message to something else than a user")
    account = simulator.account_of(to)
    if account is None:
        raise Refused(404, "item-not-found")  # not on WhatsApp (any more)
    parts = _parts(message, to)
    identity = message.child("device-identity")
    vouched = [] if identity is None else [identity]
    _need_token(session, own, account, message)
    targets: dict[Target, Node] = {}
    for jid, enc in parts:
        owner = simulator.account_of(jid)
        if owner is None or owner not in (account, own):
            raise Refused(400, "bad-request", "an enc for a device that is neither the recipient's nor an own one")
        if jid.is_lid != to.is_lid:
            session.mistake("devices are not addressed in the way that `to` is")
        if (owner, jid.device) == (own, device.number):
            session.mistake("an enc for the sending device itself")
            continue
        if (owner, jid.device) in targets:
            session.mistake("two encs for one device")
        if jid.device >= owner.next_device:
            session.mistake("an enc for a device that never was in the account")
        targets[owner, jid.device] = enc
    for target, enc in targets.items():
        if target[1] == 0 or target[1] in target[0].devices:
            simulator.scrutiny.note(session, device, target, enc, identity)
            deliver(simulator, (own, device.number), target, to, message.attrs, [enc, *vouched])
    expected = {(account, number) for number in account.device_numbers()}
    expected |= {(own, number) for number in own.device_numbers() if number != device.number}
    if to.device or message.child("participants") is None or targets.keys() == expected:
        return ""
    return participants_hash(owner.address(number, as_lid=to.is_lid) for owner, number in expected)


def _parts(message: Node, to: Jid) -> list[tuple[Jid, Node]]:
    """Who gets which enc. What was asked for again has its enc in itself, or (Baileys) in participants all the same."""
    participants = message.child("participants")
    if participants is None:
        enc = message.child("enc")
        if enc is None:
            raise Refused(400, "bad-request", "a message without an enc")
        return [(to, enc)]
    parts = [(each.attr_jid("jid"), each.child("enc")) for each in participants.children("to")]
    good = [(jid, enc) for jid, enc in parts if jid is not None and enc is not None]
    if len(good) < len(parts) or not good:
        raise Refused(400, "bad-request", "participants without their jid or enc, or none at all")
    return good


def _need_token(session: "Session", own: Account, account: Account, message: Node) -> None:
    """Chats that nobody opened yet need a token where that is ordered (PROTOCOL.md §22)."""
    token = message.child("tctoken")
    if own is account and token is not None:
        raise Refused(479, "smax-invalid", "a tctoken to an own device")
    if own is account or message.child("participants") is None:
        return
    is_good = token is not None and token.data in session.simulator.tokens.get((account.number, own.number), ())
    if token is not None and not is_good:
        session.mistake("a tctoken that the recipient did not issue")
    if not is_good and session.simulator.faults.standing(Kind.TOKEN_REQUIRED, own.number):
        raise Refused(463, "no token")


def deliver(
    simulator: "Simulator", sender: Target, target: Target, to: Jid, said: dict[str, Attr], content: list[Node]
) -> None:
    """One part of a message. `to` is as the sender wrote it, and so are the attributes in `said`."""
    (account, device), as_lid = sender, to.is_lid
    attrs: dict[str, Attr] = {key: said[key] for key in _COPIED if key in said}
    attrs["from"] = account.address(device, as_lid=as_lid)
    attrs["t"] = str(int(time.time()))
    attrs["notify"] = account.name or account.number
    attrs["addressing_mode"] = "lid" if as_lid else "pn"
    attrs["sender_pn" if as_lid else "sender_lid"] = account.address(0, as_lid=not as_lid)
    if target[0] is account:
        chat = said.get("recipient", to)
        other = simulator.account_of(chat) if isinstance(chat, Jid) else None
        attrs["recipient"] = chat.bare if isinstance(chat, Jid) else chat
        if other is not None:
            key = "peer_recipient_pn" if as_lid else "peer_recipient_lid"
            attrs[key] = other.address(0, as_lid=not as_lid)
    else:
        target[0].contacts = target[0].contacts or set()
        target[0].contacts.add(account.number)
    if "count" not in content[0].attrs and simulator.faults.strike(Stage.PART, account.number):
        content[0].content = damaged(content[0])
    hand_over(simulator, target, Node("message", attrs, content))


def damaged(enc: Node) -> bytes:
    """What an enc is after a bit of its message fell over."""
    data = enc.data
    place = max(0, len(data) - (_INSIDE if enc.attr("type") == PRE_KEY_MESSAGE else 1))
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :] if data else data


def receipt(simulator: "Simulator", sender: Target, said: Node) -> None:
    """Pass a receipt on to those who wait for it."""
    account, device = sender
    to, kind = said.attr_jid("to"), said.attr("type")
    receiver = simulator.account_of(to) if to is not None else None
    if to is None or receiver is None or kind in _TO_NOBODY:
        return
    attrs: dict[str, Attr] = {"id": said.attr("id"), "from": account.address(device, as_lid=to.is_lid)}
    attrs["t"] = said.attr("t") or str(int(time.time()))
    if kind:
        attrs["type"] = kind
    if kind in _TO_OWN:
        receiver, attrs["recipient"] = account, to.bare
    elif "recipient" in said.attrs:
        attrs["recipient"] = said.attrs["recipient"]
    if kind in ("retry", "sender"):
        targets = [(receiver, to.device)]
    else:
        targets = [(receiver, number) for number in receiver.device_numbers()]
    for target in targets:
        if target != sender:
            hand_over(simulator, target, Node("receipt", dict(attrs), said.content))


def chat_state(session: "Session", said: Node) -> None:
    """Typing and the like, for devices that are there."""
    to, device = said.attr_jid("to"), session.device
    account = session.simulator.account_of(to) if to is not None else None
    if to is None or account is None or device is None:
        return
    sender = device.account.address(device.number, as_lid=to.is_lid)
    for other in account.devices.values():
        if other.session is not None and other.session.available:
            other.session.send(Node("chatstate", {"from": sender}, said.content))
    states = tuple(child.tag for child in said.children())
    session.simulator.phone(account.number).saw_typing(device.account.number, states[0] if states else "")


def hand_over(simulator: "Simulator", target: Target, node: Node) -> None:
    """Give a stanza to a device, now or when it is there."""
    account, number = target
    if number == 0:
        simulator.phone(account.number).take(node)
    elif number in account.devices:
        delivery.push(account.devices[number], node)
