"""The phones of the simulator, for demos: what in real life happens in a shop or at WhatsApp is one click here.

Routed only when `WA_SIMULATOR_CONTROL` is set. For ADMIN and up.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from outlets.models import Outlet
from outlets.pages import answer, viewer
from outlets.selectors import outlet_for, visible_to
from wa_sessions import presentation, selectors, simulator_recipients
from wa_sessions.simulator_words import sentence
from whatsapp.simulator.control import ControlClient
from whatsapp.simulator.exceptions import SimulatorError

FOR_GOOD = 1_000_000  # connections that a cut line strikes before it heals by itself
BAN_S = 14 * 60


@dataclass(frozen=True, slots=True)
class Phone:
    """One outlet's phone as the page draws it."""

    row: presentation.Row
    is_known: bool
    has_network: bool
    is_cut: bool
    devices: tuple[str, ...]
    has_qr: bool
    has_code: bool


@login_required
@never_cache
@require_safe
def simulator(request: HttpRequest) -> HttpResponse:
    _require_manager(request)
    return render(request, "simulator/page.html", _context(request) | simulator_recipients.sample())


@login_required
@never_cache
@require_safe
def simulator_rows(request: HttpRequest) -> HttpResponse:
    _require_manager(request)
    context = _context(request)
    response = render(request, "simulator/_live.html", context)
    response["X-Gerai-At"] = context["page"]["at"]
    return response


@login_required
@require_POST
def simulator_do(request: HttpRequest) -> HttpResponse:
    """`do` is a key of `_DEEDS`, `outlet` the public id of whose phone or line it is."""
    _require_manager(request)
    outlet = outlet_for(viewer(request), request.POST.get("outlet", ""))
    deed = _DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        raise PermissionDenied
    try:
        with ControlClient(settings.WA_SIMULATOR_CONTROL) as control:
            said = deed(control, outlet)
    except SimulatorError as error:
        return answer(request, sentence(error), is_ok=False)
    return answer(request, said.replace("{outlet}", outlet.name))


def _require_manager(request: HttpRequest) -> None:
    if not viewer(request).manages_outlets:
        raise PermissionDenied


def _context(request: HttpRequest) -> dict[str, Any]:
    user = viewer(request)
    page = selectors.status_page(user)
    phones: dict[str, Mapping[str, Any]] = {}
    cut: set[str] = set()
    people: dict[str, Any] = {}
    trouble = ""
    names = dict(visible_to(user).values_list("whatsapp_number", "name"))
    try:
        with ControlClient(settings.WA_SIMULATOR_CONTROL, timeout_s=5) as control:
            phones = {phone["number"]: phone for phone in control.phones()}
            cut = {str(fault["number"]) for fault in control.faults() if fault["kind"] == "drop"}
            people = simulator_recipients.recipients(control, names)
    except SimulatorError as error:
        trouble = sentence(error)
    codes = set(visible_to(user).filter(session__pairing_code__isnull=False).values_list("whatsapp_number", flat=True))
    drawn = [_phone(status, phones, cut, codes, manages=user.manages_outlets) for status in page["statuses"]]
    frame = {"page": page, "trouble": trouble, "zone": settings.TIME_ZONE, "next": "/simulator"}
    return {"phones": drawn, **people, **frame}


def _phone(
    status: Mapping[str, Any],
    phones: Mapping[str, Mapping[str, Any]],
    cut: Iterable[str],
    codes: Iterable[str],
    *,
    manages: bool,
) -> Phone:
    number = status["outlet"]["whatsappNumber"]
    known = phones.get(number)
    return Phone(
        row=presentation.row(status, manages=manages),
        is_known=known is not None,
        has_network=bool(known and known["network"]),
        is_cut=number in cut,
        devices=tuple(device["name"] for device in known["devices"]) if known else (),
        has_qr=presentation.waits_for_scan(status),
        has_code=number in codes,
    )


# Deeds: each takes the control and the outlet, and gives the sentence to show.


def _own_phone(control: ControlClient, outlet: Outlet) -> str:
    """The outlet's phone; it is made if the simulator has none yet."""
    number = outlet.whatsapp_number
    if all(phone["number"] != number for phone in control.phones()):
        control.add_phone(number, name=outlet.name)
    return number


def _waiting_qr(outlet: Outlet) -> str:
    qr = selectors.qr_of(outlet)
    if qr is None:
        raise SimulatorError(_("No QR is waiting. Press Connect first."))
    return qr.text


def _scan(control: ControlClient, outlet: Outlet) -> str:
    qr = _waiting_qr(outlet)
    control.scan(_own_phone(control, outlet), qr)
    return _("{outlet}: the phone scanned the QR.")


def _scan_elsewhere(control: ControlClient, outlet: Outlet) -> str:
    qr = _waiting_qr(outlet)
    others = [phone["number"] for phone in control.phones() if phone["number"] != outlet.whatsapp_number]
    if not others:
        raise SimulatorError(_("The simulator has no other phone."))
    control.scan(others[0], qr)
    return _("{outlet}: somebody else's phone scanned the QR.")


def _enter_code(control: ControlClient, outlet: Outlet) -> str:
    code = selectors.pairing_code_of(outlet)
    if code is None:
        raise SimulatorError(_("No code is waiting. Ask for one first."))
    control.enter_code(_own_phone(control, outlet), code)
    return _("{outlet}: the code was typed on the phone.")


def _cut(control: ControlClient, outlet: Outlet) -> str:
    control.fault("drop", outlet.whatsapp_number, stage="login", times=FOR_GOOD)
    return _("{outlet}: the line is cut.")


def _restore(control: ControlClient, outlet: Outlet) -> str:
    control.lift(outlet.whatsapp_number, "drop")
    return _("{outlet}: the line is back.")


def _network_off(control: ControlClient, outlet: Outlet) -> str:
    control.network(_own_phone(control, outlet), False)
    return _("{outlet}: the phone has no network.")


def _network_on(control: ControlClient, outlet: Outlet) -> str:
    control.network(_own_phone(control, outlet), True)
    return _("{outlet}: the phone has network again.")


def _unlink(control: ControlClient, outlet: Outlet) -> str:
    if not control.unlink(_own_phone(control, outlet)):
        raise SimulatorError(_("This phone has no linked device."))
    return _("{outlet}: the phone removed its linked device.")


def _conflict(control: ControlClient, outlet: Outlet) -> str:
    control.fault("stream_error", outlet.whatsapp_number, conflict="replaced")
    return _("{outlet}: the device was connected from another place.")


def _ban(control: ControlClient, outlet: Outlet) -> str:
    control.fault("failure", outlet.whatsapp_number, code=402, ban_code=101, expire_s=BAN_S, times=1)
    control.fault("drop", outlet.whatsapp_number)  # so that it logs in again, and is refused
    return _("{outlet}: WhatsApp restricts the number for 14 minutes.")


_DEEDS: Mapping[str, Callable[[ControlClient, Outlet], str]] = {
    "scan": _scan,
    "scan-elsewhere": _scan_elsewhere,
    "enter-code": _enter_code,
    "cut": _cut,
    "restore": _restore,
    "network-off": _network_off,
    "network-on": _network_on,
    "unlink": _unlink,
    "conflict": _conflict,
    "ban": _ban,
}
