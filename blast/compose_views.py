"""Composing a blast. Plain forms; the script checks and previews while one writes."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from blast import csv_export, importing, listing, pages, presentation, previewing, selectors, services
from blast.exceptions import BadRecipients, BlastRefused
from blast.forms import BlastForm, initial_of
from blast.listing import Listing
from blast.models import Blast
from blast.recipients import Row
from blast.states import Assignment, BlastStatus, OnUnhealthy
from blast.variables import BadBody
from outlets.models import Outlet
from outlets.pages import viewer
from outlets.selectors import visible_to
from wa_sessions import selectors as sessions

FIELDS_BYTES = 1024 * 1024  # of a request: what is not files


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
def blast_problems(request: HttpRequest) -> StreamingHttpResponse:
    """The rows of the list that have a problem, as a CSV file to work through."""
    form = BlastForm(request.POST, request.FILES, outlets=_outlets(viewer(request)))
    try:
        problems = listing.bad_rows(form.parsed(), confirms_foreign=bool(request.POST.get("foreign")))
    except BadBody:
        problems = []
    rows = ([each.line or "", each.message] for each in problems)
    return csv_export.download(f"{_('problems')}.csv", [_("Line"), _("Reason")], rows)


@login_required
@require_POST
def blast_preview(request: HttpRequest) -> HttpResponse:
    """The messages of some real rows: those of the list that was just checked, else those of the draft."""
    user, blast_id = viewer(request), request.POST.get("blast")
    blast = selectors.blast_for(user, blast_id) if blast_id else None
    picked = request.POST.getlist("outlets")
    outlets = [each for each in _outlets(user) if each.public_id in picked]
    samples = listing.samples_of(request.POST.get("samples", ""))
    people = _people(samples, blast, outlets, request.POST.get("assignment", Assignment.EVEN))
    return render(request, "blast/_preview.html", listing.previews(request.POST.get("body", ""), people))


@login_required
@never_cache
@require_safe
def blast_outlets(request: HttpRequest) -> HttpResponse:
    """The outlets to choose from as they are now. A part of a page."""
    user = viewer(request)
    return render(request, "blast/_picks.html", {"choices": _choices(user), "chosen": []})


# Inner workings


def _outlets(user: User) -> list[Outlet]:
    return list(visible_to(user).filter(is_active=True).order_by("name", "pk"))


def _choices(user: User) -> list[presentation.Choice]:
    return presentation.choices(sessions.status_page(user), pages.stops_of(user))


def _people(samples: list[Row], blast: Blast | None, outlets: list[Outlet], how: str) -> list[previewing.Addressed]:
    """Whose messages the preview shows: people of the given list, else of the draft, else an example."""
    if samples or blast is None:
        return previewing.of_rows(samples or [listing.EXAMPLE], outlets, how)
    people = previewing.of_draft(blast)
    if how == blast.assignment and set(outlets) == set(blast.outlets.all()):
        return people
    return previewing.of_rows([row for row, _sender in people], outlets, how)


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
                return _onward(request, saved)
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
        given = _rows(form) if form.has_list else {}
        settings = form.settings()
        if blast is None:
            return services.blast_create(user, **{"rows": [], **given}, **settings), found
        clears: dict[str, Any] = {
            "clears_move_to": settings["move_to"] is None,
            "clears_attachment": form.cleaned_data["detach"] and settings["attachment"] is None,
            "clears_start_at": settings["start_at"] is None,
        }
        return services.blast_update(blast, user, **given, **clears, **settings), found
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


def _rows(form: BlastForm) -> dict[str, Any]:
    """`rows` and `left_out` for the services."""
    file = form.files.get("file")
    if file:
        file.seek(0)  # it was read for the listing
    data = form.cleaned_data
    parsed = form.parsed()
    rows = importing.usable(parsed, confirms_foreign=data["foreign"], leaves_out_bad=data["skip"])
    return {"rows": rows, "left_out": listing.left_out(parsed, confirms_foreign=data["foreign"])}


def _onward(request: HttpRequest, saved: Blast) -> HttpResponse:
    """To the look before sending."""
    link = reverse("blast-preflight", args=[saved.public_id])
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
    outlets = _outlets(user)
    samples = listing.samples_of(found.samples) if found else []
    people = _people(
        samples, blast, [each for each in outlets if each.public_id in chosen], form["assignment"].value() or ""
    )
    columns = list(people[0][0].variables) if people else []
    question, reasons = pages.pace_reasons(outlets)
    return {
        "form": form,
        "blast": blast,
        "heading": _("Edit the blast") if blast else _("New blast"),
        "choices": _choices(user),
        "chosen": chosen,
        "listing": found,
        "chips": found.chips if found and found.chips else listing.chips_of(columns),
        "present": selectors.recipients_of(blast).count() if blast else 0,
        "attachment": selectors.attachment_of(blast) if blast else None,
        "assignments": Assignment.choices,
        "policies": OnUnhealthy.choices,
        "pace_sentences": pages.pace_sentences(outlets),
        "pace_question": question,
        "reasons": reasons,
        "upload_limit": settings.REQUEST_BODY_LIMIT - FIELDS_BYTES,
        "zone_name": timezone.localtime().tzname(),
        **listing.previews(body, people),
    }
