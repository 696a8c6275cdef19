"""What the sans-I/O core tells its shell, beside the events that are for the caller."""

from dataclasses import dataclass

from whatsapp.events import LoggedIn, QrCode
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import PairSuccess


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to what `Connection.ask` sent: an iq of type result or error; or the ack of a message that was sent,
    and `request_id` is its `ack_key` then.
    """

    request_id: str
    answer: Node


@dataclass(frozen=True, slots=True)
class CodeAnswered:
    """The phone took the pairing code; `notification` is for `CodePairing.finish`."""

    notification: Node


@dataclass(frozen=True, slots=True)
class PreKeysLow:
    """The server has only `count` of our pre-keys left. You should upload more."""

    count: int


@dataclass(frozen=True, slots=True)
class RoutingInfo:
    """Opaque bytes that bring the next connection to the same place. You should keep them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A stanza that something must be kept of before the server may hear that it arrived. You must answer it then."""

    stanza: Node


def ack_key(message_id: str) -> str:
    """What the ack of a message is known by; no query has such an id."""
    return f"ack {message_id}"


# On PairSuccess you must save its credentials and then call `Connection.confirm_pairing`.
Signal = QrCode | LoggedIn | PairSuccess | Answered | CodeAnswered | PreKeysLow | RoutingInfo | Arrived
