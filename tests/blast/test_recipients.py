"""Lists as people bring them, good and bad."""

import time

import pytest
from hypothesis import given, settings, strategies as st

from blast.problems import WORDS, Code
from blast.recipients import Limits, Parsed, Row, parse, parse_rows, parse_text
from tests.blast.workbooks import xlsx

ONE = [("6281234567890", "Budi")]


def people(parsed: Parsed) -> list[tuple[str, str]]:
    return [(row.phone, row.name) for row in parsed.rows]


def problems(parsed: Parsed) -> list[tuple[int | None, Code]]:
    for problem in parsed.problems:
        assert problem.message, problem
    return [(problem.line, problem.code) for problem in parsed.problems]


@pytest.mark.parametrize(
    "data",
    [
        b"phone,name\n081234567890,Budi\n",
        b"phone;name\r\n081234567890;Budi",
        b"nama\tNo. HP\nBudi\t+62 812-3456-7890\n",
        b"\xef\xbb\xbfphone,name\n081234567890,Budi\n",
        "phone;name\n081234567890;Budi\n".encode("utf-16"),
        b"\xfe\xff" + "phone;name\n081234567890;Budi\n".encode("utf-16-be"),
        b"sep=;\nphone;name\n081234567890;Budi\n",
        b"\n\n WhatsApp , NAMA \n 081234567890 , Budi \n\n",
        b'phone,name\n"081234567890","Budi"\n',
        b'"phone";"name"\n"081234567890";"Budi"\n',
        b"phone,name\r081234567890,Budi\r",
        b"phone,name\n6281234567890.0,Budi\n",
        b'phone;name\n="081234567890";="Budi"\n',
        b"phone,name,,\n081234567890,Budi,,\n",
        b"wa|x;name\n".replace(b"wa|x", b"wa") + b"081234567890;Budi",
        xlsx([["phone", "name"], [6281234567890.0, "Budi"]]),
        xlsx([["nama", "hp"], ["Budi", "0812-3456-7890"]]),
        xlsx([[None, "phone", None, "name"], [], [None, 81234567890, None, "Budi"]], first_row=4),
    ],
)
def test_the_same_person_in_every_file(data):
    parsed = parse(data)
    assert people(parsed) == ONE
    assert not parsed.problems


def test_columns_become_variables():
    parsed = parse(b"phone;Nama Kota;outlet;Total\n081234567890;Bandung;Kemang;5000\n")
    assert parsed.rows == [Row(2, "6281234567890", "", "Kemang", {"nama_kota": "Bandung", "total": "5000"})]
    assert parsed.columns == ["nama_kota", "total"]


def test_cells_of_a_spreadsheet_read_as_people_read_them():
    parsed = parse(xlsx([["phone", "a", "b", "c", "d"], ["081234567890", 150000.0, 1.5, True, 0.1 + 0.2]]))
    assert parsed.rows[0].variables == {"a": "150000", "b": "1.5", "c": "TRUE", "d": "0.3"}


def test_every_bad_row_is_named_and_the_good_ones_stay():
    rows = [
        "phone,name,kota",
        "081234567890,Budi,Bandung",
        "0812,Siti,Bandung",
        ",Siti,Bandung",
        '"+62 812-3456-7890",Lain,Bandung',
        "081234567891,Wati,",
        "081234567892,Opt,Bandung",
        "+6581234567,Lee,Bandung",
        "6.28E+12,Joko,Bandung",
        "081234567893,Adi,Bandung,stray",
        "081234567894,#N/A,Bandung",
        "081234567895,=A1&B1,Bandung",
        '"081234567896 / 081234567897",Dua,Bandung',
        f"081234567898,Panjang,{'x' * 1001}",
        f"081234567899,{'x' * 101},Bandung",
        "081234567891,Wati,Jakarta",
    ]
    parsed = parse("\n".join(rows).encode(), required=["name", "kota"], opted_out={"6281234567892"})
    assert people(parsed) == [*ONE, ("6281234567891", "Wati")]
    assert [row.phone for row in parsed.foreign] == ["6581234567"]
    assert [row.line for row in parsed.confirmed()] == [2, 8, 16]
    assert problems(parsed) == [
        (3, Code.BAD_NUMBER),
        (4, Code.NO_NUMBER),
        (5, Code.DUPLICATE),
        (6, Code.MISSING_VARIABLE),
        (7, Code.OPTED_OUT),
        (8, Code.FOREIGN),
        (9, Code.LOST_DIGITS),
        (10, Code.EXTRA_CELLS),
        (11, Code.CELL_ERROR),
        (12, Code.FORMULA),
        (13, Code.SEVERAL_NUMBERS),
        (14, Code.TOO_LONG),
        (15, Code.TOO_LONG),
    ]
    assert "2" in parsed.problems[2].message
    assert parsed.refusal is None


