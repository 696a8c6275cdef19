"""The list of blasts, one blast as it runs, and what people want of it. Drawn on the server, as all pages are."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from blast import pages, presentation, selectors, services
from blast.exceptions import BlastRefused
from blast.exporting import export
from blast.histories import pacers
from blast.models import Blast, Pace
from blast.states import Assignment, BlastStatus, OnUnhealthy, RecipientStatus
from outlets.models import Outlet
from outlets.pages import answer, viewer
from outlets.selectors import outlet_for
from wa_sessions import selectors as sessions


@login_required
@never_cache
@require_safe
def blasts(request: HttpRequest) -> HttpResponse:
    return render(request, "blast/list.html", _list(request))


@login_required
@never_cache
@require_safe
def blasts_rows(request: HttpRequest) -> HttpResponse:
    return pages.part_again(request, "blast/_list.html", _list(request))


@login_required
@never_cache
@require_safe
def blast(request: HttpRequest, blast_id: str) -> HttpResponse:
    """One blast: its progress, its outlets, its recipients, who did what."""
    return render(request, "blast/detail.html", _detail(request, blast_id))


@login_required
@never_cache
@require_safe
def blast_rows(request: HttpRequest, blast_id: str) -> HttpResponse:
    return pages.part_again(request, "blast/_detail.html", _detail(request, blast_id))


@login_required
@require_POST
def blast_pause(request: HttpRequest, blast_id: str) -> HttpResponse:
    undo = ("blast-resume", _("Resume"))
    return _wish(request, blast_id, services.blast_pause, _("{blast} is paused."), undo)


@login_required
@require_POST
def blast_resume(request: HttpRequest, blast_id: str) -> HttpResponse:
    return _wish(request, blast_id, services.blast_resume, _("{blast} goes on."), ("blast-pause", _("Pause")))


@login_required
@require_POST
def blast_retry(request: HttpRequest, blast_id: str) -> HttpResponse:
    return _wish(request, blast_id, services.blast_retry_failed, _("{blast}: the failed are tried again."))


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def blast_cancel(request: HttpRequest, blast_id: str) -> HttpResponse:
    """Cannot be taken back, so it asks first."""
    if request.method == "POST":
        there = reverse("blast", args=[blast_id])
        return _wish(request, blast_id, services.blast_cancel, _("{blast} is cancelled."), link=there)
    found = selectors.blast_for(viewer(request), blast_id)
    counts = selectors.blast_detail(found)["counts"]
    return render(request, "blast/cancel.html", {"blast": found, "counts": counts})


@login_required
@never_cache
@require_safe
def blast_export(request: HttpRequest, blast_id: str) -> StreamingHttpResponse:
    """Every recipient with its outcome, as a CSV file."""
    found = selectors.blast_for(viewer(request), blast_id)
    return export(found, for_people=True)


def _wish(
    request: HttpRequest,
    blast_id: str,
    act: Callable[[Blast, User], object],
    said: str,
    undo: tuple[str, str] | None = None,
    link: str = "",
) -> HttpResponse:
    """Carry out one wish and tell of it. `said` names the blast by `{blast}`, drawn as text."""
    user = viewer(request)
    found = selectors.blast_for(user, blast_id)
    try:
        act(found, user)
    except BlastRefused as refusal:
        return answer(request, str(refusal.message), is_ok=False, link=link)
    taken_back = {"url": reverse(undo[0], args=[blast_id]), "label": undo[1]} if undo else None
    return answer(request, said.replace("{blast}", found.name), undo=taken_back, link=link)


# What the pages are drawn from


def _list(request: HttpRequest) -> dict[str, Any]:
    user = viewer(request)
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    if show not in BlastStatus.values:
        show = ""
    found, sheet = pages.sheet_of(
        request, lambda number: selectors.blast_page(user, status=show or None, q=query, page=number)
    )
    return pages.frame(request) | {
        "rows": [presentation.row(each) for each in found["blasts"]],
        "sheet": sheet,
        "q": query,
        "show": show,
        "shows": BlastStatus.choices,
        "is_empty": not found["count"] and not (query or show),
        "may_blast": pages.may_blast(user),
    }


@dataclass(frozen=True, slots=True)
class Part:
    """What one outlet has of a blast."""

    id: str
    name: str
    counts: dict[str, int]
    segments: tuple[presentation.Segment, ...]
    progress: str
    troubles: str
    accepted: int
    rest: int  # skipped, cancelled, unknown
    choice: presentation.Choice


@dataclass(frozen=True, slots=True)
class StopNote:
    """An outlet that was stopped to keep its number safe."""

    id: str
    name: str
    sentence: str
    step: str
    may_release: bool


def _detail(request: HttpRequest, blast_id: str) -> dict[str, Any]:
    user = viewer(request)
    found = selectors.blast_for(user, blast_id)
    detail = selectors.blast_detail(found)
    query, status = request.GET.get("q", "").strip(), request.GET.get("status", "")
    if status not in RecipientStatus.values:
        status = ""
    outlet = _outlet_asked(user, request.GET.get("outlet", ""))
    people, sheet = pages.sheet_of(
        request,
        lambda number: selectors.recipients_page(found, status=status or None, outlet=outlet, q=query, page=number),
    )
    parts = _parts(user, detail["perOutlet"])
    names = {part.id: part.name for part in parts}
    is_running = found.status == BlastStatus.RUNNING
    return pages.frame(request) | {
        "blast": found,
        "row": presentation.row(detail),
        "parts": parts,
        "expected_end": _expected_end(found, parts) if is_running else None,
        "manages": user.manages_outlets,
        "stops": _stops(user, names) if selectors.is_open(found) else [],
        "people": people["recipients"],
        "sheet": sheet,
        "q": query,
        "status": status,
        "outlet": outlet.public_id if outlet else "",
        "statuses": RecipientStatus.choices,
        "deeds": presentation.deeds(detail["acts"], names),
        "assignment": Assignment(found.assignment).label,
        "on_unhealthy": OnUnhealthy(found.on_unhealthy).label,
        "move_to": found.move_to.name if found.move_to else "",
        "page_url": reverse("blast", args=[blast_id]),
    }


def _outlet_asked(user: User, outlet_id: str) -> Outlet | None:
    """The outlet of a filter; none for what is no outlet, or none of theirs."""
    try:
        return outlet_for(user, outlet_id) if outlet_id else None
    except Http404:
        return None


def _parts(user: User, per_outlet: list[dict[str, Any]]) -> list[Part]:
    statuses = {status["outletId"]: status for status in sessions.status_page(user)["statuses"]}
    stops = pages.stops_of(user)
    parts = []
    for each in per_outlet:
        counts, outlet_id = each["counts"], each["outletId"]
        if outlet_id not in statuses:
            continue
        accepted = presentation.accepted(counts)
        parts.append(
            Part(
                id=outlet_id,
                name=each["name"],
                counts=counts,
                segments=presentation.bar(counts) if counts["total"] else (),
                progress=presentation.progress(counts),
                troubles=presentation.troubles(counts),
                accepted=accepted,
                rest=counts["total"] - counts["open"] - accepted - counts["failed"],
                choice=presentation.choice(statuses[outlet_id], stops.get(outlet_id, "")),
            )
        )
    return parts


def _expected_end(blast: Blast, parts: list[Part]) -> datetime | None:
    """When the last of them will have written to its last person, if all goes well; None where that is never."""
    now = time.time()
    left = {int(part.id.removeprefix("outlet_")): part.counts["open"] for part in parts if part.counts["open"]}
    paced = pacers(list(left), now)
    typing_s = selectors.typing_s(blast)
    ends = [paced[pk].expected_end(count, now, typing_s) for pk, count in left.items()]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _stops(user: User, names: dict[str, str]) -> list[StopNote]:
    pks = [int(outlet_id.removeprefix("outlet_")) for outlet_id in names]
    notes, now = [], timezone.now()
    for row in Pace.objects.filter(pk__in=pks, stopped_at__isnull=False):
        if (stop := row.stop) is None:
            continue
        step = stop.action
        if row.stopped_until is not None and row.stopped_until > now:
            until = presentation.minute(row.stopped_until)
            step = f"{step} {_('Not before {time}.').replace('{time}', until)}"
            may_release = False
        else:
            may_release = user.manages_outlets
        outlet_id = f"outlet_{row.pk}"
        notes.append(StopNote(outlet_id, names[outlet_id], stop.message, step, may_release))
    return notes
