import pytest
from hypothesis import given, strategies as st

from blast.optout import is_opt_out


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "STOP!!!",
        "*stop*",
        "_Berhenti_",
        "berhenti ya"[:8],
        "“unsub”",
        "stop 🙏",
        "ＳＴＯＰ",
        "s\u200btop",
    ],
)
def test_it_is(text):
    assert is_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "jangan stop",
        "stop by tomorrow?",
        "non-stop",
        "",
        " ",
        None,
        "...",
        "stopp",
        "s t o p",
        "STOP 1",
        "besok berhenti",
    ],
)
def test_it_is_not(text):
    assert not is_opt_out(text)


def test_words_are_a_setting():
    assert is_opt_out("Jangan kirim lagi!", ["jangan  KIRIM lagi"])
    assert not is_opt_out("stop", ["berhenti"])
    assert not is_opt_out("", ["", "!"])
    assert not is_opt_out("...", ["!"])


@given(st.text())
def test_anything_may_be_said(text):
    assert is_opt_out(text) in (True, False)
    assert not is_opt_out(f"x {text} x")
