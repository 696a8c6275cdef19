"""Writes. Each takes what a person wrote, and raises `ValidationError` with messages by field for what cannot be."""

import unicodedata

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from outlets.models import Outlet
from outlets.numbers import normalise

NAME_MAX = 100


def outlet_create(*, name: str, whatsapp_number: str, is_active: bool = True) -> Outlet:
    """A new outlet. The number may be written in any usual way."""
    return _saved(Outlet(), name=name, whatsapp_number=whatsapp_number, is_active=is_active, may_change_number=True)


def outlet_update(
    outlet: Outlet,
    *,
    name: str | None = None,
    whatsapp_number: str | None = None,
    is_active: bool | None = None,
    may_change_number: bool = True,
) -> Outlet:
    """Change what is not None. `may_change_number` is False while a device is linked: it belongs to the old number."""
    return _saved(
        outlet, name=name, whatsapp_number=whatsapp_number, is_active=is_active, may_change_number=may_change_number
    )


def clean_name(written: str) -> str:
    """The name on one line, without what cannot be seen. Markup is text like any other."""
    visible = "".join(sign if unicodedata.category(sign) not in ("Cc", "Cs", "Co") else " " for sign in written)
    name = " ".join(visible.split())
    if not name:
        raise ValidationError(_("Give the outlet a name."), code="required")
    if len(name) > NAME_MAX:
        raise ValidationError(_("A name has at most %(max)d characters.") % {"max": NAME_MAX}, code="max_length")
    return name


def _saved(
    outlet: Outlet, *, name: str | None, whatsapp_number: str | None, is_active: bool | None, may_change_number: bool
) -> Outlet:
    """Put the changes into `outlet` and save it, or raise with every field's problem and leave it as it was."""
    changes: dict[str, object] = {}
    problems: dict[str, list[ValidationError]] = {}
    if name is not None:
        try:
            changes["name"] = clean_name(name)
        except ValidationError as error:
            problems["name"] = [error]
    if whatsapp_number is not None:
        try:
            changes["whatsapp_number"] = _free_number(outlet, whatsapp_number, may_change=may_change_number)
        except ValidationError as error:
            problems["whatsapp_number"] = [error]
    if problems:
        raise ValidationError(problems)
    if is_active is not None:
        changes["is_active"] = is_active
    for field, value in changes.items():
        setattr(outlet, field, value)
    try:
        with transaction.atomic():
            outlet.save(update_fields=None if outlet._state.adding else list(changes))
    except IntegrityError:  # somebody else took the number between our look and our write
        raise ValidationError({"whatsapp_number": [_taken()]}) from None
    return outlet


def _free_number(outlet: Outlet, written: str, *, may_change: bool) -> str:
    number = normalise(written)
    if number == outlet.whatsapp_number:
        return number
    if not may_change:
        message = _("A device is linked with the present number. Unlink it before you change the number.")
        raise ValidationError(message, code="linked")
    if Outlet.objects.exclude(pk=outlet.pk).filter(whatsapp_number=number).exists():
        raise _taken()
    return number


def _taken() -> ValidationError:
    return ValidationError(_("Another outlet already has this WhatsApp number."), code="unique")
