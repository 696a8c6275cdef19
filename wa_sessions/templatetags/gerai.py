"""Numbers, times and symbols, said the same way on every page."""

from datetime import datetime

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, ngettext

from wa_sessions import causes, presentation
from wa_sessions.states import Wish

register = template.Library()

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SLACK = 2  # seconds: a moment that clocks and rounding put a little ahead is now


@register.filter
def phone(digits: str | None) -> str:
    """ "6287788987745" -> "+62 877-8798-7745". What is no number is shown as it stands."""
    return presentation.spelled(digits) if digits else ""


def _moment(value: str | datetime | None) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value


def relative(moment: datetime, now: datetime) -> str:
    """ "12 min ago", "in 3 min". The scripts of the pages count on from here with the same words (`data-rel-*`)."""
    seconds = round((now - moment).total_seconds())
    ahead, size = seconds < -_SLACK, abs(seconds)
    if size < _MINUTE:
        return _("in a moment") if ahead else _("just now")
    for unit, past, future in (
        (_DAY, _("{n} d ago"), _("in {n} d")),
        (_HOUR, _("{n} h ago"), _("in {n} h")),
        (_MINUTE, _("{n} min ago"), _("in {n} min")),
    ):
        if size >= unit:
            return (future if ahead else past).replace("{n}", str(size // unit))
    raise AssertionError  # a size of a minute or more meets one of the units


@register.filter
def exact(value: str | datetime | None) -> str:
    """The exact time in the zone of the installation: "25 Oct 2025 17:35:00 WIB"."""
    moment = _moment(value)
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'j M Y')} {local:%H:%M:%S} {local.tzname()}"


@register.filter
def clock(value: str | datetime | None) -> str:
    """The time of day: "10:35:42"."""
    moment = _moment(value)
    return f"{timezone.localtime(moment):%H:%M:%S}" if moment else ""


@register.simple_tag
def when(value: str | datetime | None) -> SafeString:
    """A `<time>` that reads relative and carries the exact time."""
    moment = _moment(value)
    if moment is None:
        return format_html('<span class="nothing">{}</span>', "–")
    return format_html(
        '<time datetime="{}" title="{}" data-rel>{}</time>',
        moment.isoformat().replace("+00:00", "Z"),
        exact(moment),
        relative(moment, timezone.now()),
    )


@register.filter
def code(text: str) -> str:
    """A pairing code as WhatsApp writes it: "ABCDEFGH" -> "ABCD-EFGH"."""
    return text if "-" in text or len(text) != 8 else f"{text[:4]}-{text[4:]}"


@register.filter
def problems_sentence(count: int) -> str:
    if not count:
        return _("All outlets are healthy")
    return ngettext("%(count)d outlet has a problem", "%(count)d outlets have a problem", count) % {"count": count}


@register.simple_tag
def flip_look(status: str) -> presentation.Look:
    return presentation.status_look(status)


@register.filter
def reason(code: str) -> str:
    """Why a status changed, in words: a wish, or a cause without the details that only its row had."""
    if code in Wish.values:
        return str(Wish(code).label)
    words = causes.WORDS.get(code)
    message = str(words.message) if words else ""
    return "" if "%(" in message else message
