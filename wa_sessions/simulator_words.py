"""What the demo's page says when a phone could not do something: the one place where such a code becomes a sentence."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from whatsapp.simulator.exceptions import SimulatorError, Trouble

WORDS: Mapping[Trouble, StrPromise] = {
    Trouble.NO_CAMERA: _("The camera recognises no QR code."),
    Trouble.NO_QR: _("This is no WhatsApp QR code."),
    Trouble.OLD_QR: _("This QR code is no longer valid. Scan a new one."),
    Trouble.FOREIGN_QR: _("This QR code is for another device."),
    Trouble.NO_CODE: _("A code has 8 letters and digits."),
    Trouble.NOBODY_WAITS: _("No device is waiting for a code of this number."),
    Trouble.WRONG_CODE: _("The code is wrong. Check it and try again."),
    Trouble.UNVERIFIED: _("The device could not be verified."),
    Trouble.NOT_ACCEPTED: _("The device did not accept the phone: %(reason)s."),
    Trouble.ALREADY: _("This device is being linked already."),
    Trouble.GONE: _("The device is gone. Try again."),
    Trouble.WENT_AWAY: _("The device went away. Try again."),
    Trouble.TOO_SLOW: _("The device did not answer in time. Try again."),
    Trouble.TOO_MANY: _("No more than %(limit)s devices can be linked. Log one out first."),
    Trouble.NO_DEVICE: _("No device %(number)s is linked."),
    Trouble.NO_NETWORK: _("The phone has no network."),
    Trouble.NOT_ON_WHATSAPP: _("%(number)s is not on WhatsApp."),
    Trouble.UNREACHABLE: _("The simulator cannot be reached: %(error)s."),
    Trouble.NO_SIMULATOR: _("This is no simulator's control: %(error)s."),
    Trouble.SILENT: _("The simulator did not answer."),
}


def sentence(error: SimulatorError) -> str:
    """In the language of the moment; mistakes of our own orders are English."""
    return str(error) if error.trouble is None else str(WORDS[error.trouble]) % error.detail
