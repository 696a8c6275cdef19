"""How the state of an address is written down."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from tests.whatsapp.protocol.signal.party import Party, pair
from whatsapp.exceptions import RecordError
from whatsapp.protocol.signal.records import MAX_ARCHIVED, Pending, ReceivingChain, Record, Session

keys = st.binary(min_size=32, max_size=32)
counters = st.integers(0, 0xFFFFFFFF)
chains = st.builds(ReceivingChain, keys, keys, counters, st.dictionaries(counters, keys, max_size=5))
sessions = st.builds(
    Session,
    identity=keys,
    base_key=keys | st.just(b""),
    registration_id=st.integers(0, 0xFFFFFFFF),
    root_key=keys,
    ratchet_private=keys,
    ratchet_public=keys,
    sending_key=keys,
    next_counter=counters,
    previous_counter=counters,
    receiving=st.lists(chains, max_size=3).map(tuple),
    pending=st.none() | st.builds(Pending, keys, counters, st.none() | st.integers(1, 0xFFFFFF)),
)
records = st.builds(Record, keys, st.none() | sessions, st.lists(sessions.map(Session.encode), max_size=2).map(tuple))


@settings(deadline=None)
@given(records)
def test_what_is_written_can_be_read(record):
    assert Record.decode(record.encode()) == record
    assert Record.decode(record.encode()).encode() == record.encode()


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_anything_else_is_refused(data):
    for version in (b"", b"\x01", b"\x02"):
        with pytest.raises(RecordError):
            Record.decode(version + data)


@settings(deadline=None)
@given(sessions, st.data())
def test_a_spoiled_record_is_refused_or_is_a_record(session, data):
    written = Record(session.identity, session).encode()
    place = data.draw(st.integers(0, len(written) - 1))
    try:
        Record.decode(written[:place] + b"\xff" + written[place + 1 :])
    except RecordError:
        pass


def test_an_idle_session_is_small():
    ours, theirs = pair()
    assert len(ours.record.encode()) < 400
    assert len(theirs.record.encode()) < 400


def test_secrets_are_not_shown():
    ours, _ = pair()
    current = ours.record.current
    for secret in (current.root_key, current.ratchet_private, current.sending_key, current.receiving[0].chain_key):
        assert repr(secret) not in repr(ours.record)


def test_an_unreadable_archived_session_is_passed_over():
    ours, theirs = pair()
    message = theirs.encrypt(b"one")
    record = ours.record.without_current()
    ours.record = replace(record, archived=(b"\xff", *record.archived))
    assert ours.decrypt(message) == b"one"


def test_it_keeps_a_bounded_number_of_sessions():
    ours, theirs = Party(), Party()
    for _ in range(MAX_ARCHIVED + 5):
        ours.begin(theirs.bundle())
    assert len(ours.record.archived) == MAX_ARCHIVED
    assert len(ours.record.without_current().archived) == MAX_ARCHIVED
    assert len(list(ours.record.sessions())) == MAX_ARCHIVED + 1