def test_lines_are_those_that_the_person_sees():
    parsed = parse(b'phone,note\n081234567890,"one\ntwo"\n\nbad,x\n')
    assert problems(parsed) == [(5, Code.BAD_NUMBER)]
    parsed = parse(xlsx([["phone"], [], ["bad"]], first_row=5))
    assert problems(parsed) == [(7, Code.BAD_NUMBER)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.EMPTY),
        (b"\xef\xbb\xbf", Code.EMPTY),
        (b" \n\n", Code.EMPTY),
        (b"phone,name\n", Code.EMPTY),
        (b"phone,name\n,,\n", Code.EMPTY),
        (b"name,city\nBudi,Bandung\n", Code.NO_PHONE_COLUMN),
        (b"081234567890\n081234567891\n", Code.NO_PHONE_COLUMN),
        (b"phone,hp\n1,2\n", Code.SAME_COLUMN),
        (b"phone,a b,A-B\n1,2,3\n", Code.SAME_COLUMN),
        (b"phone,why?\n1,2\n", Code.BAD_HEADING),
        (b"phone," + b"x" * 51 + b"\n1,2\n", Code.BAD_HEADING),
        (b"phone,name\n0812\x00,Budi\n", Code.NOT_TEXT),
        ("phone,name\n".encode("utf-16-le"), Code.NOT_TEXT),
        ("phone,name\n".encode("utf-32"), Code.NOT_TEXT),
        (b"phone,name\n081234567890,Jos\xe9\n", Code.NOT_UTF8),
        (b"\xff\xfep\x00h\x00", Code.NO_PHONE_COLUMN),
        (b"\xff\xfep\x00h\x00\x00", Code.NOT_UTF8),
        (b'phone,name\n0812,"Budi\n0813,Siti\n', Code.QUOTES),
        (b'phone,name\n0812,"Bu"di\n', Code.QUOTES),
        (b"phone,name\n0812," + b"x" * 200_000, Code.QUOTES),
        (b"phone\n" + b"0812\n" * 101, Code.TOO_MANY_ROWS),
        (b"phone" + b",a" * 10, Code.TOO_MANY_COLUMNS),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", Code.OLD_EXCEL),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Code.NOT_UTF8),
        (b"x" * 1_000_001, Code.TOO_LARGE),
    ],
)
def test_a_whole_file_is_refused_in_one_sentence(data, code):
    limits = Limits(file_bytes=1_000_000, rows=100, columns=10)
    parsed = parse(data, limits=limits)
    assert problems(parsed) == [(None, code)]
    assert parsed.refusal == parsed.problems[0]
    assert not parsed.rows
    assert "%" not in parsed.problems[0].message


def test_a_column_that_the_message_needs():
    parsed = parse(b"phone,name\n081234567890,Budi\n", required=["name", "kota", "phone", "outlet"])
    assert problems(parsed) == [(None, Code.MISSING_COLUMN)]
    assert "{kota}" in parsed.problems[0].message


def test_progress():
    told = []
    parse(b"phone\n" + b"".join(b"08123%07d\n" % i for i in range(1200)), progress=told.append)
    assert told == [500, 1000]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("081234567890", ("6281234567890", "")),
        ("+62 812-3456-7890 Budi Santoso", ("6281234567890", "Budi Santoso")),
        ("0812 3456 7890, Budi", ("6281234567890", "Budi")),
        ("081234567890;Budi, S.E.", ("6281234567890", "Budi, S.E.")),
        ("081234567890\tBudi", ("6281234567890", "Budi")),
        ("  (0812) 3456 7890  ,", ("6281234567890", "")),
        ("081234567890 Budi 2", ("6281234567890", "Budi 2")),
        ("\u202a+62\xa0812‑3456‑7890\u202c", ("6281234567890", "")),
    ],
)
def test_pasted_lines(text, found):
    parsed = parse_text(f"\r\n{text}\r\n")
    assert people(parsed) == [found]
    assert parsed.rows[0].line == 2


