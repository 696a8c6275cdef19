"""Composing a blast, and the look before it is sent. Plain forms; the script checks and previews while one writes."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from blast import importing, listing, pacing, pages, presentation, selectors, services
from blast.exceptions import BadRecipients, BlastRefused
from blast.forms import BlastForm, initial_of
from blast.listing import Listing
from blast.models import Blast
from blast.preflight import preflight
from blast.recipients import Row
from blast.states import Assignment, BlastStatus, OnUnhealthy
from blast.variables import BadBody
from outlets.models import Outlet
from outlets.pages import answer, viewer
from outlets.selectors import visible_to
from wa_sessions import selectors as sessions


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def blast_new(request: HttpRequest) -> HttpResponse:
    return _compose(request, None)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def blast_edit(request: HttpRequest, blast_id: str) -> HttpResponse:
    """A draft again; what was started is only looked at."""
    blast = selectors.blast_for(viewer(request), blast_id)
    if blast.status != BlastStatus.DRAFT:
        return HttpResponseRedirect(reverse("blast", args=[blast_id]))
    return _compose(request, blast)


@login_required
@require_POST
def blast_check(request: HttpRequest) -> HttpResponse:
    """What is to be said of the list in the form. Nothing is kept."""
    form = BlastForm(request.POST, request.FILES, outlets=_outlets(viewer(request)))
    found = _checked(form)
    return render(request, "blast/_listing.html", {"listing": found}) if found else HttpResponse()


@login_required
@require_POST
def blast_problems(request: HttpRequest) -> HttpResponse:
    """The rows of the list that have a problem, as a CSV file to work through."""
    form = BlastForm(request.POST, request.FILES, outlets=_outlets(viewer(request)))
    try:
        problems = listing.bad_rows(form.parsed(), confirms_foreign=bool(request.POST.get("foreign")))
    except BadBody:
        problems = []

    return pages.csv_file(
        f"{_('problems')}.csv", [_("Line"), _("Reason")], ([each.line or "", each.message] for each in problems)
    )


@login_required
@require_POST
def blast_preview(request: HttpRequest) -> HttpResponse:
    """The messages of some real rows: those of the list that was just checked, else those of the draft."""
    user = viewer(request)
    rows = listing.samples_of(request.POST.get("samples", ""))
    if not rows and (blast_id := request.POST.get("blast")):
        rows = _first_rows(selectors.blast_for(user, blast_id))
    picked = request.POST.get("outlets", "")
    outlet = next((each.name for each in _outlets(user) if each.public_id == picked), "")
    return render(request, "blast/_preview.html", listing.previews(request.POST.get("body", ""), rows, outlet))


@login_required
@never_cache
@require_safe
def blast_outlets(request: HttpRequest) -> HttpResponse:
    """The outlets to choose from as they are now. A part of a page."""
    user = viewer(request)
    return render(request, "blast/_picks.html", {"choices": _choices(user), "chosen": []})


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
    said = _("{blast} is scheduled.") if at else _("{blast} is being sent.")
    return answer(request, said.replace("{blast}", blast.name), link=there)


# Inner workings


def _outlets(user: User) -> list[Outlet]:
    return list(visible_to(user).filter(is_active=True).order_by("name", "pk"))


def _choices(user: User) -> list[presentation.Choice]:
    return presentation.choices(sessions.status_page(user), pages.stops_of(user))


def _first_rows(blast: Blast) -> list[Row]:
    rows = selectors.recipients_of(blast)[: listing.SAMPLES]
    return [Row(row.line, row.phone, row.name, row.asked_outlet, row.variables) for row in rows]


def _checked(form: BlastForm) -> Listing | None:
    """What is to be said of the given list; None where none was given."""
    if not form.has_list:
        return None
    try:
        return listing.listing(form.parsed(), confirms_foreign=bool(form.data.get("foreign")))
    except BadBody as bad:
        return Listing(refusal=listing.bad_body(bad), chips=listing.chips_of([]))


def _compose(request: HttpRequest, blast: Blast | None) -> HttpResponse:
    user = viewer(request)
    outlets = _outlets(user)
    found: Listing | None = None
    if request.method == "POST":
        form = BlastForm(request.POST, request.FILES, outlets=outlets)
        if request.POST.get("do") == "check":
            found = _checked(form)
            form.forgive()
        else:
            saved, found = _save(form, blast, user)
            if saved is not None:
                return _onward(request, form, saved)
            if request.headers.get("Accept", "").startswith("application/json"):
                return _objections(request, form, found)
    else:
        form = BlastForm(initial=initial_of(blast) if blast else _blank(outlets), outlets=outlets)
    return render(request, "blast/compose.html", _compose_context(form, blast, found, user))


def _blank(outlets: list[Outlet]) -> dict[str, Any]:
    """Somebody with one outlet sends from that."""
    return {"outlets": [outlets[0].public_id]} if len(outlets) == 1 else {}


def _save(form: BlastForm, blast: Blast | None, user: User) -> tuple[Blast | None, Listing | None]:
    """The saved draft, or None with the objections in the form and in the listing."""
    is_good = form.is_valid()
    found = _checked(form)
    if found is None and blast is None:
        form.add_error("text", _("Give the recipients: paste them, or choose a file."))
    if not is_good or not form.is_valid():
        return None, found
    try:
        rows = _rows(form) if form.has_list else None
        if blast is None:
            return services.blast_create(user, rows=rows or [], **form.settings()), found
        settings = form.settings()
        detaches = form.cleaned_data["detach"] and settings["attachment"] is None
        return services.blast_update(
            blast, user, rows=rows, clears_move_to=settings["move_to"] is None, clears_attachment=detaches, **settings
        ), found
    except ValidationError as error:
        form.take(error)
    except BadRecipients as bad:
        form.add_error("text", _("Nothing was imported. The rows below have a problem."))
        if found is None or not found.problem_count:
            found = listing.of_problems(bad.problems)
    except BadBody as bad:
        form.add_error("body", listing.bad_body(bad))
    except BlastRefused as refusal:
        form.add_error(None, str(refusal.message))
    return None, found


def _rows(form: BlastForm) -> list[Row]:
    file = form.files.get("file")
    if file:
        file.seek(0)  # it was read for the listing
    data = form.cleaned_data
    return importing.usable(form.parsed(), confirms_foreign=data["foreign"], leaves_out_bad=data["skip"])


def _onward(request: HttpRequest, form: BlastForm, saved: Blast) -> HttpResponse:
    """To the look before sending, with the chosen time."""
    link = reverse("blast-preflight", args=[saved.public_id])
    if at := form.cleaned_data["start_at"]:
        link += f"?at={timezone.localtime(at):%Y-%m-%dT%H:%M}"
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"ok": True, "link": link})
    return HttpResponseRedirect(link)


def _objections(request: HttpRequest, form: BlastForm, found: Listing | None) -> HttpResponse:
    errors = {name if name != "__all__" else "all": [str(each) for each in form.errors[name]] for name in form.errors}
    drawn = render_to_string("blast/_listing.html", {"listing": found}, request) if found else ""
    return JsonResponse({"ok": False, "errors": errors, "listing": drawn}, status=400)


def _compose_context(form: BlastForm, blast: Blast | None, found: Listing | None, user: User) -> dict[str, Any]:
    chosen = form["outlets"].value() or []
    body = str(form["body"].value() or "")
    rows = listing.samples_of(found.samples) if found else []
    if not rows and blast is not None:
        rows = _first_rows(blast)
    choices = _choices(user)
    names = {each.id: each.name for each in choices}
    sender = next((names[each] for each in chosen if each in names), "")
    columns = list(rows[0].variables) if rows else []
    return {
        "form": form,
        "blast": blast,
        "heading": _("Edit the blast") if blast else _("New blast"),
        "choices": choices,
        "chosen": chosen,
        "listing": found,
        "chips": found.chips if found and found.chips else listing.chips_of(columns),
        "present": selectors.recipients_of(blast).count() if blast else 0,
        "attachment": selectors.attachment_of(blast) if blast else None,
        "assignments": Assignment.choices,
        "policies": OnUnhealthy.choices,
        "pace_sentences": pages.pace_sentences(_outlets(user)),
        "reasons": list(dict.fromkeys(str(reason) for reason in pacing.REASONS.values())),
        "zone_name": timezone.localtime().tzname(),
        **listing.previews(body, rows, sender),
    }


def _time_asked(text: str) -> datetime | None:
    """The time of an address; None for what is none, or none that a blast could start at."""
    try:
        at = parse_datetime(text)
    except ValueError:  # well written, and in no calendar
        return None
    if at is not None and timezone.is_naive(at):
        at = timezone.make_aware(at)
    now = timezone.now()
    return at if at is not None and now < at <= now + services.AHEAD else None


def _flight(request: HttpRequest, blast_id: str, *, asks: bool) -> dict[str, Any]:
    user = viewer(request)
    blast = selectors.blast_for(user, blast_id)
    if blast.status not in (BlastStatus.DRAFT, BlastStatus.SCHEDULED):
        raise Http404
    at = _time_asked(request.GET.get("at", ""))
    if at is not None:
        blast.start_at = at  # for the estimate; written down when the person presses Schedule
    found = preflight(blast, user, asks_whatsapp=asks)
    stops = pages.stops_of(user)
    outlets = [
        {**each, "choice": presentation.choice(each["status"], stops.get(each["outletId"], ""))}
        for each in found["outlets"]
        if each["status"]
    ]
    rows, attached = _first_rows(blast), selectors.attachment_of(blast)
    sender = next((each["name"] for each in outlets), "")
    return pages.frame(request) | {
        "blast": blast,
        "flight": found,
        "outlets": outlets,
        "cannot": sum(1 for each in outlets if each["recipients"] and each["ready"] != "ready"),
        "is_asked": asks or not found["unchecked"],
        "start_at": f"{timezone.localtime(blast.start_at):%Y-%m-%dT%H:%M}" if blast.start_at else "",
        "file": {"fileName": attached.file_name} if attached else None,
        "manages": user.manages_outlets,
        **listing.previews(blast.body, rows, sender),
    }
