import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies as st

from outlets.numbers import normalise


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0877-8898-7745", "6287788987745"),
        ("+62 877-8898-7745", "6287788987745"),
        ("6287788987745", "6287788987745"),
        ("87788987745", "6287788987745"),
        ("(0877) 8898 7745", "6287788987745"),
        ("006287788987745", "6287788987745"),
        ("+62 0877 8898 7745", "6287788987745"),
        ("\u202a+62\xa0877‑8898‑7745\u202c", "6287788987745"),
        ("０８７７８８９８７７４５", "6287788987745"),
        (" 0877.8898.7745 ", "6287788987745"),
        ("+65 8123 4567", "6581234567"),
        ("6581234567", "6581234567"),
        ("+1 415 555 2671", "14155552671"),
        ("021-5083-1234", "622150831234"),
    ],
)
def test_it_understands(written, kept):
    assert normalise(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "abc",
        "0812",
        "+62",
        "0812345678901234567",
        "6281234567890.0",
        "6281234567890.50 ",
        "6281234567890.0x",
        "0877 8898 7745 / 0812",
        "++6287788987745",
    ],
)
def test_it_refuses(written):
    with pytest.raises(ValidationError):
        normalise(written)


@given(st.text(max_size=40))
def test_it_gives_digits_or_says_no(written):
    try:
        kept = normalise(written)
    except ValidationError:
        return
    assert kept.isascii()
    assert kept.isdigit()
    assert 7 <= len(kept) <= 15
    assert normalise(kept) == kept
