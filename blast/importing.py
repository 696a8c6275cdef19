"""From a list as a person brings it to rows with an outlet each. Reads the database, writes nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blast import recipients, selectors, variables
from blast.assignment import assign
from blast.exceptions import BadRecipients
from blast.models import OptOut
from blast.problems import Code, Problem
from blast.recipients import Parsed, Row
from blast.states import Assignment
from outlets.models import Outlet


def read_file(data: bytes, filename: str, body: str, progress: Callable[[int], None] | None = None) -> Parsed:
    """A CSV or XLSX file, for a message with this body. See `recipients.parse`."""
    return recipients.parse(data, filename, required=_required(body), opted_out=_opted_out(), progress=progress)


def read_text(text: str, body: str, progress: Callable[[int], None] | None = None) -> Parsed:
    """Pasted lines. See `recipients.parse_text`."""
    return recipients.parse_text(text, required=_required(body), opted_out=_opted_out(), progress=progress)


def read_rows(given: Sequence[Mapping[str, Any]], body: str) -> Parsed:
    """Rows of a program: `phone`, perhaps `name`, `outlet`, and any further keys as variables. Lines count from 1."""
    return recipients.parse_rows(given, required=_required(body), opted_out=_opted_out())


def usable(parsed: Parsed, *, confirms_foreign: bool, leaves_out_bad: bool) -> list[Row]:
    """The rows to import. Raises `BadRecipients` where there are bad ones that nobody said to leave out."""
    if parsed.refusal is not None:
        raise BadRecipients([parsed.refusal])
    bad = [each for each in parsed.problems if not (confirms_foreign and each.code is Code.FOREIGN)]
    if bad and not leaves_out_bad:
        raise BadRecipients(bad)
    rows = parsed.confirmed() if confirms_foreign else parsed.rows
    if not rows:
        raise BadRecipients(bad or [Problem(None, Code.EMPTY)])
    return rows


def lacking(body: str, rows: Sequence[Row]) -> list[Problem]:
    """A problem for each row that has nothing for a variable of the body."""
    required = _required(body)
    if not required:
        return []
    missing = ((row.line, variables.lacking(required, row)) for row in rows)
    return [Problem(line, Code.MISSING_VARIABLE, {"variable": variable}) for line, variable in missing if variable]


def assigned(rows: Sequence[Row], outlets: Sequence[Outlet], how: str) -> list[int]:
    """The outlet of each row, by primary key. Raises `BadRecipients` for rows without one."""
    writers = selectors.last_writers((row.phone for row in rows), outlets) if how == Assignment.LAST_WRITER else {}
    found = assign(rows, outlets, how, writers)
    if found.problems:
        raise BadRecipients(found.problems)
    return [pk for pk in found.outlets if pk is not None]


def _required(body: str) -> list[str]:
    return variables.names(body)


def _opted_out() -> frozenset[str]:
    return frozenset(OptOut.objects.filter(ended_at=None).order_by().values_list("phone", flat=True))
