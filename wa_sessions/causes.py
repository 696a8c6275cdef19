"""Why an outlet is not connected: the one place where an end becomes a cause, its words and its next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from whatsapp.ends import End, EndKind


class Code(StrEnum):
    """The codes that rows, flips and API clients see."""

    NETWORK = "network"
    LINE_LOST = "line_lost"
    TIMED_OUT = "timed_out"
    SERVER_ERROR = "server_error"
    RESTART = "restart"
    NOT_SCANNED = "not_scanned"
    PAIRING_FAILED = "pairing_failed"
    PAIRING_INTERRUPTED = "pairing_interrupted"
    UNREACHABLE = "unreachable"
    WRONG_NUMBER = "wrong_number"
    UNLINKED = "unlinked"
    LOCKED = "locked"
    BANNED = "banned"
    TEMPORARY_BAN = "temporary_ban"
    OUTDATED = "outdated"
    REPLACED = "replaced"
    REFUSED = "refused"
    KEY_LOST = "key_lost"
    UNLINK_FAILED = "unlink_failed"
    INACTIVE = "inactive"
    SERVER_STOPPED = "server_stopped"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads. Both are formatted with the cause's detail."""

    message: StrPromise
    action: StrPromise


WORDS: Mapping[str, Words] = {
    Code.NETWORK: Words(
        _("WhatsApp cannot be reached. All outlets are waiting for the network."),
        _("Check this server's internet connection. The outlet comes back by itself."),
    ),
    Code.LINE_LOST: Words(
        _("The connection to WhatsApp was lost."), _("The outlet reconnects by itself while auto-reconnect is on.")
    ),
    Code.TIMED_OUT: Words(
        _("WhatsApp did not answer in time."), _("The outlet reconnects by itself while auto-reconnect is on.")
    ),
    Code.SERVER_ERROR: Words(
        _("WhatsApp has trouble at the moment (code %(code)s)."),
        _("The outlet reconnects by itself while auto-reconnect is on."),
    ),
    Code.RESTART: Words(_("WhatsApp asked for a new connection."), _("Nothing to do: it reconnects at once.")),
    Code.NOT_SCANNED: Words(
        _("The QR code was not scanned in time."), _("Press Connect when the phone is at hand, then scan the QR code.")
    ),
    Code.PAIRING_FAILED: Words(
        _("Linking failed: the phone and this server could not agree."),
        _("Press Connect and scan the new QR code. If it fails again, update WhatsApp on the phone."),
    ),
    Code.PAIRING_INTERRUPTED: Words(
        _("The connection was lost before the phone was linked."), _("Press Connect and scan the new QR code.")
    ),
    Code.UNREACHABLE: Words(
        _("WhatsApp cannot be reached, so no QR code came."),
        _("Check this server's internet connection, then press Connect."),
    ),
    Code.WRONG_NUMBER: Words(
        _("A phone with the number %(scanned)s scanned, but this outlet has %(expected)s. It was unlinked again."),
        _("Press Connect and scan with the outlet's own phone, or correct the outlet's number."),
    ),
    Code.UNLINKED: Words(
        _("The phone removed this linked device."), _("Press Connect and scan the QR code under Linked devices.")
    ),
    Code.LOCKED: Words(
        _("WhatsApp locked this account or its phone is no longer registered."),
        _("Open WhatsApp on the phone and follow its instructions, then press Connect and scan again."),
    ),
    Code.BANNED: Words(
        _("WhatsApp banned this number."),
        _("Open WhatsApp on the phone and ask for a review. This number cannot send."),
    ),
    Code.TEMPORARY_BAN: Words(
        _("WhatsApp restricted this number for a while."),
        _("Wait %(wait)s. Send nothing from this number until then, not even from the phone."),
    ),
    Code.OUTDATED: Words(
        _("WhatsApp refuses this version of Gerai. This concerns every outlet."),
        _("Ask your administrator to set a newer WA_CLIENT_VERSION and restart."),
    ),
    Code.REPLACED: Words(
        _("This linked device was connected from another place."),
        _("Stop the other server or copy first, then press Connect here."),
    ),
    Code.REFUSED: Words(
        _("WhatsApp refused the connection (code %(code)s)."),
        _("Press Connect to try again. If it is refused again, tell your administrator the code."),
    ),
    Code.KEY_LOST: Words(
        _("The saved link of this outlet can no longer be read."), _("Press Connect and scan the QR code again.")
    ),
    Code.UNLINK_FAILED: Words(
        _("The device could not be unlinked: WhatsApp did not answer."),
        _("Press Unlink again, or remove the device on the phone under Linked devices."),
    ),
    Code.INACTIVE: Words(_("This outlet is inactive."), _("Activate the outlet to connect it.")),
    Code.SERVER_STOPPED: Words(_("The server was stopped."), _("The outlet comes back when the server starts.")),
    Code.INTERNAL: Words(
        _("Something went wrong on this server."), _("The outlet tries again. Tell your administrator if it stays.")
    ),
}

# Causes that leave good keys, after which nothing is tried, not even after a restart of the server: a person decides.
WAITS_FOR_PERSON = frozenset({Code.REPLACED, Code.REFUSED})

# Transient causes: the connection is tried again for as long as auto-reconnect is on.
COMES_BACK = frozenset({Code.NETWORK, Code.LINE_LOST, Code.TIMED_OUT, Code.SERVER_ERROR, Code.RESTART, Code.INTERNAL})

# Words of `End.reason` for what broke on our own side.
_OURS = frozenset({"crash", "handler", "internal", "overrun", "store"})

_OF_KIND = {
    EndKind.RESTART: Code.RESTART,
    EndKind.NOT_SCANNED: Code.NOT_SCANNED,
    EndKind.UNLINKED: Code.UNLINKED,
    EndKind.LOCKED: Code.LOCKED,
    EndKind.BANNED: Code.BANNED,
    EndKind.TEMPORARY_BAN: Code.TEMPORARY_BAN,
    EndKind.OUTDATED: Code.OUTDATED,
    EndKind.REPLACED: Code.REPLACED,
    EndKind.PAIRING_FAILED: Code.PAIRING_FAILED,
    EndKind.REFUSED: Code.REFUSED,
}


def is_timeout(end: End) -> bool:
    """Whether an attempt died of waiting: decides TIMEOUT against FAILED when the retries are used up."""
    return end.kind is EndKind.TRANSIENT and end.code == 408


def is_outage(end: End) -> bool:
    """Whether an end says nothing about the account: the server could not know yet who was calling."""
    return end.kind is EndKind.TRANSIENT and end.network


def cause_of(end: End, *, network_works: bool = False) -> tuple[Code, dict[str, Any]]:
    """The cause of an end, and what its sentence needs. `network_works`: others got through meanwhile."""
    detail: dict[str, Any] = {} if end.code is None else {"code": end.code}
    if end.kind is not EndKind.TRANSIENT:
        return _OF_KIND.get(end.kind, Code.LINE_LOST), detail
    if end.network and not network_works:
        return Code.NETWORK, detail
    if end.reason in _OURS:
        return Code.INTERNAL, detail
    if end.code == 408:
        return Code.TIMED_OUT, detail
    if end.code is not None and end.code >= 500:
        return Code.SERVER_ERROR, detail
    return Code.LINE_LOST, detail
