"""How a status is said to people: symbol, word, tone, sentence and next step. Pure: takes the dicts of `selectors`.

The pages draw from these and from nothing else, so that the dashboard, the outlets page, the linking dialog and the
admin cannot say different things of the same outlet.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import phonenumbers
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy

from wa_sessions.states import Status

Text = str | Promise


_NUMBER = re.compile(r"\b[0-9]{10,15}\b")


@lru_cache(maxsize=20_000)
def spelled(digits: str) -> str:
    """A number as people read it: "6287788987745" -> "+62 877-8798-7745"; what is no number, as it stands."""
    try:
        number = phonenumbers.parse(f"+{digits.lstrip('+')}")
    except phonenumbers.NumberParseException:
        return digits
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@dataclass(frozen=True, slots=True)
class Look:
    """A symbol and its word; `tone` picks the colour, which never speaks alone."""

    symbol: str
    label: Text
    tone: str


_LOOKS: Mapping[str, Look] = {
    Status.CONNECTED: Look("✓", Status.CONNECTED.label, "ok"),
    Status.CONNECTING: Look("⟳", Status.CONNECTING.label, "busy"),
    Status.DISCONNECTED: Look("✗", Status.DISCONNECTED.label, "down"),
    Status.PAUSED: Look("‖", Status.PAUSED.label, "rest"),
    Status.FAILED: Look("⚠", Status.FAILED.label, "down"),
    Status.TIMEOUT: Look("⏱", Status.TIMEOUT.label, "late"),
}
_NEVER = Look("–", gettext_lazy("Never connected"), "none")
_UNVERIFIED = Look("?", gettext_lazy("Unverified"), "late")
HEALTHY = Look("✓", gettext_lazy("Healthy"), "ok")
PROBLEM = Look("✗", gettext_lazy("Problem"), "down")
INACTIVE = Look("–", gettext_lazy("Inactive"), "none")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do about an outlet. `method` is "post" (done at once) or "get" (leads to a page)."""

    name: str
    label: Text
    url: str
    method: str = "post"
    harm: bool = False


