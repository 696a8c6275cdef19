from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from blast.assignment import assign
from blast.problems import Code
from blast.recipients import Row
from blast.states import Assignment

MENTENG = SimpleNamespace(pk=3, name="Toko Menteng", whatsapp_number="6281230000003")
KEMANG = SimpleNamespace(pk=7, name="Kemang", whatsapp_number="6281230000007")
SEVEN = SimpleNamespace(pk=9, name="7", whatsapp_number="6281230000009")


def people(*outlets: str) -> list[Row]:
    return [Row(i, f"62812{i:07}", outlet=outlet) for i, outlet in enumerate(outlets, 2)]


@given(st.integers(0, 200), st.integers(1, 7))
def test_evenly(count, outlets):
    chosen = [SimpleNamespace(pk=pk, name=str(pk), whatsapp_number=str(pk)) for pk in range(outlets)]
    given_ = assign(people(*[""] * count), chosen, Assignment.EVEN)
    loads = [given_.counts.get(outlet.pk, 0) for outlet in chosen]
    assert sum(loads) == count
    assert max(loads) - min(loads) <= 1
    assert assign(people(*[""] * count), chosen[::-1], Assignment.EVEN) == given_


@pytest.mark.parametrize(
    "written", ["Toko Menteng", " toko  MENTENG ", "6281230000003", "0812-3000-0003", "outlet_3", "3", "OUTLET_3"]
)
def test_by_column(written):
    assert assign(people(written), [MENTENG, KEMANG], "COLUMN").outlets == [3]


def test_a_name_goes_before_an_id():
    assert assign(people("7", "outlet_7"), [KEMANG, SEVEN], Assignment.COLUMN).outlets == [9, 7]


def test_what_the_column_does_not_tell():
    twin = SimpleNamespace(pk=4, name="toko menteng", whatsapp_number="6281230000004")
    found = assign(people("", "Bandung", "Toko Menteng", "Kemang", "outlet_99"), [MENTENG, KEMANG, twin], "COLUMN")
    assert found.outlets == [None, None, None, 7, None]
    assert [(p.line, p.code) for p in found.problems] == [
        (2, Code.NO_OUTLET),
        (3, Code.UNKNOWN_OUTLET),
        (4, Code.AMBIGUOUS_OUTLET),
        (6, Code.UNKNOWN_OUTLET),
    ]
    assert "Bandung" in found.problems[1].message


def test_the_last_writer_goes_on_and_the_rest_fills_up():
    rows = people(*[""] * 6)
    last = {rows[0].phone: 7, rows[3].phone: 7, rows[5].phone: 1234}
    found = assign(rows, [MENTENG, KEMANG], Assignment.LAST_WRITER, last)
    assert found.outlets[0] == found.outlets[3] == 7
    assert Counter(found.outlets) == {3: 3, 7: 3}
    assert not found.problems


def test_no_outlet_at_all():
    found = assign(people("", ""), [], Assignment.EVEN)
    assert found.outlets == [None, None]
    assert [(p.line, p.code) for p in found.problems] == [(None, Code.NOBODY_SENDS)]
