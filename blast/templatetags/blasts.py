"""Numbers and looks of blasts, said the same way on every page."""

from datetime import datetime

from django import template

from blast import presentation
from wa_sessions.presentation import Look

register = template.Library()


@register.filter
def grouped(value: int | None) -> str:
    """12345 -> "12.345", as the language groups digits."""
    return "" if value is None else presentation.number(value)


@register.filter
def recipients(count: int) -> str:
    return presentation.recipients_sentence(count)


@register.simple_tag
def recipient_look(status: str) -> Look:
    return presentation.recipient_look(status)


@register.filter
def minute(value: str | datetime | None) -> str:
    """The day and the minute in the zone of the installation: "21 Nov 2026 07:15 WIB"."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    return presentation.minute(moment) if isinstance(moment, datetime) else ""
