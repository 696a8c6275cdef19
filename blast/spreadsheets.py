"""CSV and XLSX files as rows of cells, within limits. Raises `Refused` and nothing else."""

import codecs
import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from blast.problems import Code, Refused

MEGABYTE = 1_000_000

FORMULA = {"mark": "formula"}  # instead of a cell: a formula without a result
ERROR = {"mark": "error"}  # instead of a cell: #N/A and the like

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # also what a password makes of an .xlsx
_ZIP = b"PK\x03\x04"
_CHILD = Path(__file__).with_name("xlsx_child.py")
_CHILD_S = 30.0  # it limits its own time on the processor to half of that

_DELIMITERS = ",;\t"
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\ud800-\udfff]")  # no database takes a NUL or half a surrogate pair
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Limits:
    """What one list may have. The rows bound the time, the bytes the memory."""

    file_bytes: int = 10 * MEGABYTE
    unzipped_bytes: int = 60 * MEGABYTE
    rows: int = 20_000
    columns: int = 50
    cell_chars: int = 1000


def rows_of(data: bytes, limits: Limits) -> Iterable[tuple[int, Sequence[object]]]:
    """Line (from 1, as the person's program counts) and cells of each row that holds anything.

    What kind of file it is, its content tells. A CSV has texts for cells, an XLSX texts, numbers, bools and marks.
    Of a workbook with several sheets it is the first visible one. May raise `Refused` while it is iterated.
    """
    if len(data) > limits.file_bytes:
        raise Refused(Code.TOO_LARGE, limit=limits.file_bytes // MEGABYTE)
    if data.startswith(_OLD_EXCEL):
        raise Refused(Code.OLD_EXCEL)
    if data.startswith(_ZIP):
        return _xlsx_rows(data, limits)
    return text_rows(_decoded(data))


def refuse_no_text(text: str, line: int | None = None) -> None:
    """Raises `Refused` for signs that belong in no text, with their line: this one, or as the text counts."""
    if found := _NO_TEXT.search(text):
        raise Refused(Code.NOT_TEXT, at=line or text.count("\n", 0, found.start()) + 1)


def text_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV text, separated by what its first line is separated by."""
    refuse_no_text(text)
    lines = io.StringIO(text, newline="")
    skipped, delimiter = _delimiter(lines)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = skipped + 1
    try:
        for cells in reader:
            if any(cell and not cell.isspace() for cell in cells):
                yield line, cells
            line = skipped + reader.line_num + 1
    except csv.Error:
        raise Refused(Code.QUOTES, at=line) from None


def _delimiter(lines: io.StringIO) -> tuple[int, str]:
    """What separates the columns. Leaves `lines` where the table begins, and says how many lines that is in."""
    skipped = 0
    while line := lines.readline():
        if len(mark := line.strip(" \r\n")) == 5 and mark.casefold().startswith("sep="):
            return skipped + 1, mark[4]  # Excel's own
        if line.strip():
            lines.seek(lines.tell() - len(line))
            unquoted = _QUOTED.sub("", line)
            return skipped, max(_DELIMITERS, key=unquoted.count)
        skipped += 1
    return skipped, _DELIMITERS[0]


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(Code.NOT_UTF8, at=data.count(b"\n", 0, error.start) + 1) from None


def _xlsx_rows(data: bytes, limits: Limits) -> list[tuple[int, list[object]]]:
    """By a process of its own: see there why."""
    numbers = (limits.unzipped_bytes, limits.rows, limits.columns)
    try:
        done = subprocess.run(  # noqa: S603  (our own program; the file comes on stdin)
            [sys.executable, "-P", str(_CHILD), *map(str, numbers)],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_CHILD_S,
            env={**_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True,
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        raise Refused(Code.BROKEN_SPREADSHEET) from None
    if "refused" in answer:
        raise Refused(Code(answer["refused"]), **answer["detail"])
    rows: list[tuple[int, list[object]]] = answer["rows"]
    if rb"\u00" in done.stdout:  # as JSON writes such signs, and some harmless ones
        for line, cells in rows:
            if any(isinstance(cell, str) and _NO_TEXT.search(cell) for cell in cells):
                raise Refused(Code.NOT_TEXT, at=line)
    return rows


def _environment() -> dict[str, str]:
    """What Python needs to start. The server's secrets stay here."""
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
