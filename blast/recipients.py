"""Lists of recipients as people bring them: a CSV or XLSX file, or pasted lines. Nothing is stored here."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from blast.phones import TEXT_FORMULA, BadNumber, read_number
from blast.problems import Code, Problem, Refused, excerpt
from blast.spreadsheets import ERROR, FORMULA, Limits, refuse_no_text, rows_of, text_rows
from blast.variables import lacking, normal_name

__all__ = ["Limits", "Parsed", "Row", "parse", "parse_rows", "parse_text"]

NAME_CHARS = 100
PROGRESS_EVERY = 500

_PHONE = frozenset(
    {"phone", "nomor", "no_hp", "hp", "telepon", "whatsapp", "wa", "nomor_hp", "no_wa", "nomor_wa", "no_telepon"}
)
_NAME = frozenset({"name", "nama"})
_OUTLET = frozenset({"outlet"})

# A pasted line without a separator: digits, perhaps in groups of three and more, then a name that begins with a letter.
_LINE = re.compile(r"(\+?\(?[0-9][0-9().\-]*(?: [0-9().\-]{3,})*)(?:\s+([^\W\d].*))?")
_SEPARATOR = re.compile(r"[,;\t]")
_DIGITS = re.compile(r"(?:[0-9][\s.\-]?){8}")
_ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
_FORMULA = re.compile(r"=[A-Za-z(+\-@$]")


@dataclass(frozen=True, slots=True)
class Row:
    """One person to write to. `phone` is digits with the country code, `outlet` what stands in that column."""

    line: int
    phone: str
    name: str = ""
    outlet: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """`rows` can be written to. Those in `foreign` only once a person confirms it; each has its problem, too.

    `columns` are the names that the message may use besides the built-in ones. With `refusal` everything else is empty.
    """

    rows: list[Row] = field(default_factory=list)
    foreign: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    @property
    def refusal(self) -> Problem | None:
        """Why the whole list was refused."""
        return self.problems[0] if self.problems and self.problems[0].line is None else None

    def confirmed(self) -> list[Row]:
        """All rows in their order, after a person said that the foreign numbers are meant."""
        return sorted([*self.rows, *self.foreign], key=lambda row: row.line)


def parse(
    data: bytes,
    filename: str = "",
    *,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    required: Collection[str] = (),
    opted_out: Collection[str] = frozenset(),
    progress: Callable[[int], None] | None = None,
) -> Parsed:
    """Read a file. Its name decides nothing: what a file is, its content tells better.

    `required` are the variables of the message, `opted_out` the numbers of those who want none (a set: each row asks),
    `progress` is told how many rows were read. 10,000 rows take 0.2 s of the processor: call it in a thread.
    """
    try:
        return _parsed(rows_of(data, limits), limits, required, opted_out, progress)
    except Refused as refused:
        return Parsed(problems=[refused.problem])


def parse_text(
    text: str,
    *,
    limits: Limits = Limits(),  # noqa: B008
    required: Collection[str] = (),
    opted_out: Collection[str] = frozenset(),
    progress: Callable[[int], None] | None = None,
) -> Parsed:
    """Read pasted lines: a number in each, perhaps a name after it. Or a table with headings, copied from a sheet."""
    try:
        if len(text) > limits.file_bytes:
            raise Refused(Code.TOO_LARGE, limit=limits.file_bytes // 1_000_000)
        refuse_no_text(text)
        first = next(iter(text.strip().splitlines()), "")
        if any(normal_name(cell.strip(' "')) in _PHONE for cell in _SEPARATOR.split(first)):
            return _parsed(text_rows(text), limits, required, opted_out, progress)
        _refuse_missing(required, {"phone", "name"})
        columns = _Columns(phone=0, name=1, outlet=None, variables={}, headings=["phone", "name"])
        reader = _Reader(columns, limits, required, opted_out)
        _read(reader, _lines(text), limits, progress)
    except Refused as refused:
        return Parsed(problems=[refused.problem])
    return reader.parsed


def parse_rows(
    given: Sequence[Mapping[str, object]],
    *,
    limits: Limits = Limits(),  # noqa: B008
    required: Collection[str] = (),
    opted_out: Collection[str] = frozenset(),
) -> Parsed:
    """Rows of a program: `phone`, perhaps `name` and `outlet`, all further keys are variables. Lines count from 1."""
    names: dict[str, None] = {}
    try:
        for line, row in enumerate(given, 1):
            names.update(dict.fromkeys(row))
            if len(names) > limits.columns:  # before every row gets a cell for each
                raise Refused(Code.TOO_MANY_COLUMNS, limit=limits.columns)
            for cell in (*row, *row.values()):
                if isinstance(cell, str):
                    refuse_no_text(cell, line)
        table: list[tuple[int, Sequence[object]]] = [(0, list(names))] if given else []
        table += ((line, [row.get(name, "") for name in names]) for line, row in enumerate(given, 1))
        return _parsed(table, limits, required, opted_out, None)
    except Refused as refused:
        return Parsed(problems=[refused.problem])


def _lines(text: str) -> Iterable[tuple[int, Sequence[object]]]:
    for line, written in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        plain = written.strip().rstrip(",;").strip()
        if not plain:
            continue
        separated = _SEPARATOR.split(plain, maxsplit=1)
        if len(separated) == 2 and not _DIGITS.search(separated[1]):
            number, name = separated
        elif found := _LINE.fullmatch(plain):
            number, name = found[1], found[2] or ""
        else:
            number, name = plain, ""
        yield line, (number.strip(), name.strip())


def _parsed(
    table: Iterable[tuple[int, Sequence[object]]],
    limits: Limits,
    required: Collection[str],
    opted_out: Collection[str],
    progress: Callable[[int], None] | None,
) -> Parsed:
    rows = iter(table)
    _, headings = next(rows, (0, None))
    if headings is None:
        raise Refused(Code.EMPTY)
    reader = _Reader(_columns(headings, limits, required), limits, required, opted_out)
    _read(reader, rows, limits, progress)
    return reader.parsed


def _read(
    reader: "_Reader",
    rows: Iterable[tuple[int, Sequence[object]]],
    limits: Limits,
    progress: Callable[[int], None] | None,
) -> None:
    count = 0
    for count, (line, cells) in enumerate(rows, 1):
        if count > limits.rows:
            raise Refused(Code.TOO_MANY_ROWS, limit=limits.rows)
        reader.take(line, cells)
        if progress and count % PROGRESS_EVERY == 0:
            progress(count)
    if not count:
        raise Refused(Code.EMPTY)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where what stands, from 0."""

    phone: int
    name: int | None
    outlet: int | None
    variables: Mapping[int, str]
    headings: Sequence[str]

    @property
    def unnamed(self) -> list[int]:
        return [i for i, heading in enumerate(self.headings) if not heading]


