"""The status page inside the Django admin, with actions on selected rows."""

from collections.abc import Callable, Mapping

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from outlets.models import Outlet
from outlets.pages import viewer
from outlets.selectors import visible_to
from wa_sessions import services
from wa_sessions.admin import tell, wishes_of
from wa_sessions.views import page_context, rows_response

_WISHES: Mapping[str, Callable[[Outlet], object]] = {
    "connect": services.session_connect,
    "pause": services.session_pause,
    "resume": services.session_resume,
    "disconnect": services.session_disconnect,
}


@never_cache
def outlet_status(request: HttpRequest) -> HttpResponse:
    """GET: the page. POST: `wish` for every outlet in `selected` (public ids)."""
    if not request.user.has_perm("wa_sessions.view_whatsappsession"):
        raise PermissionDenied
    if request.method == "POST":
        return _wish(request)
    context = {
        **admin.site.each_context(request),
        **page_context(request),
        "title": _("Outlet status"),
        "selectable": True,
    }
    return render(request, "admin/outlet_status.html", context)


@never_cache
def outlet_status_rows(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("wa_sessions.view_whatsappsession"):
        raise PermissionDenied
    return rows_response(request, "admin/_outlet_status_live.html", "_session_row.html", selectable=True)


def _wish(request: HttpRequest) -> HttpResponse:
    act = _WISHES.get(request.POST.get("wish", ""))
    if act is None or not request.user.has_perm("wa_sessions.change_whatsappsession"):
        raise PermissionDenied
    numbers = [name.removeprefix("outlet_") for name in request.POST.getlist("selected")]
    outlets = visible_to(viewer(request)).filter(pk__in=[int(n) for n in numbers if n.isdecimal() and len(n) < 19])
    tell(request, *wishes_of(list(outlets), act))
    return HttpResponseRedirect(reverse("admin-outlet-status"))
