"""Small XLSX files for tests: `xlsx([["phone", "name"], [6281234567890.0, "Budi"]])`."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


class Raw(str):
    """XML for the inside of `<c>`, as in `Raw("<f>A1</f><v>5</v>")`."""


def letters(column: int) -> str:
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def cell(column: int, row: int, value: object) -> str:
    at = f"{letters(column)}{row}"
    if isinstance(value, Raw):
        return f'<c r="{at}">{value}</c>'
    if isinstance(value, bool):
        return f'<c r="{at}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{at}"><v>{value!r}</v></c>'
    return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def sheet_xml(rows: Sequence[Sequence[object]], first_row: int = 1) -> str:
    lines = (
        f'<row r="{number}">' + "".join(cell(i, number, v) for i, v in enumerate(row) if v is not None) + "</row>"
        for number, row in enumerate(rows, first_row)
    )
    return f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def parts_of(sheet: str, *, state: str = "visible", more_sheets: Mapping[str, str] | None = None) -> dict[str, str]:
    sheets = {"Sheet1": sheet, **(more_sheets or {})}
    listed = "".join(
        f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"{f" state={chr(34)}{state}{chr(34)}" if i == 1 else ""}/>'
        for i, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="r{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>',
        **{f"xl/worksheets/sheet{i}.xml": xml for i, xml in enumerate(sheets.values(), 1)},
    }


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def xlsx(rows: Sequence[Sequence[object]], *, first_row: int = 1, **more: object) -> bytes:
    return zipped(parts_of(sheet_xml(rows, first_row), **more))