_ACTION_LABELS: Mapping[str, Text] = {
    "connect": pgettext_lazy("action", "Connect"),
    "disconnect": pgettext_lazy("action", "Disconnect"),
    "pause": pgettext_lazy("action", "Pause"),
    "resume": pgettext_lazy("action", "Resume"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One outlet as the pages draw it."""

    id: str
    status: Mapping[str, Any]
    db: Look
    live: Look
    health: Look
    state: Look  # the one word for it, where there is room for one only
    problem: bool
    sentence: str
    step: str
    primary: Action | None
    others: tuple[Action, ...]
    manages: bool  # whether the reader may edit outlets
    since: datetime | None  # when the status last changed; asked for only where it is drawn
    asks: str = ""  # why to think twice before it is disconnected

    @property
    def is_waiting_for_scan(self) -> bool:
        return waits_for_scan(self.status)


def waits_for_scan(status: Mapping[str, Any]) -> bool:
    """Whether a QR is on offer for this outlet right now."""
    return bool(status["liveStatus"]["qrCode"] or (status["session"] and status["session"]["qrCode"]))


def db_look(status: Mapping[str, Any]) -> Look:
    return _LOOKS[status["session"]["status"]] if status["session"] else _NEVER


def live_look(status: Mapping[str, Any]) -> Look:
    if status.get("unverified"):
        return _UNVERIFIED
    return _LOOKS[status["liveStatus"]["status"]]


def health_look(status: Mapping[str, Any]) -> Look:
    if not status["outlet"]["isActive"]:
        return INACTIVE
    return HEALTHY if status["healthy"] else PROBLEM


def state_look(status: Mapping[str, Any]) -> Look:
    """The one word: what the row says, unless the live line contradicts it or a check fails."""
    if not status["outlet"]["isActive"]:
        return INACTIVE
    look = db_look(status)
    if look is not _LOOKS[Status.CONNECTED] or status["healthy"]:
        return look
    live = live_look(status)
    return PROBLEM if live is look else live


def status_look(word: str) -> Look:
    """The look of a bare status word, as a flip has it."""
    return _LOOKS.get(word, _NEVER)


def is_problem(status: Mapping[str, Any]) -> bool:
    """Bermasalah: active and not healthy."""
    return bool(status["outlet"]["isActive"] and not status["healthy"])


def row(status: Mapping[str, Any], *, manages: bool, since: datetime | None = None, asks: str = "") -> Row:
    """`manages`: whether the reader may edit outlets and unlink devices. `asks`: why to ask before disconnecting."""
    actions = _actions(status, manages=manages, asks=asks)
    primary = _primary(status, actions, manages=manages)
    return Row(
        id=status["outletId"],
        status=status,
        db=db_look(status),
        live=live_look(status),
        health=health_look(status),
        state=state_look(status),
        problem=is_problem(status),
        sentence=_sentence(status),
        step=_step(status),
        primary=primary,
        others=tuple(action for action in actions if primary is None or action.name != primary.name),
        manages=manages,
        since=since,
        asks=asks,
    )


def problems_first(statuses: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Problems, then the healthy, then the inactive; by name within each."""

    def key(status: Mapping[str, Any]) -> tuple[int, str, str]:
        rank = 2 if not status["outlet"]["isActive"] else 1 if status["healthy"] else 0
        return rank, status["outlet"]["name"].casefold(), status["outletId"]

    return sorted(statuses, key=key)


def _actions(status: Mapping[str, Any], *, manages: bool, asks: str) -> list[Action]:
    outlet_id = status["outletId"]
    allowed = set(status["actions"])
    if (status.get("cause") or {}).get("code") == "temporary_ban" and status["cause"]["retryAt"]:
        allowed.discard("connect")  # it would be refused, and WhatsApp would mind
    found = [
        Action(
            name,
            _ACTION_LABELS[name],
            reverse(f"outlet-{name}", args=[outlet_id]),
            method="get" if asks and name == "disconnect" else "post",  # a page that asks
        )
        for name in ("connect", "resume", "pause", "disconnect")
        if name in allowed
    ]
    if manages and "unlink" in allowed:
        # The one act that cannot be undone: it leads to a page that asks.
        url = reverse("outlet-unlink", args=[outlet_id])
        found.append(Action("unlink", pgettext_lazy("action", "Unlink"), url, method="get", harm=True))
    return found


def _primary(status: Mapping[str, Any], actions: Iterable[Action], *, manages: bool) -> Action | None:
    """The one button that is the next step, or None where waiting (or nothing) is the next step."""
    if not status["outlet"]["isActive"]:
        return None
    if waits_for_scan(status):
        return Action("scan", _("Scan QR"), reverse("outlet-link", args=[status["outletId"]]), method="get")
    by_name = {action.name: action for action in actions}
    for name in ("connect", "resume"):
        if name in by_name:
            return by_name[name]
    session = status["session"]
    if manages and session and session["status"] == Status.CONNECTED and not session["autoReconnect"]:
        url = reverse("outlet-auto-reconnect", args=[status["outletId"]])
        return Action("auto-reconnect", _("Turn auto-reconnect on"), url)
    return None


def _sentence(status: Mapping[str, Any]) -> str:
    """What is the matter, in one short sentence."""
    session = status["session"]
    if not status["outlet"]["isActive"]:
        return _("This outlet is inactive and holds no connection.")
    if status.get("waitingForNetwork"):
        return _("Waiting for the network. It reconnects by itself.")
    if status.get("cause"):
        return _NUMBER.sub(lambda match: spelled(match[0]), str(status["cause"]["message"]))
    if waits_for_scan(status):
        return _("The QR is waiting to be scanned.")
    if session is None:
        return _("This outlet has never been connected.")
    if status.get("unverified"):
        return _("The server that holds this outlet does not answer. This is the last known state.")
    if status["healthy"]:
        return _("Ready to send.")
    return _SENTENCES[session["status"]]() if session["status"] in _SENTENCES else ""


_SENTENCES = {
    Status.CONNECTED: lambda: _("Connected, but a check is not met."),
    Status.CONNECTING: lambda: _("Connecting to WhatsApp."),
    Status.DISCONNECTED: lambda: _("Not connected to WhatsApp."),
    Status.PAUSED: lambda: _("The line is open, but blasts leave this outlet alone."),
    Status.FAILED: lambda: _("The connection failed."),
    Status.TIMEOUT: lambda: _("WhatsApp did not answer in time."),
}


def _step(status: Mapping[str, Any]) -> str:
    """What the person should do next; empty where nothing is to be done."""
    session = status["session"]
    if not status["outlet"]["isActive"] or status["healthy"]:
        return ""
    if status.get("pending"):
        return _("Your request is being carried out.")
    if status.get("cause"):
        return str(status["cause"]["action"] or "")
    if status.get("waitingForNetwork"):
        return ""
    if waits_for_scan(status):
        return _("Open WhatsApp on the outlet's phone and scan it.")
    if session is None:
        return _("Press Connect, then scan the QR with the outlet's phone.")
    if session["status"] == Status.CONNECTING:
        return _("Wait a moment.")
    if session["status"] == Status.PAUSED:
        return _("Press Resume to send again.")
    if session["status"] == Status.CONNECTED:
        return "" if session["autoReconnect"] else _("Turn auto-reconnect on, so that it comes back by itself.")
    return _("Press Connect to bring it back.")
