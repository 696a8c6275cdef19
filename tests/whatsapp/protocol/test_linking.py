"""Showing refs, one after the other."""

import math

from tests.whatsapp.peer import pair_device
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.linking import Linking
from whatsapp.protocol.pairing import qr_text

CREDENTIALS = new_credentials()


def linking(*refs: str) -> Linking:
    found = Linking(CREDENTIALS, first_s=60, next_s=20)
    found.take_refs(pair_device(refs).child("pair-device"))
    return found


def test_the_first_is_shown_longer_and_the_last_says_so():
    state = linking("a", "b", "c")
    shown = [state.next_code(now) for now in (0, 60, 80)]
    assert [code.text for code in shown] == [qr_text(ref, CREDENTIALS) for ref in "abc"]
    assert [(code.valid_s, code.is_last) for code in shown] == [(60, False), (20, False), (20, True)]
    assert state.next_at == 100
    assert state.next_code(100) is None
    assert state.next_at == math.inf


def test_six_refs_last_160_seconds():
    state = linking(*"abcdef")
    now = 0.0
    while state.next_code(now):
        now = state.next_at
    assert now == 160


def test_new_refs_take_the_place_of_the_old():
    state = linking("a", "b")
    state.next_code(0)
    state.take_refs(pair_device(["c"]).child("pair-device"))
    code = state.next_code(5)
    assert code.text == qr_text("c", CREDENTIALS)
    assert (code.valid_s, code.is_last) == (60, True)


def test_without_refs_there_is_nothing_to_show():
    assert linking().next_code(0) is None


def test_once_a_phone_answered_no_further_one_is_due():
    state = linking("a", "b")
    state.next_code(0)
    state.stop_showing()
    assert state.next_at == math.inf


def test_the_text_does_not_show_in_a_repr():
    code = linking("secret-ref").next_code(0)
    assert "secret-ref" not in f"{code!r} {code}"
