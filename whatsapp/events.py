"""What a `Client` tells its caller, in the order in which it happened."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from whatsapp.protocol.jid import Jid


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR text to show until the next one, or for `valid_s` seconds. A secret: whoever reads it can link."""

    text: str
    valid_s: float
    is_last: bool

    def __repr__(self) -> str:  # a secret must not reach a log by way of an f-string
        return f"QrCode(valid_s={self.valid_s}, is_last={self.is_last})"


@dataclass(frozen=True, slots=True)
class Paired:
    """The phone accepted this device and the credentials are on disk. The server restarts the connection (515) now."""

    jid: Jid
    lid: Jid | None
    platform: str
    business_name: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The server confirmed who this connection is."""

    jid: Jid
    lid: Jid | None
    display_name: str
    server_time: int  # seconds since 1970, 0 if the server sent none


@dataclass(frozen=True, slots=True)
class Ready:
    """Pre-keys are up and the connection is active: stanzas flow."""


ReceiptStatus: TypeAlias = Literal["delivered", "read", "played", "sent_by_own_device"]


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message of one person. WhatsApp is told that it arrived only after the handler returned.

    So it comes again, with the same id, after a crash at any moment before that: what was done once must do no harm
    when done again. Messages of groups, statuses and programs never come.
    """

    message_id: str
    chat: Jid  # the person, without a device; as addressed by WhatsApp: number or LID
    sender_number: str | None  # digits, if known; our own for what another device of this account sent
    from_me: bool  # sent by another device of this account
    text: str | None = field(repr=False)  # None if it has none, or none that we understand
    at: int  # seconds since 1970, as WhatsApp says


@dataclass(frozen=True, slots=True)
class ReceiptReceived:
    """What became of messages that we sent, as one device of the recipient says. It is acknowledged after the handler
    returned, and comes again after a crash before that. They come in any order, and once for each device.
    """

    message_ids: tuple[str, ...]
    recipient: Jid  # the person, without a device; number or LID
    number: str | None  # digits of the person, if known
    status: ReceiptStatus
    at: int  # seconds since 1970


Event = QrCode | Paired | LoggedIn | Ready | MessageReceived | ReceiptReceived
