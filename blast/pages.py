"""What the pages of blasts share: parts that are fetched again, pages of long lists, and answers to forms."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from blast import pacing, presentation
from blast.models import Pace, default_pace
from blast.selectors import iso
from outlets.models import Outlet
from outlets.selectors import visible_to

# What differs from one drawing to the next although nothing changed.
_RESTLESS = re.compile(
    rb'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>|(?<=data-rel>)[^<]*|data-at="[^"]*"', re.ASCII
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """For every page that is kept true: the server's time, its zone, and the page that forms come back to."""
    return {
        "at": iso(timezone.now()),
        "zone": settings.TIME_ZONE,
        "zone_name": timezone.localtime().tzname(),
        "next": request.get_full_path().replace("/rows", "", 1),
    }


def part_again(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The live part of a page; 304 and no body where it would be drawn as the caller has it."""
    drawn = render(request, template, dict(context))
    digest = hashlib.sha256(_RESTLESS.sub(b"", drawn.content))
    digest.update(request.get_full_path().encode())
    tag = f'"{digest.hexdigest()[:32]}"'
    response: HttpResponse = HttpResponseNotModified() if request.headers.get("If-None-Match") == tag else drawn
    response["ETag"] = tag
    response["X-Gerai-At"] = context["at"]
    return response


def sheet_of(request: HttpRequest, ask: Callable[[int], dict[str, Any]]) -> tuple[dict[str, Any], "Page[int]"]:
    """The page of a long list that the address names: what `ask(number)` gave, and where in the list that is."""
    text = request.GET.get("page", "")
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else 1
    found = ask(wanted)
    sheet = Paginator(range(found["count"]), found["pageSize"]).get_page(wanted)
    if sheet.number != wanted:
        found = ask(sheet.number)
    return found, sheet


def may_blast(user: User) -> bool:
    """Whether there is any outlet that this person could send from."""
    return visible_to(user).filter(is_active=True).exists()


def stops_of(user: User) -> dict[str, str]:
    """Why outlets that this person sees may not send, by public id."""
    rows = Pace.objects.filter(outlet__in=visible_to(user), stopped_at__isnull=False)
    return {f"outlet_{row.pk}": f"{stop.message} {stop.action}" for row in rows if (stop := row.stop)}


def pace_sentences(outlets: Sequence[Outlet]) -> list[str]:
    """How these may send: one sentence if all the same, else one for each pace, with whose it is."""
    said: dict[str, list[str]] = {}
    for outlet, pace in zip(outlets, _paces(outlets), strict=True):
        said.setdefault(presentation.pace_sentence(pace), []).append(outlet.name)
    if len(said) <= 1:
        return list(said) or [presentation.pace_sentence(default_pace())]
    return [f"{', '.join(names)}: {sentence}" for sentence, names in said.items()]


def pace_reasons(outlets: Sequence[Outlet]) -> tuple[str, list[str]]:
    """A question about the limits of these, and its answers: those for limits that one of them has."""
    paces = _paces(outlets) or [default_pace()]
    reasons = list(dict.fromkeys(str(pacing.REASONS[name]) for pace in paces for name in presentation.limits(pace)))
    is_cautious = any(replace(pace, zone="") == replace(pacing.Pace(), zone="") for pace in paces)
    return (_("Why so cautious?") if is_cautious else _("Why are there limits?")), reasons


def _paces(outlets: Sequence[Outlet]) -> list[pacing.Pace]:
    """How each of these may send, in their order."""
    own = {pace.pk: pace.settings for pace in Pace.objects.filter(outlet__in=outlets)}
    return [own.get(outlet.pk) or default_pace() for outlet in outlets]
