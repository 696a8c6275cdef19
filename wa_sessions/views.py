"""The dashboard and the outlets page. Both are drawn on the server, the first time and every time after.

The scripts fetch the same parts again (`…/rows`) and exchange the cells that differ, so a status is drawn in one place
only, and a page without scripts shows the same.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from outlets.pages import viewer
from outlets.selectors import outlet_for
from wa_sessions import presentation, selectors
from wa_sessions.asking import reasons_to_ask
from wa_sessions.drawings import fingerprint, row_drawing
from wa_sessions.states import Status

ROWS_PER_PAGE = 100
FLIPS_SHOWN = 8


@login_required
@never_cache
@require_safe
def outlet_status(request: HttpRequest) -> HttpResponse:
    context = page_context(request)
    open_id = request.GET.get("open", "")
    if open_id:  # without scripts a row is opened by its link
        context["open_id"] = open_id
        context["flips"] = selectors.flips_of(outlet_for(viewer(request), open_id))[:FLIPS_SHOWN]
    return render(request, "status/page.html", context)


@login_required
@never_cache
@require_safe
def outlet_status_rows(request: HttpRequest) -> HttpResponse:
    return rows_response(request, "status/_live.html", "_session_row.html")


@login_required
@never_cache
@require_safe
def outlet_status_details(request: HttpRequest, outlet_id: str) -> HttpResponse:
    """What an opened row shows: checks, proof, cause, next step, last flips. A part of a page."""
    user = viewer(request)
    outlet = outlet_for(user, outlet_id)
    asks = reasons_to_ask([outlet.pk]).get(outlet.pk, "")
    row = presentation.row(selectors.status_of(outlet), manages=user.manages_outlets, asks=asks)
    flips = selectors.flips_of(outlet)[:FLIPS_SHOWN]
    return render(request, "status/_details.html", {"row": row, "flips": flips, "next": _origin(request)})


@login_required
@never_cache
@require_safe
def outlets(request: HttpRequest) -> HttpResponse:
    return render(request, "outlets/page.html", page_context(request))


@login_required
@never_cache
@require_safe
def outlets_rows(request: HttpRequest) -> HttpResponse:
    return rows_response(request, "outlets/_live.html", "outlets/_item.html")


def rows_response(request: HttpRequest, template: str, row_template: str, **more: Any) -> HttpResponse:
    """The live part again; 304 and no body where nothing changed since the caller's copy: data cost money."""
    context = page_context(request) | more
    tag = _tag_of(request, context)
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        place = {"next": context["next"], **more}
        context["drawings"] = [row_drawing(row_template, row, **place) for row in context["rows"]]
        response = render(request, template, context)
    response["ETag"] = tag
    response["X-Gerai-At"] = context["page"]["at"]
    return response


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Everything that a page of statuses is drawn from, filtered and cut as its address says."""
    user = viewer(request)
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    if show not in _SHOWS:
        show = ""
    page = selectors.status_page(user, q=query, status=show if show in Status.values else None)
    statuses = [status for status in page["statuses"] if _is_shown(status, show)]
    paginator = Paginator(presentation.problems_first(statuses), ROWS_PER_PAGE)
    sheet = paginator.get_page(request.GET.get("page"))
    rows = _drawn(list(sheet), user)
    is_filtered = bool(query or show)
    return {
        "page": page,
        "rows": rows,
        "sheet": sheet,
        "q": query,
        "show": show,
        "shows": [(value, label) for value, label in _SHOWS.items() if value],
        "is_filtered": is_filtered,
        "is_empty": page["count"] == 0,
        "single": rows[0] if rows and not user.sees_all else None,
        "next": _origin(request),
        "zone": settings.TIME_ZONE,
    }


def _drawn(statuses: list[Mapping[str, Any]], user: User) -> list[presentation.Row]:
    """The rows of this page, the problems with the time since when."""
    keys = {status["outletId"]: int(status["outletId"].removeprefix("outlet_")) for status in statuses}
    since = selectors.last_flips(keys[status["outletId"]] for status in statuses if presentation.is_problem(status))
    asks = reasons_to_ask(list(keys.values()))
    return [
        presentation.row(
            status,
            manages=user.manages_outlets,
            since=since.get(keys[status["outletId"]]),
            asks=asks.get(keys[status["outletId"]], ""),
        )
        for status in statuses
    ]


_SHOWS: Mapping[str, Any] = {
    "": "",
    "problem": presentation.PROBLEM.label,
    "healthy": presentation.HEALTHY.label,
    **dict(Status.choices),
    "inactive": presentation.INACTIVE.label,
}


def _is_shown(status: Mapping[str, Any], show: str) -> bool:
    match show:
        case "problem":
            return presentation.is_problem(status)
        case "healthy":
            return bool(status["healthy"])
        case "inactive":
            return not status["outlet"]["isActive"]
        case _:
            return True


def _origin(request: HttpRequest) -> str:
    """The page that forms come back to: the whole page with its filters, also when only a part of it is drawn."""
    path = request.path.removesuffix("/rows")
    if request.path.startswith("/outlet-status/outlet_"):
        path = "/outlet-status"
    filters = request.GET.copy()
    filters.pop("open", None)
    return f"{path}?{filters.urlencode()}" if filters else path


def _tag_of(request: HttpRequest, context: Mapping[str, Any]) -> str:
    counts = {key: value for key, value in context["page"].items() if key not in ("at", "statuses")}
    rows = [fingerprint(row) for row in context["rows"]]
    drawn = json.dumps([counts, rows, translation.get_language(), request.get_full_path()], default=str)
    return f'"{hashlib.sha256(drawn.encode()).hexdigest()[:32]}"'
