"""Orders from other processes: JSON over a WebSocket, one request in one message.

    {"id": 1, "do": "scan", "number": "6287788987745", "qr": "https://…"}
    {"id": 1, "ok": true, "device": 1}                  or  {"id": 1, "ok": false, "error": "This QR code is …"}

`VERBS` lists them; `control.ControlClient` has a method for each. An error is an English sentence for people; what
they may meet though the order was right (`exceptions.Trouble`) has a `code` and `detail` beside it, to be said in other
words. QR texts and codes are secrets and never logged.
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from whatsapp.credentials import Credentials
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import control_messages, stanzas
from whatsapp.simulator.exceptions import SimulatorError
from whatsapp.simulator.phone import LINK_TIMEOUT_S, Phone

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

Order = dict[str, Any]
Verb = Callable[["Simulator", Order], Awaitable[Order]]


async def serve_orders(simulator: "Simulator", connection: ServerConnection) -> None:
    """Answer one control connection until it ends."""
    try:
        async for message in connection:
            await connection.send(json.dumps(await carry_out(simulator, message)))
    except ConnectionClosed:
        pass


async def carry_out(simulator: "Simulator", message: str | bytes) -> Order:
    """One order and its answer; never raises for what an order can get wrong."""
    try:
        order = json.loads(message)
    except ValueError:
        order = None
    if not isinstance(order, dict):
        return {"id": None, "ok": False, "error": "An order is a JSON object."}
    verb = VERBS.get(str(order.get("do")))
    answer: Order = {"id": order.get("id")}
    if verb is None:
        return {**answer, "ok": False, "error": f"Nothing is called {order.get('do')!r}; there are {', '.join(VERBS)}."}
    try:
        return {**answer, "ok": True, **await verb(simulator, order)}
    except SimulatorError as error:
        known = {"code": error.trouble.name, "detail": error.detail} if error.trouble is not None else {}
        return {**answer, "ok": False, "error": str(error), **known}
    except KeyError as error:
        return {**answer, "ok": False, "error": f"{order['do']} needs {error}."}
    except (TypeError, ValueError, AttributeError) as error:
        return {**answer, "ok": False, "error": f"{order['do']} does not take that: {error}."}


async def _info(simulator: "Simulator", order: Order) -> Order:
    return {"url": simulator.url, "root_key": simulator.root_key.hex(), "qr_refs": simulator.qr_refs}


async def _add_phone(simulator: "Simulator", order: Order) -> Order:
    optional = {key: str(order[key]) for key in ("name", "platform", "business_name") if order.get(key)}
    return {"phone": _phone_row(simulator.add_phone(str(order["number"]), **optional))}


async def _phones(simulator: "Simulator", order: Order) -> Order:
    """All but recipients, of whom there may be thousands."""
    return {"phones": [_phone_row(phone) for phone in simulator.phones if not phone.account.is_recipient]}


def _phone_row(phone: Phone) -> Order:
    return {
        "number": phone.number,
        "name": phone.account.name,
        "platform": phone.account.platform,
        "lid": phone.account.lid,
        "network": phone.network,
        "online": any(device.session for device in phone.devices),
        "devices": [
            {
                "device": device.number,
                "name": device.name,
                "linked_at": device.linked_at,
                "online": device.session is not None,
                "pre_keys": device.pre_key_count,
                "pending": len(device.pending or ()),
            }
            for device in phone.devices
        ],
    }


async def _scan(simulator: "Simulator", order: Order) -> Order:
    phone = simulator.phone(str(order["number"]))
    device = await phone.scan(str(order["qr"]), timeout_s=float(order.get("timeout_s", LINK_TIMEOUT_S)))
    return {"device": device.number}


async def _enter_code(simulator: "Simulator", order: Order) -> Order:
    phone = simulator.phone(str(order["number"]))
    device = await phone.enter_code(str(order["code"]), timeout_s=float(order.get("timeout_s", LINK_TIMEOUT_S)))
    return {"device": device.number}


async def _unlink(simulator: "Simulator", order: Order) -> Order:
    """One device, or all of the phone's."""
    phone = simulator.phone(str(order["number"]))
    wanted = [int(order["device"])] if order.get("device") else [device.number for device in phone.devices]
    for device in wanted:
        await phone.unlink(device)
    return {"unlinked": wanted}


