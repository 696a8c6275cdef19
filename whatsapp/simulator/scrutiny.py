"""Notes what is wrong with an encrypted message. The real server cannot see some of it: the recipients would."""

from typing import TYPE_CHECKING, Final

from whatsapp.exceptions import SignalError
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.signal.cipher import MESSAGE, PRE_KEY_MESSAGE
from whatsapp.protocol.signal.wire import PreKeyMessage, SignalMessage
from whatsapp.simulator.accounts import Account, Device

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

_REMEMBERED: Final = 64  # counters, of each sender to each device
_Pair = tuple[str, int, str, int]


class Scrutiny:
    """Remembers which counters were used between which devices."""

    def __init__(self) -> None:
        self._counters: dict[_Pair, dict[tuple[bytes, int], bytes]] = {}

    def note(
        self, session: "Session", device: Device, to: tuple[Account, int], enc: Node, identity: Node | None
    ) -> None:
        """Look at one `<enc>` from a linked device; `identity` is the `<device-identity>` beside it."""
        kind, data = enc.attr("type"), enc.data
        if kind not in (MESSAGE, PRE_KEY_MESSAGE) or enc.attr("v") != "2":
            session.mistake(f"an enc of type {kind[:20]!r}, version {enc.attr('v')[:5]!r}")
            return
        try:
            if kind == PRE_KEY_MESSAGE:
                outer = PreKeyMessage.decode(data)
                self._note_outer(session, device, outer, identity)
                data = outer.message
            message = SignalMessage.decode(data)
        except SignalError as error:
            session.mistake(f"an enc that is no {kind}: {error}")
            return
        pair = device.account.number, device.number, to[0].number, to[1]
        used = self._counters.setdefault(pair, {})
        key = message.ratchet_key, message.counter
        before = used.setdefault(key, message.mac)
        if before != message.mac:
            session.mistake(f"the message counter {message.counter} was used before")
        if len(used) > _REMEMBERED:
            del used[next(iter(used))]

    @staticmethod
    def _note_outer(session: "Session", device: Device, outer: PreKeyMessage, identity: Node | None) -> None:
        if outer.registration_id != device.registration_id:
            session.mistake("a pkmsg with another registration id than the device's")
        if outer.identity != device.identity:
            session.mistake("a pkmsg with another identity than the device's")
        if identity is None:
            session.mistake("a pkmsg without device-identity")
        elif identity.data != device.signed_identity:
            session.mistake("a pkmsg with another device-identity than the phone signed")
