"""Steering a simulator of another process. Blocking, for threads and tests that have no loop."""

import base64
import itertools
import json
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from whatsapp.credentials import Credentials
from whatsapp.simulator.exceptions import SimulatorError, Trouble

Row = dict[str, Any]


class ControlClient:
    """One connection to a simulator's control; not for several threads at once.

    Every method raises SimulatorError with a sentence for people: what the phone would say, what makes no sense, or
    that the simulator cannot be reached.
    """

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        try:
            # No pings: whoever steers is often busy with other things. `legacy`: this object is the context manager.
            quiet = {"ping_interval": None, "max_size": None, "compression": None}
            self._connection = connect(url, open_timeout=5, close_timeout=1, legacy=True, **quiet)
        except (OSError, ConnectionClosed, ValueError) as error:
            raise SimulatorError(Trouble.UNREACHABLE, error=str(error)) from None
        except Exception as error:  # an upgrade refused, which has many names
            raise SimulatorError(Trouble.NO_SIMULATOR, error=str(error)) from None

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def order(self, do: str, **details: Any) -> Row:
        """Any order; the methods below are all this one."""
        order_id = next(self._ids)
        order = {"id": order_id, "do": do, **{key: value for key, value in details.items() if value is not None}}
        try:
            self._connection.send(json.dumps(order))
            answer: Row = json.loads(self._connection.recv(timeout=self._timeout_s))
        except (ConnectionClosed, TimeoutError, OSError):
            raise SimulatorError(Trouble.SILENT) from None
        if not answer.get("ok"):
            trouble = Trouble.__members__.get(str(answer.get("code")))
            if trouble is not None:
                raise SimulatorError(trouble, **answer["detail"])
            raise SimulatorError(str(answer.get("error")))
        return answer

    def info(self) -> Row:
        """`url`, `root_key` (hexadecimal), `qr_refs`."""
        answer = self.order("info")
        return {key: answer[key] for key in ("url", "root_key", "qr_refs")}

    def add_phone(self, number: str, name: str = "", platform: str = "android", business_name: str = "") -> Row:
        order = self.order("add_phone", number=number, name=name, platform=platform, business_name=business_name)
        return dict(order["phone"])

    def phones(self) -> list[Row]:
        """Each with number, name, network, online, and its linked devices with their states."""
        return list(self.order("phones")["phones"])

    def scan(self, number: str, qr: str, timeout_s: float | None = None) -> int:
        """The id of the device that is now linked."""
        return int(self.order("scan", number=number, qr=qr, timeout_s=timeout_s)["device"])

    def enter_code(self, number: str, code: str, timeout_s: float | None = None) -> int:
        return int(self.order("enter_code", number=number, code=code, timeout_s=timeout_s)["device"])

    def unlink(self, number: str, device: int | None = None) -> list[int]:
        """One device, or all; gives those unlinked."""
        return list(self.order("unlink", number=number, device=device)["unlinked"])

    def network(self, number: str, on: bool) -> None:
        self.order("network", number=number, on=on)

    def fault(self, kind: str, number: str | None = None, **details: Any) -> Row:
        """See `whatsapp.simulator.faults`."""
        return dict(self.order("fault", kind=kind, number=number, **details)["fault"])

    def faults(self) -> list[Row]:
        return list(self.order("faults")["faults"])

    def lift(self, number: str | None = None, kind: str | None = None, fault_id: int | None = None) -> int:
        return int(self.order("lift", number=number, kind=kind, fault_id=fault_id)["lifted"])

    def counts(self, number: str | None = None) -> Row:
        """Of one number, or of all. See `whatsapp.simulator.counts.Counts`."""
        return dict(self.order("counts", number=number)["counts"])

    def counts_of(self, numbers: list[str]) -> dict[str, Row]:
        return dict(self.order("counts", numbers=numbers)["counts"])

    def mistakes(self, number: str | None = None) -> list[Row]:
        return list(self.order("mistakes", number=number)["mistakes"])

    def reset(self, *, phones: bool = False) -> None:
        """Counts, mistakes and faults; with `phones` the phones too."""
        self.order("reset", phones=phones)

    def link_directly(
        self, numbers: list[str], *, device_name: str | None = None, pre_keys: int | None = None
    ) -> list[Credentials]:
        """A linked device for each number, without QR codes."""
        rows = self.order("link_directly", numbers=numbers, device_name=device_name, pre_keys=pre_keys)["credentials"]
        return [_credentials(row) for row in rows]

    def ping(self, number: str, timeout_s: float | None = None) -> bool:
        """Whether all connections of that number answered the server's ping."""
        return bool(self.order("ping", number=number, timeout_s=timeout_s)["answered"])

    def send(self, number: str, node: Row, how: str = "plain") -> None:
        """A stanza as {"tag", "attrs", "content"}; see `whatsapp.simulator.stanzas.HOW`."""
        self.order("send", number=number, node=node, how=how)

    # --- messages

    def add_recipients(
        self, numbers: int | list[str], *, reads: bool = False, lazy: bool = False, first: int = 0
    ) -> list[str]:
        """Many cheap phones; see `whatsapp.simulator.people.People.add_recipients`. Gives their numbers."""
        which: Row = {"count": numbers} if isinstance(numbers, int) else {"numbers": numbers}
        return list(self.order("add_recipients", reads=reads, lazy=lazy, first=first, **which)["numbers"])

    def recipients(self, limit: int | None = None, messages: int | None = None) -> tuple[list[Row], int]:
        """Those with the newest messages, and how many there are: `number`, `name`, `network`, how many messages are
        `waiting`, and the last `messages` as in `inbox`, those with its own number as `sender` being its answers."""
        answer = self.order("recipients", limit=limit, messages=messages)
        return list(answer["recipients"]), int(answer["count"])

    def behave(self, number: str | None = None, **behaviour: Any) -> int:
        """One phone, or all recipients: `reads`, `confirms`, `lazy`, `corrupt`, `delay_s` (see
        `whatsapp.simulator.messenger.Messenger`), `network`, `pre_keys_left`. Gives how many phones that were."""
        return int(self.order("behave", number=number, **behaviour)["phones"])

    def send_text(self, number: str, to: str, text: str, *, as_lid: bool = False) -> str:
        """Write from a phone, e.g. "STOP". Gives the message's id."""
        return str(self.order("send_text", number=number, to=to, text=text, as_lid=as_lid)["message"])

    def read(self, number: str, message: str | None = None) -> int:
        """Let a phone read one message, or all. Gives how many."""
        return int(self.order("read", number=number, message=message)["read"])

    def give_token(self, number: str, to: str) -> bytes:
        """Let `to` open a chat with `number`."""
        return base64.b64decode(self.order("give_token", number=number, to=to)["token"])

    def inbox(self, number: str, *, copies: bool = False) -> list[Row]:
        """The messages on a phone, oldest first, as `whatsapp.simulator.inbox.InboxMessage`; files as their length."""
        return list(self.order("inbox", number=number, copies=copies)["messages"])

    def inboxes(self, numbers: list[str] | None = None) -> dict[str, Row]:
        """By number: `count`, `ids`, `repeats`, `undecryptable`, `ignored`. None named: all that got anything."""
        return dict(self.order("inboxes", numbers=numbers)["inboxes"])

    def totals(self) -> dict[str, int]:
        """Over all phones: `phones` that got messages, `messages`, `repeats`, `undecryptable`, `ignored`, `waiting` at
        the server, and `uploads`."""
        return dict(self.order("totals")["totals"])

    def receipts(self, number: str) -> Row:
        """`receipts` for what a phone sent, and `typing`: who was typing to it, [number, state]."""
        answer = self.order("receipts", number=number)
        return {key: answer[key] for key in ("receipts", "typing")}

    def forget(self, number: str, *, keys: bool = False, account: bool = False) -> None:
        """The phone lost its Signal sessions; with `keys` it was installed anew; with `account` it is not on WhatsApp
        any more."""
        self.order("forget", number=number, keys=keys, account=account)


def _credentials(row: Row) -> Credentials:
    values: Row = {
        name: base64.b64decode(value["base64"]) if isinstance(value, dict) else value for name, value in row.items()
    }
    return Credentials(**values)
