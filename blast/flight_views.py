"""The look before a blast is sent, and the start."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from blast import listing, pages, presentation, previewing, selectors, services
from blast.exceptions import BlastRefused
from blast.preflight import preflight
from blast.states import BlastStatus
from outlets.pages import answer, viewer
from outlets.selectors import visible_to


@login_required
@never_cache
@require_safe
def blast_preflight(request: HttpRequest, blast_id: str) -> HttpResponse:
    """The look before Send. The script then asks WhatsApp about the numbers, which takes some seconds."""
    return render(request, "blast/preflight.html", _flight(request, blast_id, asks=bool(request.GET.get("ask"))))


@login_required
@never_cache
@require_safe
def blast_preflight_asked(request: HttpRequest, blast_id: str) -> HttpResponse:
    return render(request, "blast/_flight.html", _flight(request, blast_id, asks=True))


@login_required
@require_POST
def blast_start(request: HttpRequest, blast_id: str) -> HttpResponse:
    """Now, or with `do=schedule` at `start_at`."""
    user = viewer(request)
    blast = selectors.blast_for(user, blast_id)
    there, back = reverse("blast", args=[blast_id]), reverse("blast-preflight", args=[blast_id])
    at = None
    if request.POST.get("do") == "schedule":
        try:
            at = forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]).clean(
                request.POST.get("start_at")
            )
        except ValidationError:
            return answer(request, _("Write a date and a time."), is_ok=False, link=back)
        if at <= timezone.now():
            return answer(request, _("That time is over. Choose a later one."), is_ok=False, link=back)
    try:
        services.blast_start(blast, user, start_at=at)
    except BlastRefused as refusal:
        return answer(request, str(refusal.message), is_ok=False, link=back)
    said = _("{blast} is scheduled.") if at else _("{blast} was started.")
    return answer(request, said.replace("{blast}", blast.name), link=there)


def _flight(request: HttpRequest, blast_id: str, *, asks: bool) -> dict[str, Any]:
    user = viewer(request)
    blast = selectors.blast_for(user, blast_id)
    if blast.status not in (BlastStatus.DRAFT, BlastStatus.SCHEDULED):
        raise Http404
    found = preflight(blast, user, asks_whatsapp=asks)
    stops = pages.stops_of(user)
    outlets = [
        {**each, "choice": presentation.choice(each["status"], stops.get(each["outletId"], ""))}
        for each in found["outlets"]
        if each["status"]
    ]
    attached = selectors.attachment_of(blast)
    is_ahead = blast.start_at is not None and blast.start_at > timezone.now()
    senders = list(visible_to(user).filter(pk__in=[_pk(each["outletId"]) for each in outlets]).order_by("name", "pk"))
    return pages.frame(request) | {
        "blast": blast,
        "flight": found,
        "outlets": outlets,
        "opted_out": found["optedOut"]["count"] + found["leftOut"]["optedOut"],
        "cannot": sum(1 for each in outlets if each["recipients"] and each["ready"] != "ready"),
        "is_stopped": any(each["recipients"] and each["stop"] for each in outlets),
        "is_asked": asks or not found["unchecked"],
        "start_at": f"{timezone.localtime(blast.start_at):%Y-%m-%dT%H:%M}" if is_ahead else "",
        "file": {"fileName": attached.file_name} if attached else None,
        "manages": user.manages_outlets,
        "pace_sentences": pages.pace_sentences(senders),
        **listing.previews(blast.body, previewing.of_draft(blast)),
    }


def _pk(outlet_id: str) -> int:
    return int(outlet_id.removeprefix("outlet_"))
