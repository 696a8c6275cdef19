"""A recipient's status under events in any order."""

import pytest
from hypothesis import given, strategies as st

from blast.states import ACCEPTED, OF_RECEIPT, OPEN, RecipientStatus, advance, before

S = RecipientStatus
statuses = st.sampled_from(S)
receipts = st.sampled_from(sorted(OF_RECEIPT))


@given(statuses, st.lists(statuses, max_size=30))
def test_no_status_comes_back_once_left(start, events):
    seen, current = [start], start
    for event in events:
        following = advance(current, event)
        if following != current:
            assert following not in seen
            seen.append(following)
        current = following


@given(st.sampled_from([S.QUEUED, S.SENDING, S.UNKNOWN, S.SENT]), st.lists(receipts, min_size=1), st.randoms())
def test_receipts_in_any_order_end_the_same(start, words, random):
    shuffled = [*words, *words]
    random.shuffle(shuffled)
    one = other = start
    for word in words:
        one = advance(one, OF_RECEIPT[word])
    for word in shuffled:
        other = advance(other, OF_RECEIPT[word])
    assert one == other
    assert one == max((OF_RECEIPT[word] for word in words), key=[S.SENT, S.DELIVERED, S.READ].index)


@given(statuses, statuses)
def test_the_condition_of_the_update_says_the_same(current, event):
    assert (current in before(event)) == (advance(current, event) != current)


@given(statuses, statuses)
def test_repeating_an_event_changes_nothing(current, event):
    once = advance(current, event)
    assert advance(once, event) == once


@pytest.mark.parametrize(
    ("current", "event", "after"),
    [
        (S.SENDING, S.FAILED, S.FAILED),
        (S.SENT, S.FAILED, S.SENT),
        (S.SENDING, S.CANCELLED, S.SENDING),
        (S.QUEUED, S.CANCELLED, S.CANCELLED),
        (S.CANCELLED, S.SENDING, S.CANCELLED),
        (S.UNKNOWN, S.SENT, S.SENT),
        (S.UNKNOWN, S.DELIVERED, S.DELIVERED),
        (S.UNKNOWN, S.READ, S.READ),
        (S.UNKNOWN, S.QUEUED, S.UNKNOWN),
        (S.DELIVERED, S.SENT, S.DELIVERED),
        (S.READ, S.DELIVERED, S.READ),
        (S.FAILED, S.SENT, S.FAILED),
        (S.FAILED, S.DELIVERED, S.DELIVERED),
    ],
)
def test_the_rules(current, event, after):
    assert advance(current, event) == after


def test_words_as_the_database_gives_them():
    assert advance("SENT", "READ") == "READ"
    with pytest.raises(ValueError, match="nonsense"):
        advance("SENT", "nonsense")


def test_no_outcome_is_open():
    assert not OPEN & ACCEPTED
