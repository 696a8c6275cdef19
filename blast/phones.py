"""Phone numbers out of cells: what spreadsheets do to them is undone or named, then `outlets.numbers` decides."""

import re
from decimal import Decimal

from django.core.exceptions import ValidationError

from blast.problems import Code, excerpt
from outlets.numbers import normalise

# An Indonesian mobile number without anything unusual. `normalise` says the same of it (a test compares them), but
# takes some hundred microseconds, and nearly every row of a list is such a number.
_PLAIN_MOBILE = re.compile(r"(?:\+?62|0)?(8[1-35-9][0-9]{7,10})", re.ASCII)
_SPACING = str.maketrans("", "", " -")

_WHOLE_FLOAT = re.compile(r"([1-9][0-9]{5,16})[.,]0{1,6}", re.ASCII)  # 6281234567890.0
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,3})", re.ASCII)  # 6.28E+12
TEXT_FORMULA = re.compile(r'="([^"]*)"')  # how CSV files tell Excel that digits are a text


class BadNumber(Exception):  # noqa: N818  (it is an outcome)
    """No usable number. `code` says why, `value` quotes it."""

    def __init__(self, code: Code, value: str) -> None:
        super().__init__(code)
        self.code = code
        self.value = value


def read_number(cell: object) -> str:
    """Digits with the country code. `cell` is a text or what a spreadsheet holds. Raises `BadNumber`."""
    if isinstance(cell, str):
        plain = _PLAIN_MOBILE.fullmatch(cell.translate(_SPACING))
        return f"62{plain[1]}" if plain else _from_text(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise BadNumber(Code.BAD_NUMBER, excerpt(str(cell)))
    if isinstance(cell, float) and not cell.is_integer():
        raise BadNumber(Code.BAD_NUMBER, excerpt(str(cell)))
    if abs(cell) >= 10**15:  # from here on spreadsheets write zeros for the digits they cannot keep
        raise BadNumber(Code.LOST_DIGITS, excerpt(str(cell)))
    return _from_text(str(int(cell)))


def _from_text(written: str) -> str:
    text = written.strip()
    if wrapped := TEXT_FORMULA.fullmatch(text):
        text = wrapped[1].strip()
    if not text:
        raise BadNumber(Code.NO_NUMBER, "")
    if whole := _WHOLE_FLOAT.fullmatch(text):
        text = whole[1]
    elif scientific := _SCIENTIFIC.fullmatch(text):
        first, more, exponent = scientific[1], scientific[2] or "", int(scientific[3])
        if len(more) != exponent:  # fewer: digits were rounded away; more: not a whole number
            raise BadNumber(Code.LOST_DIGITS, excerpt(written))
        text = str(int(Decimal(first + more)))
    if plain := _PLAIN_MOBILE.fullmatch(text.translate(_SPACING)):
        return f"62{plain[1]}"
    try:
        return normalise(text)
    except ValidationError:
        raise BadNumber(Code.BAD_NUMBER, excerpt(written)) from None
