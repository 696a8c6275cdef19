"""From a list as a person brings it to rows with an outlet each. Reads the database, writes nothing."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blast import recipients, selectors, variables
from blast.assignment import assign
from blast.exceptions import BadRecipients
from blast.models import OptOut
from blast.problems import Code, Problem
from blast.recipients import Parsed, Row
from blast.states import Assignment
from outlets.models import Outlet

_OWN = ("phone", "name", "outlet")


def read_file(data: bytes, filename: str, body: str, progress: Callable[[int], None] | None = None) -> Parsed:
    """A CSV or XLSX file, for a message with this body. See `recipients.parse`."""
    return recipients.parse(data, filename, required=_required(body), opted_out=_opted_out(), progress=progress)


def read_text(text: str, body: str, progress: Callable[[int], None] | None = None) -> Parsed:
    """Pasted lines. See `recipients.parse_text`."""
    return recipients.parse_text(text, required=_required(body), opted_out=_opted_out(), progress=progress)


def read_rows(given: Sequence[Mapping[str, Any]], body: str) -> Parsed:
    """Rows of a program: `phone`, perhaps `name`, `outlet`, and any further keys as variables. Lines count from 1."""
    names = [*dict.fromkeys(("phone", *(str(key) for row in given for key in row)))]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    starts: dict[int, int] = {}  # line of the file -> number of the row
    line = 2
    for number, row in enumerate(given, start=1):
        cells = [_cell(row.get(name)) for name in names]
        writer.writerow(cells)
        lines = 1 + sum(cell.count("\n") for cell in cells)
        starts.update(dict.fromkeys(range(line, line + lines), number))
        line += lines
    parsed = read_file(file.getvalue().encode(), "rows.csv", body)

    def numbered(row: Row) -> Row:
        return replace(row, line=starts.get(row.line, row.line))

    problems = []
    for each in parsed.problems:
        first = each.detail.get("first")
        detail = {**each.detail, "first": starts.get(first, first)} if first is not None else each.detail
        problems.append(Problem(None if each.line is None else starts.get(each.line), each.code, detail))
    return Parsed([*map(numbered, parsed.rows)], [*map(numbered, parsed.foreign)], problems, parsed.columns)


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


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")


def _required(body: str) -> list[str]:
    return variables.names(body)


def _opted_out() -> frozenset[str]:
    return frozenset(OptOut.objects.filter(ended_at=None).order_by().values_list("phone", flat=True))