def test_pasted_lines_that_are_bad():
    parsed = parse_text(
        "081234567890\nBudi\n081234567891, 081234567892\n0812 3456 7893 2 Adi\n081234567890\n081234567894\n"
        "081234567895 081234567896\n",
        opted_out={"6281234567894"},
    )
    assert people(parsed) == [("6281234567890", "")]
    assert problems(parsed) == [
        (2, Code.BAD_NUMBER),
        (3, Code.SEVERAL_NUMBERS),
        (4, Code.BAD_NUMBER),
        (5, Code.DUPLICATE),
        (6, Code.OPTED_OUT),
        (7, Code.SEVERAL_NUMBERS),
    ]


def test_rows_of_a_program():
    parsed = parse_rows(
        [
            {"phone": "0812-3456-7890", "name": "Budi", "Kota": "Bandung\nUtara", "total": 5000},
            {"phone": 6281234567891, "name": None},
            {"phone": "0812"},
            {"phone": "+62 81234567890"},
            {"name": "x"},
        ]
    )
    assert parsed.rows == [
        Row(1, "6281234567890", "Budi", "", {"kota": "Bandung\nUtara", "total": "5000"}),
        Row(2, "6281234567891", "", "", {"kota": "", "total": ""}),
    ]
    assert problems(parsed) == [(3, Code.BAD_NUMBER), (4, Code.DUPLICATE), (5, Code.NO_NUMBER)]


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ([], Code.EMPTY),
        ([{}], Code.NO_PHONE_COLUMN),
        ([{"name": "Budi"}], Code.NO_PHONE_COLUMN),
        ([{"phone": "081234567890", "a": "1", "A": "2"}], Code.SAME_COLUMN),
        ([{"phone": "081234567890", "name": "\ud800"}], Code.NOT_TEXT),
        ([{"phone": "081234567890", "\x00": "x"}], Code.NOT_TEXT),
        ([{"phone": "081234567890"}] * 21, Code.TOO_MANY_ROWS),
        ([{"phone": "081234567890", f"key {n}": "x"} for n in range(20_000)], Code.TOO_MANY_COLUMNS),
    ],
)
def test_rows_of_a_program_that_are_refused(given_, code):
    assert problems(parse_rows(given_, limits=Limits(rows=20))) == [(None, code)]


def test_a_table_pasted_from_a_sheet():
    parsed = parse_text("Nama\tNo HP\tKota\nBudi\t081234567890\tBandung\n")
    assert parsed.rows == [Row(2, "6281234567890", "Budi", "", {"kota": "Bandung"})]


def test_pasted_text_needs_names_where_the_message_does():
    assert problems(parse_text("081234567890", required=["name"])) == [(1, Code.MISSING_VARIABLE)]
    assert problems(parse_text("081234567890", required=["kota"])) == [(None, Code.MISSING_COLUMN)]
    assert problems(parse_text(" \n")) == [(None, Code.EMPTY)]
    assert problems(parse_text("0812345\x007890")) == [(None, Code.NOT_TEXT)]
    assert problems(parse_text("081234567890 Bu\ud800di")) == [(None, Code.NOT_TEXT)]
    assert problems(parse_text("081234567890\n" * 3, limits=Limits(rows=2))) == [(None, Code.TOO_MANY_ROWS)]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400).filter(lambda data: not data.startswith(b"PK")))
def test_any_bytes_get_an_answer(data):
    for content in (data, b"phone;name\n" + data):
        parsed = parse(content)
        assert parsed.rows or parsed.problems
        problems(parsed)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text):
    parsed = parse_text(text)
    assert parsed.rows or parsed.problems
    problems(parsed)


def test_every_code_has_its_sentence():
    assert set(WORDS) == set(Code)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_ten_thousand_rows_in_a_second(kind):
    """Of the processor: other tests run beside this one. The child that reads XLSX is not counted here."""
    table = [["phone", "name", "kota"], *([f"+62 812-3{i:07}", f"Nama {i}", "Bandung"] for i in range(10_000))]
    data = xlsx(table) if kind == "xlsx" else "\n".join(";".join(row) for row in table).encode()
    began = time.process_time()
    parsed = parse(data, required=["name", "kota"])
    assert time.process_time() - began < 1
    assert len(parsed.rows) == 10_000
