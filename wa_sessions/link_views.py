"""A person's wishes (POST), and the linking of a phone by QR or by code.

Every wish is its own URL. A form without scripts is sent back where it came from with a message; a script asks for
JSON and draws the message itself.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from rest_framework.request import Request
from rest_framework.views import APIView

from outlets.models import Outlet
from outlets.pages import answer, viewer
from outlets.selectors import outlet_for
from wa_sessions import presentation, selectors, services
from wa_sessions.asking import reasons_to_ask
from wa_sessions.linking_api import PairingCodeThrottle
from wa_sessions.models import WhatsAppSession
from wa_sessions.states import Status

Undo = tuple[str, str]  # the URL name that takes a wish back, and the words on its button


@login_required
@never_cache
@require_safe
def outlet_link(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """The linking page. Without scripts it draws itself anew every few seconds while something is awaited."""
    outlet = outlet_for(viewer(request), outlet_id)
    return render(request, "link/page.html", _linking(request, outlet))


@login_required
@never_cache
@require_safe
def outlet_qr(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """The part of the linking page that changes; the dialog asks for it again and again."""
    outlet = outlet_for(viewer(request), outlet_id)
    return render(request, "link/_state.html", _linking(request, outlet))


@login_required
@require_POST
def outlet_connect(request: HttpRequest, outlet_id: str) -> HttpResponse:
    def connect(outlet: Outlet) -> WhatsAppSession:
        return services.session_connect(outlet)

    return _wish(request, outlet_id, connect, _("{outlet}: connecting."), ("outlet-disconnect", _("Disconnect")))


@login_required
@never_cache
@require_POST
def outlet_pairing_code(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """Ask for a code to type. As often as by the API, and counted together with it; then 429 and when to try again."""
    outlet = outlet_for(viewer(request), outlet_id)
    wait_s = _too_often(request)
    if wait_s is not None:
        return _told_to_wait(request, outlet, wait_s)

    def connect(outlet: Outlet) -> WhatsAppSession:
        return services.session_connect(outlet, by_code=True)

    return _wish(request, outlet_id, connect, _("{outlet}: the code is being prepared."))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def outlet_disconnect(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """Done at once by POST. Pages lead to the question first where there is a reason to think twice."""
    if request.method != "POST":
        outlet = outlet_for(viewer(request), outlet_id)
        reason = reasons_to_ask([outlet.pk]).get(outlet.pk, "")
        return render(request, "outlets/disconnect.html", {"outlet": outlet, "reason": reason})
    undo = ("outlet-connect", _("Connect"))
    return _wish(request, outlet_id, services.session_disconnect, _("{outlet}: disconnected."), undo)


@login_required
@require_POST
def outlet_pause(request: HttpRequest, outlet_id: str) -> HttpResponse:
    undo = ("outlet-resume", _("Resume"))
    return _wish(request, outlet_id, services.session_pause, _("{outlet}: paused."), undo)


@login_required
@require_POST
def outlet_resume(request: HttpRequest, outlet_id: str) -> HttpResponse:
    undo = ("outlet-pause", _("Pause"))
    return _wish(request, outlet_id, services.session_resume, _("{outlet}: resumed."), undo)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def outlet_unlink(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """Removes the linked device for good, so it asks first."""
    user = viewer(request)
    outlet = outlet_for(user, outlet_id)
    if not user.manages_outlets:
        raise PermissionDenied
    if request.method == "POST":
        return _wish(request, outlet_id, services.session_unlink, _("{outlet}: unlinked."))
    row = presentation.row(selectors.status_of(outlet), manages=True)
    return render(request, "outlets/unlink.html", {"outlet": outlet, "row": row})


@login_required
@require_POST
def outlet_auto_reconnect(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """Turns it on, or off with `on=0`."""
    user = viewer(request)
    outlet_for(user, outlet_id)
    if not user.manages_outlets:
        raise PermissionDenied
    is_on = request.POST.get("on", "1") != "0"

    def configure(outlet: Outlet) -> WhatsAppSession:
        return services.session_configure(outlet, auto_reconnect=is_on)

    said = _("{outlet}: auto-reconnect is on.") if is_on else _("{outlet}: auto-reconnect is off.")
    return _wish(request, outlet_id, configure, said)


def _too_often(request: HttpRequest) -> int | None:
    """For how many seconds this person may ask for no further code."""
    throttle = PairingCodeThrottle()
    if throttle.allow_request(cast(Request, request), cast(APIView, None)):
        return None
    return max(1, math.ceil(throttle.wait() or 1))


def _told_to_wait(request: HttpRequest, outlet: Outlet, wait_s: int) -> HttpResponse:
    said = ngettext(
        "Too many codes were asked for. Try again in %(n)s second.",
        "Too many codes were asked for. Try again in %(n)s seconds.",
        wait_s,
    ) % {"n": wait_s}
    if request.headers.get("Accept", "").startswith("application/json"):
        response = answer(request, said, is_ok=False)
    else:
        messages.warning(request, said)
        response = render(request, "link/page.html", _linking(request, outlet))
    response.status_code = 429
    response["Retry-After"] = str(wait_s)
    return response


def _wish(
    request: HttpRequest,
    outlet_id: str,
    act: Callable[[Outlet], WhatsAppSession],
    said: str,
    undo: Undo | None = None,
) -> HttpResponse:
    """Carry out one wish and tell of it. `said` names the outlet by `{outlet}`, drawn as text."""
    outlet = outlet_for(viewer(request), outlet_id)
    try:
        session = act(outlet)
    except services.WishRefused as refusal:
        return answer(request, str(refusal.message), is_ok=False)
    link = ""
    if not session.jid and request.path.endswith(("/connect", "/pairing-code")):
        link = reverse("outlet-link", args=[outlet_id])  # a first connection goes on with the scan
    return answer(
        request,
        said.replace("{outlet}", outlet.name),
        link=link,
        undo={"url": reverse(undo[0], args=[outlet_id]), "label": undo[1]} if undo else None,
    )


def _linking(request: HttpRequest, outlet: Outlet) -> dict[str, Any]:
    """What the linking page shows. `state` is one of idle, preparing, qr, code, connecting, success, wrong, timeout,
    failed, inactive."""
    status = selectors.status_of(outlet)
    row = presentation.row(status, manages=viewer(request).manages_outlets)
    context: dict[str, Any] = {"outlet": outlet, "row": row, "expires_at": None}
    qr, code = selectors.qr_of(outlet), selectors.pairing_code_of(outlet)
    context["state"] = state = _state(row, has_qr=qr is not None, has_code=code is not None)
    if state == "qr" and qr is not None:
        context |= {"qr_svg": qr_svg(qr.text), "expires_at": qr.expires_at}
    if state == "code":
        context["pairing_code"] = code
    if state == "wrong":
        detail = WhatsAppSession.objects.filter(pk=outlet.pk).values_list("cause_detail", flat=True).first() or {}
        context["scanned_number"] = str(detail.get("scanned", ""))
    return context


def _state(row: presentation.Row, *, has_qr: bool, has_code: bool) -> str:
    status, session = row.status, row.status["session"]
    if not status["outlet"]["isActive"]:
        return "inactive"
    word = session["status"] if session else Status.DISCONNECTED
    if word in (Status.CONNECTED, Status.PAUSED):
        return "success"
    if status.get("pending"):
        return "preparing"
    if word == Status.CONNECTING:
        if has_code:
            return "code"
        if has_qr:
            return "qr"
        return "connecting" if status.get("linkedNumber") else "preparing"
    cause = (status.get("cause") or {}).get("code", "")
    if cause == "wrong_number":
        return "wrong"
    if word == Status.TIMEOUT:
        return "timeout"
    return "failed" if word == Status.FAILED else "idle"


def qr_svg(text: str) -> SafeString:
    """The QR as inline SVG. The text is drawn, never written: it links a phone to whoever reads it."""
    qr = segno.make_qr(text, error="m")
    return mark_safe(qr.svg_inline(border=3, scale=8, svgclass="qr-image", lineclass=None, omitsize=True))  # noqa: S308
