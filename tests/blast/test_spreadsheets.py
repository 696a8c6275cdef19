"""XLSX files that are damaged, that lie, or that were made to do harm."""

import io
import random
import struct
import zipfile

import pytest

from blast.problems import Code
from blast.recipients import Limits, Parsed, parse
from tests.blast.workbooks import MAIN, Raw, parts_of, sheet_xml, xlsx, zipped

LIMITS = Limits()
GOOD = [["phone", "name"], ["081234567890", "Budi"]]


def refusal(data: bytes, limits: Limits = LIMITS) -> Code | None:
    parsed = parse(data, "list.xlsx", limits=limits)
    assert parsed.refusal is None or (not parsed.rows and parsed.refusal.message)
    return parsed.refusal.code if parsed.refusal else None


def row_problems(parsed: Parsed) -> list[tuple[int | None, Code]]:
    return [(problem.line, problem.code) for problem in parsed.problems]


def test_formulas_and_errors():
    rows = [
        ["phone", "name"],
        [Raw("<f>B9</f><v>6281234567890</v>"), "Result"],
        [Raw("<f>B9</f>"), "No result"],
        ["081234567891", Raw('<f t="shared" si="0"/>')],
    ]
    parsed = parse(xlsx(rows), required=["name"])
    assert [row.name for row in parsed.rows] == ["Result"]
    assert row_problems(parsed) == [(3, Code.FORMULA), (4, Code.FORMULA)]
    error = parts_of(
        sheet_xml([["phone", "name"], ["081234567890"]]).replace(
            "</row></sheet", '<c r="B2" t="e"><v>#N/A</v></c></row></sheet'
        )
    )
    assert row_problems(parse(zipped(error))) == [(2, Code.CELL_ERROR)]


def test_signs_that_no_database_takes():
    data = xlsx([["phone", "name"], ["081234567890", "é"], ["081234567891", "Bu_x0000_di"]])
    assert [(p.line, p.code, p.detail) for p in parse(data).problems] == [(None, Code.NOT_TEXT, {"at": 3})]


def test_dates_read_as_people_write_them():
    parts = parts_of(
        sheet_xml([["phone", "jatuh tempo"], ["081234567890", 46347]]).replace('<c r="B2">', '<c r="B2" s="1">')
    )
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    assert parse(zipped(parts)).rows[0].variables == {"jatuh_tempo": "21/11/2026"}


def test_the_first_visible_sheet_counts():
    other = sheet_xml([["phone"], ["081111111111"]])
    assert parse(zipped(parts_of(sheet_xml(GOOD), more_sheets={"Second": other}))).rows[0].name == "Budi"
    hidden = zipped(parts_of(sheet_xml(GOOD), state="hidden", more_sheets={"Second": other}))
    assert parse(hidden).rows[0].phone == "6281111111111"


def test_empty_sheets():
    assert refusal(xlsx([])) is Code.EMPTY
    assert refusal(xlsx(GOOD[:1])) is Code.EMPTY
    assert refusal(zipped(parts_of(sheet_xml(GOOD), state="hidden"))) is Code.EMPTY


@pytest.mark.parametrize(
    "place", ["XFD1048576", "A1048576", "XFD1", "ZZZZZZ99999999999", "A0", "1", "", "&#65;1048576"]
)
def test_a_cell_far_away_ends_nobody(place):
    """Each would have its reader ask for up to half a terabyte."""
    rows = sheet_xml([["phone"], ["081234567890"]]).replace(
        "</row></sheet", f'<c r="{place}"><v>1</v></c></row></sheet'
    )
    parsed = parse(zipped(parts_of(rows)))
    assert parsed.rows or parsed.problems


def test_a_table_of_strings_that_lies_ends_nobody():
    parts = parts_of(sheet_xml(GOOD))
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}" count="99999999999" uniqueCount="99999999999"/>'
    assert refusal(zipped(parts)) is Code.BROKEN_SPREADSHEET


def test_entities_do_not_grow():
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "'
        + "ha" * 1000
        + '">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 20}">' for i in range(8))
        + "]>"
    )
    parts = parts_of(
        sheet_xml([["phone", "name"], ["081234567890", Raw("<is><t>&i;</t></is>")]]).replace(
            "<worksheet", bomb + "<worksheet"
        )
    )
    parsed = parse(zipped(parts))
    assert sum(len(row.name) for row in parsed.rows) < 100


def test_a_zip_bomb_that_says_so():
    parts = parts_of(sheet_xml(GOOD))
    parts["xl/media/image.png"] = b"\0" * 70_000_000
    data = zipped(parts)
    assert len(data) < 100_000
    assert refusal(data) is Code.TOO_LARGE_UNZIPPED


def test_a_zip_bomb_that_hides_it():
    """The directory says 100 bytes, the sheet unpacks to 70 MB."""
    parts: dict[str, str | bytes] = dict(parts_of(sheet_xml(GOOD)))
    size = 70_000_000
    parts["xl/worksheets/sheet1.xml"] = b" " * size
    data = zipped(parts).replace(struct.pack("<L", size), struct.pack("<L", 100))
    assert refusal(data) is Code.BROKEN_SPREADSHEET


def test_many_entries_and_the_same_twice():
    many = zipped({**parts_of(sheet_xml(GOOD)), **{f"x{i}": b"" for i in range(1100)}})
    assert refusal(many) is Code.TOO_LARGE_UNZIPPED
    out = io.BytesIO(zipped(parts_of(sheet_xml(GOOD))))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/sheet1.xml", sheet_xml([["phone"], ["081111111111"]]))
    assert refusal(out.getvalue()) is Code.BROKEN_SPREADSHEET


def test_other_zips():
    assert refusal(zipped({"hello.txt": b"hi"})) is Code.NOT_A_SPREADSHEET
    assert refusal(zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})) is Code.NOT_A_SPREADSHEET
    assert refusal(b"PK\x03\x04 nothing more") is Code.BROKEN_SPREADSHEET


def test_limits():
    limits = Limits(rows=3, columns=3)
    assert refusal(xlsx([["phone"], *([f"08123456789{i}"] for i in range(4))]), limits) is Code.TOO_MANY_ROWS
    assert refusal(xlsx([["phone", "a", "b", "c"], ["081234567890"]]), limits) is Code.TOO_MANY_COLUMNS
    assert refusal(xlsx([["phone"], *([f"08123456789{i}"] for i in range(3))]), limits) is None


def test_damage_anywhere():
    """Bytes changed at random places: an answer every time, and this process lives on."""
    data, chance = xlsx(GOOD), random.Random(5)
    for _ in range(12):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        parsed = parse(bytes(damaged))
        assert parsed.rows or parsed.problems
