"""What can be wrong with a list of recipients: the one place where a code becomes a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise


class Code(StrEnum):
    """What API clients see."""

    # The file as a whole.
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_LARGE_UNZIPPED = "too_large_unzipped"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    OLD_EXCEL = "old_excel"
    NOT_A_SPREADSHEET = "not_a_spreadsheet"
    BROKEN_SPREADSHEET = "broken_spreadsheet"
    LOCKED = "locked"
    NOT_TEXT = "not_text"
    NOT_UTF8 = "not_utf8"
    QUOTES = "quotes"
    NO_PHONE_COLUMN = "no_phone_column"
    SAME_COLUMN = "same_column"
    BAD_HEADING = "bad_heading"
    MISSING_COLUMN = "missing_column"
    # One row.
    NO_NUMBER = "no_number"
    BAD_NUMBER = "bad_number"
    LOST_DIGITS = "lost_digits"
    SEVERAL_NUMBERS = "several_numbers"
    FOREIGN = "foreign"
    DUPLICATE = "duplicate"
    OPTED_OUT = "opted_out"
    MISSING_VARIABLE = "missing_variable"
    EXTRA_CELLS = "extra_cells"
    TOO_LONG = "too_long"
    FORMULA = "formula"
    CELL_ERROR = "cell_error"
    MESSAGE_TOO_LONG = "message_too_long"
    # Who writes to whom.
    NO_OUTLET = "no_outlet"
    UNKNOWN_OUTLET = "unknown_outlet"
    AMBIGUOUS_OUTLET = "ambiguous_outlet"
    NOBODY_SENDS = "nobody_sends"


# Formatted with the problem's detail.
WORDS: Mapping[str, StrPromise] = {
    Code.EMPTY: _("There are no recipients in it."),
    Code.TOO_LARGE: _("The file is larger than %(limit)s MB. Split it."),
    Code.TOO_LARGE_UNZIPPED: _("The file unpacks to more than %(limit)s MB. Save only the recipients in a new file."),
    Code.TOO_MANY_ROWS: _("There are more than %(limit)s rows. Split the list."),
    Code.TOO_MANY_COLUMNS: _("There are more than %(limit)s columns. Remove those that the message does not need."),
    Code.OLD_EXCEL: _("This is an old Excel file or has a password. Save it as .xlsx without a password, or as CSV."),
    Code.NOT_A_SPREADSHEET: _("This is neither a CSV nor an XLSX file."),
    Code.BROKEN_SPREADSHEET: _("This Excel file is damaged. Open it, save it again as .xlsx and try once more."),
    Code.LOCKED: _("This Excel file has a password. Save it without one."),
    Code.NOT_TEXT: _("Line %(at)s has characters that belong in no text. Save the file again as “CSV UTF-8”."),
    Code.NOT_UTF8: _("The letters cannot be read from line %(at)s on. Save the file again as “CSV UTF-8”."),
    Code.QUOTES: _("A quotation mark is out of place in the row at line %(at)s, or was never closed."),
    Code.NO_PHONE_COLUMN: _("There is no column “phone”. The first row reads: %(headings)s."),
    Code.SAME_COLUMN: _("Two columns mean the same: “%(one)s” and “%(other)s”. Keep one."),
    Code.BAD_HEADING: _("“%(heading)s” cannot be the heading of a column. Use letters, digits and _, at most 50."),
    Code.MISSING_COLUMN: _("The message uses {%(variable)s}, but there is no column of that name."),
    Code.NO_NUMBER: _("The phone number is missing."),
    Code.BAD_NUMBER: _("“%(value)s” is not a phone number."),
    Code.LOST_DIGITS: _(
        "“%(value)s” has lost digits in the spreadsheet. Format the column as text, or as a number without decimals."
    ),
    Code.SEVERAL_NUMBERS: _("There is more than one number in this line. Write one in each line."),
    Code.FOREIGN: _("+%(phone)s is not an Indonesian number. Confirm that it is meant."),
    Code.DUPLICATE: _("+%(phone)s is already in line %(first)s."),
    Code.OPTED_OUT: _("+%(phone)s does not want any messages."),
    Code.MISSING_VARIABLE: _("There is nothing for {%(variable)s}."),
    Code.EXTRA_CELLS: _("“%(value)s” stands under no heading."),
    Code.TOO_LONG: _("The text under “%(column)s” is longer than %(limit)s characters."),
    Code.FORMULA: _("The formula under “%(column)s” has no result. Paste the values instead."),
    Code.CELL_ERROR: _("The cell under “%(column)s” shows an error of the spreadsheet."),
    Code.MESSAGE_TOO_LONG: _("The message for this person has %(length)s characters; %(limit)s fit."),
    Code.NO_OUTLET: _("The outlet is missing."),
    Code.UNKNOWN_OUTLET: _("None of the chosen outlets is called “%(value)s”."),
    Code.AMBIGUOUS_OUTLET: _("More than one of the chosen outlets is called “%(value)s”. Write its number."),
    Code.NOBODY_SENDS: _("No outlet is chosen."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` as the person's own program counts it, from 1; None where it concerns everything."""

    line: int | None
    code: Code
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The sentence in the language of the moment."""
        return str(WORDS[self.code]) % self.detail


class Refused(Exception):  # noqa: N818  (it is an outcome)
    """Everything is refused for one reason."""

    def __init__(self, code: Code, **detail: Any) -> None:
        super().__init__(code)
        self.problem = Problem(None, code, detail)


def excerpt(text: str, limit: int = 40) -> str:
    """What a person wrote, short enough to be quoted."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
