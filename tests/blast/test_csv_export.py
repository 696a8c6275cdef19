import csv
import io

import pytest
from hypothesis import given, strategies as st

from blast.csv_export import lines, safe
from blast.exporting import export
from blast.models import Recipient
from blast.recipients import Row, parse
from blast.services import blast_create


@pytest.mark.parametrize(
    "cell", ["=1+1", "+62", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\ufeff=1", "＝1", '=cmd|" /C calc"!A0']
)
def test_no_cell_is_a_formula(cell):
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "text"), [("Budi", "Budi"), (-5, "-5"), (None, ""), ("a=b", "a=b"), ("a\x00b", "ab"), ("", "")]
)
def test_other_cells_stay(cell, text):
    assert safe(cell) == text


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=10))
def test_every_cell_comes_back_and_none_calculates(rows):
    text = "".join(lines(["a", "b"], rows))
    assert text.startswith("\ufeff")
    back = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert back[1:] == [[safe(cell) for cell in row] for row in rows]
    for row in back:
        for cell in row:
            assert not cell.lstrip(" \xa0\u200b\ufeff").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_it_is_made_row_by_row():
    asked = []

    def rows():
        for i in range(1000):
            asked.append(i)
            yield [i]

    made = lines(["n"], rows())
    assert [next(made) for _ in range(4)][1:] == ["n\r\n", "0\r\n", "1\r\n"]
    assert len(asked) == 2


def test_an_export_can_be_imported():
    text = "".join(lines(["phone", "name"], [["6281234567890", "Budi; Siti"]]))
    assert [(row.phone, row.name) for row in parse(text.encode()).rows] == [("6281234567890", "Budi; Siti")]


@pytest.fixture
def blast(cast):
    rows = [Row(n, f"62855{n:08d}", f"Orang {n}", variables={"kota": "Solo"}) for n in range(1, 2_150)]
    rows.append(Row(2_150, "6285500002150", "=1+1", variables={"kota": "-1", "meja": "@SUM(A1)"}))
    return blast_create(cast.adi, name="Promo Jumat!", body="Halo", outlets=[cast.jakarta, cast.bandung], rows=rows)


def table(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


@pytest.mark.parametrize("path", ["/blast/{}/export", "/api/blasts/{}/export"])
def test_the_file_of_a_blast_has_every_recipient_and_every_variable(cast, client, blast, path):
    client.force_login(cast.adi)
    answer = client.get(path.format(blast.public_id), headers={"Accept-Language": "id"})
    assert answer.streaming
    assert answer["Content-Disposition"] == f'attachment; filename="{blast.public_id}-promo-jumat.csv"'
    assert answer["Cache-Control"].count("no-store") == 1
    heading, *rows = table(answer)
    assert heading[3:5] == ["kota", "meja"]  # `meja` stands in the last row only
    assert [row[0] for row in rows] == [str(n) for n in range(1, 2_151)]
    assert rows[-1][2:5] == ["'=1+1", "'-1", "'@SUM(A1)"]
    assert {len(row) for row in rows} == {len(heading)}


def test_people_read_their_words_in_it_and_programs_theirs(blast):
    Recipient.objects.filter(line=1).update(status="UNKNOWN", error_code="no_answer")
    people, programs = table(export(blast, for_people=True)), table(export(blast, for_people=False))
    assert people[0] == [
        "Baris", "Nomor", "Nama", "kota", "meja", "Outlet", "Status", "Terkirim", "Diterima", "Dibaca", "Alasan",
    ]  # fmt: skip
    assert people[1][6] == "Tidak pasti"
    assert "Mungkin" in people[1][-1]
    assert programs[0][5:] == ["outlet", "status", "sent", "delivered", "read", "error", "message_id"]
    assert (programs[1][6], programs[1][-2]) == ("UNKNOWN", "no_answer")


def test_the_file_is_made_while_it_is_sent(blast, django_assert_num_queries):
    with django_assert_num_queries(1):  # the columns
        answer = export(blast, for_people=True)
    with django_assert_num_queries(1):
        first = next(iter(answer.streaming_content))
    assert 500 < first.count(b"\r\n") <= 1000


def test_a_blast_without_variables_has_no_columns_for_them(cast):
    rows = [Row(1, "6285500000001", "Ani")]
    blast = blast_create(cast.adi, name="!", body="Halo", outlets=[cast.jakarta], rows=rows)
    answer = export(blast, for_people=False)
    assert answer["Content-Disposition"].endswith(f'"{blast.public_id}.csv"')
    assert len(table(answer)[0]) == 10
