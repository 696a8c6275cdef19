"""What a `Client` tells its caller, in the order in which it happened."""

from dataclasses import dataclass

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


Event = QrCode | Paired | LoggedIn | Ready
