"""Adding, editing, activating and deactivating outlets: for ADMIN and up."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from outlets import services
from outlets.forms import OutletForm
from outlets.pages import answer, viewer
from outlets.selectors import outlet_for


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def outlet_add(request: HttpRequest) -> HttpResponse:
    _require_manager(request)
    form = OutletForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (outlet := form.save()) is not None:
        said = _("{outlet} is added. Link its phone next.").replace("{outlet}", outlet.name)
        return answer(request, said, link=reverse("outlet-link", args=[outlet.public_id]))
    return render(request, "outlets/form.html", {"form": form, "heading": _("Add an outlet")})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def outlet_edit(request: HttpRequest, outlet_id: str) -> HttpResponse:
    outlet = outlet_for(viewer(request), outlet_id)
    _require_manager(request)
    heading = _("Edit {outlet}").replace("{outlet}", outlet.name)
    # The linked device belongs to the present number. Asked by attribute: connections live in a room above this one.
    session = getattr(outlet, "session", None)
    form = OutletForm(request.POST or None, outlet=outlet, may_change_number=not (session and session.jid))
    if request.method == "POST" and form.is_valid() and (saved := form.save()) is not None:
        return answer(request, _("{outlet} is saved.").replace("{outlet}", saved.name), link=reverse("outlets"))
    return render(request, "outlets/form.html", {"form": form, "heading": heading})


@login_required
@require_POST
def outlet_deactivate(request: HttpRequest, outlet_id: str) -> HttpResponse:
    undo = {"url": reverse("outlet-activate", args=[outlet_id]), "label": _("Activate")}
    return _set_active(request, outlet_id, False, _("{outlet} is inactive."), undo)


@login_required
@require_POST
def outlet_activate(request: HttpRequest, outlet_id: str) -> HttpResponse:
    undo = {"url": reverse("outlet-deactivate", args=[outlet_id]), "label": _("Deactivate")}
    return _set_active(request, outlet_id, True, _("{outlet} is active."), undo)


def _set_active(request: HttpRequest, outlet_id: str, is_active: bool, said: str, undo: dict[str, str]) -> HttpResponse:
    outlet = outlet_for(viewer(request), outlet_id)
    _require_manager(request)
    services.outlet_update(outlet, is_active=is_active)
    return answer(request, said.replace("{outlet}", outlet.name), undo=undo)


def _require_manager(request: HttpRequest) -> None:
    if not viewer(request).manages_outlets:
        raise PermissionDenied
