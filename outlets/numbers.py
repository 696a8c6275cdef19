"""Phone numbers as people write them, and as the program keeps them: digits with the country code, 6287788987745."""

import re
import unicodedata

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_IGNORED = ("Zs", "Pd", "Cf")  # spaces, dashes, invisible marks
_FRACTION = re.compile(r"[.,]\d{1,2}\s*\Z")  # 6281234567890.0 from a spreadsheet; without its dot another number
_WRITTEN = re.compile(r"\+?[0-9]{6,17}", re.ASCII)


def normalise(written: str) -> str:
    """`0812…`, `+62 812-…` and `62812…` all become `62812…`. Raises `ValidationError` for what is no phone number.

    Numbers of other countries are taken with their country code. Contacts copied from phones bring invisible marks and
    full-width digits along: they are understood, too.
    """
    plain = unicodedata.normalize("NFKC", written)
    plain = "".join(sign for sign in plain.strip() if sign not in "()./" and unicodedata.category(sign) not in _IGNORED)
    if not _WRITTEN.fullmatch(plain) or _FRACTION.search(written):
        raise ValidationError(_("Write a phone number, like 0812-3456-7890 or +62 812-3456-7890."), code="invalid")
    for candidate, region in _readings(plain):
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")
    raise ValidationError(_("There is no such phone number. Check the digits."), code="invalid")


def _readings(plain: str) -> list[tuple[str, str | None]]:
    """What these digits may mean, the likelier first, as `phonenumbers` takes it."""
    abroad = (f"+{plain}", None)
    if plain.startswith("+"):
        return [(plain, None)]
    if plain.startswith("00"):
        return [(f"+{plain[2:]}", None)]
    if plain.startswith("0"):
        return [(plain, "ID")]
    if plain.startswith("8"):  # the 0 was left out, as spreadsheets do
        return [(f"0{plain}", "ID"), abroad]
    return [abroad]
