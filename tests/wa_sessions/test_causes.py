"""Every end has a cause, and every cause has words and a next step."""

import pytest

from wa_sessions.causes import COMES_BACK, WAITS_FOR_PERSON, WORDS, Code, cause_of, is_outage, is_timeout
from whatsapp.ends import End, EndKind
from whatsapp.protocol.ends import CONFLICTS, FAILURES, LOCAL, STREAM_ERRORS, http_end, local_end

ENDS = {
    **{f"failure {code}": End(kind, code, "failure") for code, kind in FAILURES.items()},
    **{f"stream {code}": End(kind, code, "stream_error") for code, kind in STREAM_ERRORS.items()},
    **{f"conflict {name}": End(kind, code, "stream_error") for name, (kind, code) in CONFLICTS.items()},
    **{name: local_end(name) for name in LOCAL},
    **{f"http {status}": http_end(status) for status in (403, 408, 429, 500, 503)},
    **{f"{kind} without a code": End(kind) for kind in EndKind},
}
UNSAID = {"code": "?", "scanned": "?", "expected": "?", "wait": "?"}  # what a reader puts where a detail is missing


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_it_has_words_and_a_next_step_for_every_end(end):
    code, detail = cause_of(end)
    words = WORDS[code]
    message, action = str(words.message) % (UNSAID | detail), str(words.action) % (UNSAID | detail)
    assert message.endswith(".")
    assert action.endswith(".")


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("value", ["?", "", "%s", "%(x)s", "<b>", 515, None, "100%"])
def test_it_formats_with_any_detail(code, value):
    values = dict.fromkeys(UNSAID, value)
    for text in (WORDS[code].message, WORDS[code].action):
        shown = str(text) % values
        assert ("%(" in str(text)) <= (str(value) in shown)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (ENDS["failure 401"], Code.UNLINKED),
        (ENDS["conflict device_removed"], Code.UNLINKED),
        (ENDS["no_credentials"], Code.UNLINKED),
        (ENDS["failure 402"], Code.TEMPORARY_BAN),
        (ENDS["failure 403"], Code.LOCKED),
        (ENDS["failure 405"], Code.OUTDATED),
        (ENDS["failure 406"], Code.BANNED),
        (ENDS["failure 409"], Code.REFUSED),
        (ENDS["conflict replaced"], Code.REPLACED),
        (ENDS["stream 515"], Code.RESTART),
        (ENDS["failure 503"], Code.SERVER_ERROR),
        (ENDS["stream 500"], Code.SERVER_ERROR),
        (ENDS["closed"], Code.LINE_LOST),
        (ENDS["bad_frame"], Code.LINE_LOST),
        (ENDS["keepalive"], Code.TIMED_OUT),
        (ENDS["login_timeout"], Code.TIMED_OUT),
        (ENDS["dns"], Code.NETWORK),
        (ENDS["http 503"], Code.NETWORK),
        (ENDS["connect_timeout"], Code.NETWORK),
        (ENDS["store"], Code.INTERNAL),
        (End(EndKind.TRANSIENT, reason="crash"), Code.INTERNAL),
        (ENDS["not_scanned"], Code.NOT_SCANNED),
        (ENDS["pairing"], Code.PAIRING_FAILED),
    ],
)
def test_it_names_the_cause(end, code):
    assert cause_of(end)[0] is code


@pytest.mark.parametrize(
    ("name", "code"),
    [("connect", Code.LINE_LOST), ("connect_timeout", Code.TIMED_OUT), ("http 503", Code.SERVER_ERROR)],
)
def test_it_blames_no_network_that_works_for_others(name, code):
    assert cause_of(ENDS[name], network_works=True)[0] is code


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_it_comes_back_exactly_from_what_may_pass(end):
    code, _ = cause_of(end)
    if end.kind is not EndKind.CLOSED:
        assert (code in COMES_BACK) == (end.kind in (EndKind.TRANSIENT, EndKind.RESTART))
    assert is_outage(end) == (end.kind is EndKind.TRANSIENT and end.network)
    assert is_timeout(end) == (end.kind is EndKind.TRANSIENT and end.code == 408)


def test_it_never_both_waits_for_a_person_and_comes_back():
    assert not COMES_BACK & WAITS_FOR_PERSON
    assert {Code.REPLACED, Code.REFUSED} == WAITS_FOR_PERSON
