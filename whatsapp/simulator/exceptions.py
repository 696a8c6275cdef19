"""What the simulator raises at whoever steers it; clients on the wire get the protocol's own errors.

SimulatorError          an order that makes no sense; the message is a sentence for people
 +-- PhoneError         what the phone would tell its owner: not a QR code, wrong code, no network, ...

Refused                 inside only: a query of a client that is answered with `code` and `text`
"""

import enum
from typing import Any

from whatsapp.exceptions import WhatsAppError


class Trouble(enum.Enum):
    """What people who play with phones may meet. Its name is the code on the control's wire, its value in English."""

    NO_CAMERA = "The camera recognises no QR code."
    NO_QR = "This is no WhatsApp QR code."
    OLD_QR = "This QR code is no longer valid. Scan a new one."
    FOREIGN_QR = "This QR code is for another device."
    NO_CODE = "A code has 8 letters and digits."
    NOBODY_WAITS = "No device is waiting for a code of this number."
    WRONG_CODE = "The code is wrong. Check it and try again."
    UNVERIFIED = "The device could not be verified."
    NOT_ACCEPTED = "The device did not accept the phone: %(reason)s."
    ALREADY = "This device is being linked already."
    GONE = "The device is gone. Try again."
    WENT_AWAY = "The device went away. Try again."
    TOO_SLOW = "The device did not answer in time. Try again."
    TOO_MANY = "No more than %(limit)s devices can be linked. Log one out first."
    NO_DEVICE = "No device %(number)s is linked."
    NO_NETWORK = "The phone has no network."
    NOT_ON_WHATSAPP = "%(number)s is not on WhatsApp."
    UNREACHABLE = "The simulator cannot be reached: %(error)s."
    NO_SIMULATOR = "This is no simulator's control: %(error)s."
    SILENT = "The simulator did not answer."


class SimulatorError(WhatsAppError):
    """An order to the simulator that makes no sense, or cannot be carried out.

    `trouble` and what its sentence needs (`detail`) tell what programs may say in their own words; None for mistakes
    of whoever gave the order, which are English only.
    """

    def __init__(self, what: Trouble | str, **detail: Any) -> None:
        super().__init__(what.value % detail if isinstance(what, Trouble) else what)
        self.trouble = what if isinstance(what, Trouble) else None
        self.detail = detail


class PhoneError(SimulatorError):
    """The phone could not do it. The message is what its owner reads."""


class Refused(WhatsAppError):  # noqa: N818  # an answer, not a failure of ours
    """The server refuses a query. `mistake` says why, for `Simulator.mistakes`; None where the client did no wrong."""

    def __init__(self, code: int, text: str, mistake: str | None = None) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text
        self.mistake = mistake
