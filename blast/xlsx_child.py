"""Reads one XLSX file in a process of its own: the file on stdin, its rows as JSON on stdout. Imports nothing of Gerai.

Why a process: python-calamine believes what a file says of itself. One cell at XFD1048576, or a table of strings that
claims 10^11 entries, asks for terabytes, and then Rust ends the whole process; in the server that would be every
outlet's connection. Here it ends this child, under limits of memory and time, and the parent says that the file is
damaged. The server's loop is not slowed meanwhile, either.

Answer: `{"rows": [[line, [cell, …]], …]}` or `{"refused": code, "detail": {…}}`, with the codes of `blast.problems`. A
cell is a text, number or bool; dates are text as people here write them; `{"mark": "formula"}` stands for a formula
that was never calculated, `{"mark": "error"}` for #N/A and the like.
"""

import datetime
import io
import json
import re
import resource
import sys
import zipfile
import zlib
from typing import Any

MEMORY_BYTES = 1 << 30
CPU_S = 15
CHUNK = 1 << 16
ENTRIES = 1000

# All that rows are made of. What else is in the file (pictures, macros) is never unpacked.
PART = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/(?:workbook|sharedStrings|styles)\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/worksheets/[^/]+\.xml"
)
NO_RESULT = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
ERROR = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*\bt="e"')


class Refused(Exception):  # noqa: N818  (it is an outcome)
    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.answer = {"refused": code, "detail": detail}


def unzipped(data: bytes, limit: int) -> dict[str, bytes]:
    """The parts that matter. Trusts no size in the directory: reads stop at the limit and check the sums."""
    too_large = Refused("too_large_unzipped", limit=limit // 1_000_000)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > limit:
                raise too_large
            parts: dict[str, bytes] = {}
            for entry in entries:
                if not PART.fullmatch(entry.filename):
                    continue
                if entry.filename in parts:
                    raise Refused("broken_spreadsheet")
                with archive.open(entry) as stream:
                    content = bytearray()
                    while chunk := stream.read(CHUNK):
                        content += chunk
                        limit -= len(chunk)
                        if limit < 0:
                            raise too_large
                parts[entry.filename] = bytes(content)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise Refused("broken_spreadsheet") from None
    if "xl/workbook.xml" not in parts:
        raise Refused("not_a_spreadsheet")
    return parts


def stored(parts: dict[str, bytes]) -> io.BytesIO:
    """The same parts without compression: there is nothing left to unpack."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    out.seek(0)
    return out


def marks(parts: dict[str, bytes]) -> dict[tuple[int, int], dict[str, str]]:
    """Cells (row and column from 1) that look empty and are not. Only where there is no doubt which sheet is meant."""
    sheets = [content for name, content in parts.items() if name.startswith("xl/worksheets/")]
    found = {}
    if len(sheets) == 1:
        for pattern, mark in ((NO_RESULT, "formula"), (ERROR, "error")):
            for match in pattern.finditer(sheets[0]):
                found[int(match[2]), column_number(match[1])] = {"mark": mark}
    return found


def column_number(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column


def plain(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime):
        return f"{cell:%d/%m/%Y}" if cell.time() == datetime.time() else f"{cell:%d/%m/%Y %H:%M}"
    if isinstance(cell, datetime.date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, datetime.time):
        return f"{cell:%H:%M}"
    if isinstance(cell, datetime.timedelta):
        return str(cell)
    return cell


def rows(data: bytes, unzipped_bytes: int, max_rows: int, max_columns: int) -> list[tuple[int, list[Any]]]:
    """The first visible worksheet's rows that hold anything, each cut after its last full cell."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    parts = unzipped(data, unzipped_bytes)
    workbook = CalamineWorkbook.from_filelike(stored(parts))
    visible = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if not visible:
        raise Refused("empty")
    sheet = workbook.get_sheet_by_name(visible[0])
    special = marks(parts)
    marked_rows = {row for row, _ in special}
    found: list[tuple[int, list[Any]]] = []
    left_out = [""] * (sheet.start[1] if sheet.start else 0)  # empty columns; empty rows are given
    for line, cells in enumerate(sheet.iter_rows(), 1):
        given = [*left_out, *map(plain, cells)]
        if line in marked_rows:
            given = [special.get((line, column), cell) for column, cell in enumerate(given, 1)]
        while given and given[-1] == "":
            given.pop()
        if not given:
            continue
        if len(given) > max_columns:
            raise Refused("too_many_columns", limit=max_columns)
        found.append((line, given))
        if len(found) > max_rows + 1:
            raise Refused("too_many_rows", limit=max_rows)
    return found


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer: dict[str, Any] = {"rows": rows(sys.stdin.buffer.read(), *map(int, sys.argv[1:4]))}
    except Refused as refused:
        answer = refused.answer
    except Exception as error:
        is_locked = type(error).__name__ == "PasswordError"
        answer = {"refused": "locked" if is_locked else "broken_spreadsheet", "detail": {}}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
