"""The keys of messages; what two parties do with them is in `test_cipher`."""

import pytest

from tests.whatsapp.protocol.signal.party import pair
from whatsapp.exceptions import MalformedMessageError, OldCounterError, TooFarAheadError
from whatsapp.protocol import curve
from whatsapp.protocol.signal import ratchet


def test_both_sides_find_the_same_keys():
    ours, theirs = pair()
    sending, receiving = ours.record.current, theirs.record.current
    sent = []
    key = sending.ratchet_public
    for _ in range(4):
        sending, keys = ratchet.send(sending)
        sent.append(keys)
    for counter in (2, 0, 3, 1):
        found = ratchet.find(receiving, key, counter)
        assert found.keys == sent[counter]
        assert ratchet.find(receiving, key, counter) == found or counter == 2, "finding changes nothing"
        receiving = ratchet.accept(receiving, found)
        with pytest.raises(OldCounterError):
            ratchet.find(receiving, key, counter)
    assert receiving.receiving[-1].skipped == {}


def test_it_looks_2000_messages_ahead():
    _, theirs = pair()
    key = curve.public_of(curve.new_private())
    found = ratchet.find(theirs.record.current, key, ratchet.MAX_AHEAD)
    assert len(found.chain.skipped) == ratchet.MAX_SKIPPED
    for counter in (ratchet.MAX_AHEAD + 1, 0xFFFFFFFF):
        with pytest.raises(TooFarAheadError):
            ratchet.find(theirs.record.current, key, counter)


def test_it_refuses_a_ratchet_key_of_small_order():
    _, theirs = pair()
    with pytest.raises(MalformedMessageError):
        ratchet.find(theirs.record.current, bytes(32), 0)


def test_the_previous_counter_is_the_index_of_the_last_message():
    ours, theirs = pair()
    for _ in range(3):
        theirs.decrypt(ours.encrypt(b""))
    assert ours.record.current.next_counter == 3
    ours.decrypt(theirs.encrypt(b""))
    assert ours.record.current.previous_counter == 2
    theirs.decrypt(ours.encrypt(b""))
    ours.decrypt(theirs.encrypt(b""))
    assert ours.record.current.previous_counter == 0
