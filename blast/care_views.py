"""What keeps people and numbers safe: who opted out, and how fast each outlet may send."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from blast import pace_services, pacing, pages, presentation, selectors, services
from blast.exceptions import BlastRefused
from blast.forms import PaceForm, add_errors, pace_initial
from blast.models import PACE_FIELDS, Pace
from outlets.models import Outlet
from outlets.pages import answer, viewer
from outlets.selectors import outlet_for, visible_to

_SHOWS = ("", "undone", "all")


@login_required
@never_cache
@require_safe
def opt_outs(request: HttpRequest) -> HttpResponse:
    """People who want nothing more, and how they said so."""
    user = viewer(request)
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    active = {"": True, "undone": False, "all": None}.get(show, True)
    found, sheet = pages.sheet_of(
        request, lambda number: selectors.opt_out_page(user, q=query, active=active, page=number)
    )
    names = {outlet.public_id: outlet.name for outlet in visible_to(user)}
    people = [{**each, "outletName": names.get(each["outletId"] or "", "")} for each in found["optOuts"]]
    shows = [("undone", _("Undone")), ("all", _("All, also the undone"))]
    context = {"people": people, "sheet": sheet, "q": query, "show": show if show in _SHOWS else "", "shows": shows}
    context["words"] = ", ".join(settings.OPT_OUT_WORDS)
    return render(request, "blast/opt_outs.html", pages.frame(request) | context)


@login_required
@require_POST
def opt_out_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Write to this person again. For ADMIN and up, with a reason."""
    user = viewer(request)
    opt_out = get_object_or_404(selectors.opt_outs_visible_to(user), pk=pk)
    if not user.manages_outlets:
        raise PermissionDenied
    back = reverse("blast-opt-outs")
    try:
        services.opt_out_undo(opt_out, user, request.POST.get("reason", ""))
    except ValidationError as error:
        return answer(request, " ".join(error.messages), is_ok=False, link=back)
    except BlastRefused as refusal:
        return answer(request, str(refusal.message), is_ok=False, link=back)
    return answer(request, _("This person can be written to again."), link=back)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pace(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """How an outlet may send. For ADMIN and up."""
    outlet = _managed(request, outlet_id)
    found = Pace.of(outlet.pk)
    reasons = dict(pacing.REASONS)
    form = PaceForm(request.POST or None, initial=pace_initial(found, PACE_FIELDS), reasons=reasons)
    if request.method == "POST" and form.is_valid():
        try:
            pace_services.pace_update(outlet, viewer(request), **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            said = _("The pace of {outlet} is saved.").replace("{outlet}", outlet.name)
            return answer(request, said, link=reverse("blast-pace", args=[outlet_id]))
    context: dict[str, Any] = {"outlet": outlet, "form": form, "stop": found.stop, "until": found.stopped_until}
    context["now"] = presentation.pace_sentence(found.settings)
    return render(request, "blast/pace.html", pages.frame(request) | context)


@login_required
@require_POST
def release(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """Let an outlet send again that was stopped to keep its number safe."""
    outlet = _managed(request, outlet_id)
    try:
        pace_services.pace_release(outlet, viewer(request))
    except BlastRefused as refusal:
        return answer(request, str(refusal.message), is_ok=False)
    return answer(request, _("{outlet} may send again.").replace("{outlet}", outlet.name))


def _managed(request: HttpRequest, outlet_id: str) -> Outlet:
    """The outlet; 404 for who does not see it, 403 for who does but may not say how it sends."""
    outlet = outlet_for(viewer(request), outlet_id)
    if not viewer(request).manages_outlets:
        raise PermissionDenied
    return outlet
