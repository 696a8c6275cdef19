"""What the simulator raises at whoever steers it; clients on the wire get the protocol's own errors.

SimulatorError          an order that makes no sense; the message is a sentence for people
 +-- PhoneError         what the phone would tell its owner: not a QR code, wrong code, no network, ...

Refused                 inside only: a query of a client that is answered with `code` and `text`
"""

from whatsapp.exceptions import WhatsAppError


class SimulatorError(WhatsAppError):
    """An order to the simulator that makes no sense."""


class PhoneError(SimulatorError):
    """The phone could not do it. The message is what its owner reads."""


class Refused(WhatsAppError):  # noqa: N818  # an answer, not a failure of ours
    """The server refuses a query. `mistake` says why, for `Simulator.mistakes`; None where the client did no wrong."""

    def __init__(self, code: int, text: str, mistake: str | None = None) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.mistake = mistake
