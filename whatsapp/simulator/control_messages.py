"""Orders about messages: what phones send, read and got. See `whatsapp.simulator.control_server`."""

import asyncio
import base64
import heapq
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from whatsapp.simulator.exceptions import SimulatorError
from whatsapp.simulator.phone import Phone

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

Order = dict[str, Any]
Verb = Callable[["Simulator", Order], Awaitable[Order]]

_BEHAVIOURS: Final = {"reads": bool, "confirms": bool, "lazy": bool, "corrupt": int, "delay_s": float}
_AT_ONCE: Final = 500


async def _add_recipients(simulator: "Simulator", order: Order) -> Order:
    """Of these `numbers`, or `count` of them."""
    numbers = [str(number) for number in order["numbers"]] if "numbers" in order else int(order["count"])
    behaviour = {key: bool(order[key]) for key in ("reads", "lazy") if key in order}
    return {"numbers": simulator.add_recipients(numbers, first=int(order.get("first", 0)), **behaviour)}


async def _recipients(simulator: "Simulator", order: Order) -> Order:
    """The `limit` recipients with the newest messages, in the order they were made, and how many there are in all.

    Of each the last `messages`, oldest first, its own among them.
    """
    everybody = [phone for phone in simulator.phones if phone.account.is_recipient]
    limit, last = int(order.get("limit", 30)), int(order.get("messages", 5))
    newest = heapq.nlargest(limit, range(len(everybody)), key=lambda index: everybody[index].last_at)
    rows = [_recipient_row(everybody[index], last) for index in sorted(newest)]
    return {"recipients": rows, "count": len(everybody)}


def _recipient_row(phone: Phone, last: int) -> Order:
    chat = [*phone.inbox.messages.values(), *phone.outbox]
    return {
        "number": phone.number,
        "name": phone.account.name,
        "network": phone.network,
        "waiting": sum(node.tag == "message" for node in phone.waiting),
        "messages": [message.as_dict() for message in heapq.nlargest(last, chat, key=lambda each: each.at)[::-1]],
    }


async def _behave(simulator: "Simulator", order: Order) -> Order:
    """What one phone does from now on, or all recipients; `pre_keys_left`: how many one-time keys the server has."""
    if order.get("number") is not None:
        phones = [simulator.phone(str(order["number"]))]
    else:
        phones = [phone for phone in simulator.phones if phone.account.is_recipient]
    for phone in phones:
        for name, kind in _BEHAVIOURS.items():
            if name in order:
                setattr(phone, name, kind(order[name]))
        if "network" in order:
            phone.network = bool(order["network"])
        if "pre_keys_left" in order:
            phone.handset.pre_keys_left = int(order["pre_keys_left"])
    return {"phones": len(phones)}


async def _send_text(simulator: "Simulator", order: Order) -> Order:
    """From the phone `number` to the number `to`."""
    phone = simulator.phone(str(order["number"]))
    as_lid = bool(order.get("as_lid", False))
    return {"message": await phone.send(str(order["to"]), str(order["text"]), as_lid=as_lid)}


async def _read(simulator: "Simulator", order: Order) -> Order:
    """Read one message (`message`), or all, and say so."""
    message = order.get("message")
    return {"read": simulator.phone(str(order["number"])).read(None if message is None else str(message))}


async def _give_token(simulator: "Simulator", order: Order) -> Order:
    token = simulator.phone(str(order["number"])).give_token(str(order["to"]))
    return {"token": base64.b64encode(token).decode()}


async def _inbox(simulator: "Simulator", order: Order) -> Order:
    """What one phone shows, oldest first; with `copies` what other own devices sent."""
    phone = simulator.phone(str(order["number"]))
    inbox = phone.copies if order.get("copies") else phone.inbox
    return {"messages": [message.as_dict() for message in inbox.messages.values()], **_figures(inbox.summary())}


def _figures(summary: Order) -> Order:
    return {key: value for key, value in summary.items() if key not in ("ids", "count")}


async def _inboxes(simulator: "Simulator", order: Order) -> Order:
    """For each number: count, ids, repeats and what could not be read. Without `numbers`: of all that got anything."""
    if "numbers" in order:
        phones = [simulator.phone(str(number)) for number in order["numbers"]]
    else:
        phones = simulator.phones
    found: dict[str, Order] = {}
    for done, phone in enumerate(phones):
        summary = phone.inbox.summary()
        if "numbers" in order or any(summary.values()):
            found[phone.number] = summary
        if done % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)  # let the others live
    return {"inboxes": found}


async def _totals(simulator: "Simulator", order: Order) -> Order:
    """Sums over all inboxes, and what else went through the server."""
    totals: dict[str, int] = {"phones": 0, "messages": 0, "repeats": 0, "undecryptable": 0, "ignored": 0, "waiting": 0}
    for phone in simulator.phones:
        inbox = phone.inbox
        totals["phones"] += bool(inbox.messages)
        totals["messages"] += len(inbox.messages)
        totals["waiting"] += len(phone.waiting)
        for name in ("repeats", "undecryptable", "ignored"):
            totals[name] += getattr(inbox, name)
    totals["uploads"] = simulator.media.uploads
    return {"totals": totals}


async def _receipts(simulator: "Simulator", order: Order) -> Order:
    """What a phone knows about the messages that it sent; and who was typing to it."""
    phone = simulator.phone(str(order["number"]))
    rows = [
        {"message": receipt.message_id, "sender": receipt.sender, "device": receipt.device, "kind": receipt.kind}
        for receipt in phone.receipts
    ]
    return {"receipts": rows, "typing": [list(seen) for seen in phone.typing]}


async def _forget(simulator: "Simulator", order: Order) -> Order:
    """A phone that lost its Signal sessions, all its keys (`keys`), or its WhatsApp account (`account`)."""
    phone = simulator.phone(str(order["number"]))
    if order.get("keys"):
        phone.reinstall()
    elif order.get("account"):
        if phone.devices:
            raise SimulatorError("Unlink its devices before.")
        simulator.remove_phone(phone.number)
    else:
        phone.handset.forget_sessions()
    return {}


VERBS: Final[dict[str, Verb]] = {
    "add_recipients": _add_recipients,
    "recipients": _recipients,
    "behave": _behave,
    "send_text": _send_text,
    "read": _read,
    "give_token": _give_token,
    "inbox": _inbox,
    "inboxes": _inboxes,
    "totals": _totals,
    "receipts": _receipts,
    "forget": _forget,
}