def _columns(cells: Sequence[object], limits: Limits, required: Collection[str]) -> _Columns:
    headings = [_text(cell).strip() for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if len(headings) > limits.columns:
        raise Refused(Code.TOO_MANY_COLUMNS, limit=limits.columns)
    meanings: dict[str, int] = {}
    for i, heading in enumerate(headings):
        name = normal_name(heading)
        meaning = next((m for m, words in _MEANINGS.items() if name in words), name)
        if meaning and meaning in meanings:
            raise Refused(Code.SAME_COLUMN, one=excerpt(headings[meanings[meaning]]), other=excerpt(heading))
        if meaning:
            meanings[meaning] = i
    if "phone" not in meanings:
        raise Refused(Code.NO_PHONE_COLUMN, headings=excerpt(", ".join(filter(None, headings)), 120))
    for heading in headings:
        if heading and not normal_name(heading):
            raise Refused(Code.BAD_HEADING, heading=excerpt(heading, 60))
    _refuse_missing(required, meanings)
    variables = {i: name for name, i in meanings.items() if name not in _MEANINGS}
    return _Columns(meanings["phone"], meanings.get("name"), meanings.get("outlet"), variables, headings)


def _refuse_missing(required: Collection[str], columns: Collection[str]) -> None:
    for variable in required:
        if variable != "outlet" and variable not in columns:
            raise Refused(Code.MISSING_COLUMN, variable=variable)


_MEANINGS: Mapping[str, frozenset[str]] = {"phone": _PHONE, "name": _NAME, "outlet": _OUTLET}


class _Bad(Exception):  # noqa: N818  (it is an outcome)
    def __init__(self, code: Code, **detail: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class _Reader:
    """Takes rows one after the other. A bad row becomes one problem: its first."""

    def __init__(
        self, columns: _Columns, limits: Limits, required: Collection[str], opted_out: Collection[str]
    ) -> None:
        self.parsed = Parsed(columns=list(columns.variables.values()))
        self._columns = columns
        self._unnamed = columns.unnamed
        self._limits = limits
        self._required = required
        self._opted_out = opted_out
        self._lines: dict[str, int] = {}  # number -> where it was read first

    def take(self, line: int, cells: Sequence[object]) -> None:
        try:
            row = self._row(line, cells)
        except BadNumber as bad:
            self.parsed.problems.append(Problem(line, bad.code, {"value": bad.value}))
        except _Bad as bad:
            self.parsed.problems.append(Problem(line, bad.code, bad.detail))
        else:
            self._lines[row.phone] = line
            if row.phone.startswith("62"):
                self.parsed.rows.append(row)
            else:
                self.parsed.foreign.append(row)
                self.parsed.problems.append(Problem(line, Code.FOREIGN, {"phone": row.phone}))

    def _row(self, line: int, cells: Sequence[object]) -> Row:
        columns = self._columns
        if len(cells) > len(columns.headings) or self._unnamed:
            self._refuse_stray(cells)
        phone = self._number(cells[columns.phone] if columns.phone < len(cells) else "")
        row = Row(
            line,
            phone,
            "" if columns.name is None else self._cell(cells, columns.name),
            "" if columns.outlet is None else self._cell(cells, columns.outlet),
            {name: self._cell(cells, i) for i, name in columns.variables.items()},
        )
        if len(row.name) > NAME_CHARS:
            raise _Bad(Code.TOO_LONG, column=columns.headings[columns.name or 0], limit=NAME_CHARS)
        if phone in self._opted_out:
            raise _Bad(Code.OPTED_OUT, phone=phone)
        if (first := self._lines.get(phone)) is not None:
            raise _Bad(Code.DUPLICATE, phone=phone, first=first)
        if self._required and (variable := lacking(self._required, row)):
            raise _Bad(Code.MISSING_VARIABLE, variable=variable)
        return row

    def _number(self, cell: object) -> str:
        self._refuse_mark(cell, self._columns.phone)
        try:
            return read_number(cell)
        except BadNumber as bad:
            if isinstance(cell, str) and len(_DIGITS.findall(cell)) > 1 and re.search(r"[,;/\s|]", cell.strip()):
                raise _Bad(Code.SEVERAL_NUMBERS) from None
            raise bad

    def _cell(self, cells: Sequence[object], i: int) -> str:
        if i >= len(cells):
            return ""
        cell = cells[i]
        text = (cell if isinstance(cell, str) else _text(cell)).strip()
        if not text:
            self._refuse_mark(cell, i)
        elif text[0] in "#=":
            if text in _ERRORS:
                self._refuse_mark(ERROR, i)
            if wrapped := TEXT_FORMULA.fullmatch(text):
                return wrapped[1].strip()
            if _FORMULA.match(text):
                self._refuse_mark(FORMULA, i)
        if len(text) > self._limits.cell_chars:
            raise _Bad(Code.TOO_LONG, column=self._columns.headings[i], limit=self._limits.cell_chars)
        return text

    def _refuse_mark(self, cell: object, i: int) -> None:
        if cell in (FORMULA, ERROR):
            code = Code.FORMULA if cell == FORMULA else Code.CELL_ERROR
            raise _Bad(code, column=excerpt(self._columns.headings[i]))

    def _refuse_stray(self, cells: Sequence[object]) -> None:
        for i in (*self._unnamed, *range(len(self._columns.headings), len(cells))):
            if i < len(cells) and (text := _text(cells[i]).strip()):
                raise _Bad(Code.EXTRA_CELLS, value=excerpt(text))


def _text(cell: object) -> str:
    """A cell as people read it: whole numbers without a point. Marks are empty."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    return str(cell) if isinstance(cell, int) else ""