async def _network(simulator: "Simulator", order: Order) -> Order:
    simulator.phone(str(order["number"])).network = bool(order["on"])
    return {}


async def _fault(simulator: "Simulator", order: Order) -> Order:
    details = {key: value for key, value in order.items() if key not in ("id", "do", "kind", "number")}
    return {"fault": simulator.fault(str(order["kind"]), order.get("number"), **details).as_dict()}


async def _faults(simulator: "Simulator", order: Order) -> Order:
    return {"faults": [fault.as_dict() for fault in simulator.faults]}


async def _lift(simulator: "Simulator", order: Order) -> Order:
    return {"lifted": await simulator.lift(order.get("number"), order.get("kind"), order.get("fault_id"))}


async def _counts(simulator: "Simulator", order: Order) -> Order:
    """Of one number, of several (`numbers`), or of all."""
    if "numbers" in order:
        return {"counts": {number: simulator.counts(number).as_dict() for number in order["numbers"]}}
    return {"counts": simulator.counts(order.get("number")).as_dict()}


async def _mistakes(simulator: "Simulator", order: Order) -> Order:
    number = order.get("number")
    return {
        "mistakes": [mistake.as_dict() for mistake in simulator.mistakes if number is None or mistake.number == number]
    }


async def _reset(simulator: "Simulator", order: Order) -> Order:
    """Forget counts and mistakes, lift every fault; with `phones` forget the phones too."""
    await simulator.lift()
    simulator.ledger.reset()
    if order.get("phones"):
        simulator.forget_phones()
    return {}


async def _link_directly(simulator: "Simulator", order: Order) -> Order:
    """Credentials for one number, or for each of `numbers`; bytes as base64."""
    optional: Order = {}
    if "device_name" in order:
        optional["device_name"] = str(order["device_name"])
    if "pre_keys" in order:
        optional["pre_keys"] = int(order["pre_keys"])
    numbers = [str(number) for number in order.get("numbers") or [order["number"]]]
    made = []
    for number in numbers:
        made.append(_credentials_row(simulator.link_directly(number, **optional)))
        await asyncio.sleep(0)  # keys take a millisecond each: let the others live
    return {"credentials": made}


def _credentials_row(credentials: Credentials) -> Order:
    values = {field.name: getattr(credentials, field.name) for field in fields(Credentials)}
    return {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in values.items()
    }


async def _ping(simulator: "Simulator", order: Order) -> Order:
    return {"answered": await stanzas.ping(simulator, str(order["number"]), float(order.get("timeout_s", 5.0)))}


async def _send(simulator: "Simulator", order: Order) -> Order:
    """A stanza as {"tag", "attrs", "content"}; content is text, a list of stanzas, or {"base64": …}."""
    stanzas.send(simulator, str(order["number"]), _node(order["node"]), str(order.get("how", "plain")))
    return {}


def _node(row: Order) -> Node:
    attrs = {key: Jid.parse(value) if "@" in value else str(value) for key, value in row.get("attrs", {}).items()}
    content = row.get("content")
    if isinstance(content, list):
        return Node(str(row["tag"]), dict(attrs), [_node(child) for child in content])
    if isinstance(content, dict):
        return Node(str(row["tag"]), dict(attrs), base64.b64decode(content["base64"]))
    return Node(str(row["tag"]), dict(attrs), content)


VERBS: Final[dict[str, Verb]] = {
    "info": _info,
    "add_phone": _add_phone,
    "phones": _phones,
    "scan": _scan,
    "enter_code": _enter_code,
    "unlink": _unlink,
    "network": _network,
    "fault": _fault,
    "faults": _faults,
    "lift": _lift,
    "counts": _counts,
    "mistakes": _mistakes,
    "reset": _reset,
    "link_directly": _link_directly,
    "ping": _ping,
    "send": _send,
    **control_messages.VERBS,
}
