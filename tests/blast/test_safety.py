import pytest
from hypothesis import given, strategies as st

from blast.safety import TEMPORARY_BAN_S, WORDS, Code, Safety, after_code, after_outcomes, decide


@pytest.mark.parametrize(("code", "cause"), [(463, Code.RESTRICTED), (402, Code.TEMPORARY_BAN), (403, Code.BANNED)])
def test_what_whatsapp_says_about_the_sender_stops_it(code, cause):
    stop = after_code(code)
    assert stop is not None
    assert stop.code is cause
    assert stop.message
    assert stop.action


@pytest.mark.parametrize("code", [None, 479, 500, 503, 408, 0])
def test_what_it_says_about_one_message_does_not(code):
    assert after_code(code) is None


def test_a_temporary_ban_says_how_long():
    assert after_code(402, 90.0).wait_s == 90
    assert after_code(402, -5.0).wait_s == 0
    assert after_code(402).wait_s == TEMPORARY_BAN_S
    assert after_code(463).wait_s is None


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 10), st.integers(1, 20))
def test_a_burst_of_failures(failed, failures, of):
    stop = after_outcomes(failed, Safety(failures, of))
    assert (stop is not None) == (sum(failed[-of:]) >= failures)


def test_old_failures_do_not_count():
    assert after_outcomes([True] * 4 + [False] * 9 + [True]) is None
    assert after_outcomes([True] * 4 + [False] * 5 + [True]).detail == {"failures": 5, "of": 10}
    assert after_outcomes([True] * 100, Safety(failures=0)) is None


def test_the_code_goes_before_the_burst():
    assert decide(463, [True] * 10).code is Code.RESTRICTED
    assert decide(479, [True] * 10).code is Code.FAILURES
    assert decide(None, []) is None
    assert "5" in decide(None, [True] * 5).message


def test_every_code_has_words():
    assert set(WORDS) == set(Code)
