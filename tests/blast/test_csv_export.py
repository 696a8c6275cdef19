import csv
import io

import pytest
from hypothesis import given, strategies as st

from blast.csv_export import lines, safe
from blast.recipients import parse


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
