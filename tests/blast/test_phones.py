import itertools

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings, strategies as st

from blast.phones import _PLAIN_MOBILE, _SPACING, BadNumber, read_number
from blast.problems import Code
from outlets.numbers import normalise

digits = st.text("0123456789", max_size=13)
shapes = st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from(["+62", "62", "0", "", "+620", "00", "8", "08", "+628", "628", "+65", "1", "+", "６２"]),
    digits | st.builds("8{}".format, digits) | st.text("0123456789 -.()+", max_size=16),
)


@settings(max_examples=1500, deadline=None)
@given(shapes)
def test_the_fast_way_says_what_the_slow_one_says(written):
    plain = _PLAIN_MOBILE.fullmatch(written.translate(_SPACING))
    if plain:
        assert normalise(written) == f"62{plain[1]}" == read_number(written)


def test_every_range_of_mobile_numbers():
    """The pattern looks at the first three digits and the length: here are all of them, with the ends of each range."""
    for area, length, end in itertools.product(range(800, 900), range(5, 12), "09"):
        national = f"{area}{end * length}"
        for written in (national, f"0{national}", f"62{national}", f"+62{national}"):
            try:
                slow = normalise(written)
            except ValidationError:
                slow = None
            plain = _PLAIN_MOBILE.fullmatch(written)
            if plain:
                assert slow == f"62{plain[1]}", written


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("081234567890", "6281234567890"),
        ("+62 812-3456-7890", "6281234567890"),
        (6281234567890.0, "6281234567890"),
        (6281234567890, "6281234567890"),
        (81234567890.0, "6281234567890"),
        ("6281234567890.0", "6281234567890"),
        ("6281234567890,00", "6281234567890"),
        ("6.28123456789E+12", None),
        ("6.281234567890E+12", "6281234567890"),
        ("6,281234567890e12", "6281234567890"),
        ('="081234567890"', "6281234567890"),
        ("'081234567890", None),
        ("+65 8123 4567", "6581234567"),
        ("0812.3456.7890", "6281234567890"),
        ("021-5083-1234", "622150831234"),
        ("０８１２３４５６７８９０", "6281234567890"),
    ],
)
def test_what_spreadsheets_make_of_numbers(cell, number):
    if number is None:
        with pytest.raises(BadNumber):
            read_number(cell)
    else:
        assert read_number(cell) == number


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("", Code.NO_NUMBER),
        ("  ", Code.NO_NUMBER),
        ("Budi", Code.BAD_NUMBER),
        ("0812", Code.BAD_NUMBER),
        (True, Code.BAD_NUMBER),
        (None, Code.BAD_NUMBER),
        (6281234567890.5, Code.BAD_NUMBER),
        (float("inf"), Code.BAD_NUMBER),
        (float("nan"), Code.BAD_NUMBER),
        ("6281234567890.5", Code.BAD_NUMBER),
        ("6.28E+12", Code.LOST_DIGITS),
        ("6,28E+12", Code.LOST_DIGITS),
        ("6E+12", Code.LOST_DIGITS),
        ("6.28E+999", Code.LOST_DIGITS),
        (6.28e20, Code.LOST_DIGITS),
    ],
)
def test_what_cannot_be_used(cell, code):
    with pytest.raises(BadNumber) as caught:
        read_number(cell)
    assert caught.value.code is code


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_anything_may_stand_there(cell):
    try:
        number = read_number(cell)
    except BadNumber:
        return
    assert number.isascii()
    assert number.isdigit()
