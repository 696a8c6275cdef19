"""Two devices write to each other, whatever the network does."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.whatsapp.protocol.signal.party import Party, pair
from whatsapp.exceptions import (
    BadMacError,
    MalformedMessageError,
    NoSessionError,
    OldCounterError,
    SignalError,
    TooFarAheadError,
    UnknownPreKeyError,
)
from whatsapp.protocol import curve
from whatsapp.protocol.signal import cipher, ratchet
from whatsapp.protocol.signal.ratchet import MAX_OLD_CHAINS
from whatsapp.protocol.signal.records import MAX_ARCHIVED, Record
from whatsapp.protocol.signal.wire import PreKeyMessage, encode_message

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_a_conversation_begins():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    first = ours.encrypt(b"one")
    assert first[0] == "pkmsg"
    taken = theirs.take(first)
    assert taken[1:] == (b"one", 1, True, False)
    second = ours.encrypt(b"two")
    assert second[0] == "pkmsg", "nobody answered yet"
    assert theirs.take(second)[1:] == (b"two", None, False, False)
    answer = theirs.encrypt(b"three")
    assert answer[0] == "msg"
    assert ours.decrypt(answer) == b"three"
    assert ours.encrypt(b"four")[0] == "msg"


def test_it_begins_without_a_one_time_key():
    ours, theirs = Party(), Party(pre_keys=0)
    ours.begin(theirs.bundle(None))
    assert theirs.take(ours.encrypt(b"one"))[1:] == (b"one", None, True, False)
    assert ours.decrypt(theirs.encrypt(b"two")) == b"two"


def test_first_messages_arrive_in_any_order():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    messages = [ours.encrypt(b"%d" % number) for number in range(5)]
    for number in (3, 1, 4, 0, 2):
        assert theirs.decrypt(messages[number]) == b"%d" % number
    with pytest.raises(OldCounterError) as caught:
        theirs.decrypt(messages[0])
    assert not caught.value.wants_retry


def test_it_takes_a_message_once():
    ours, theirs = pair()
    message = ours.encrypt(b"one")
    theirs.decrypt(message)
    with pytest.raises(OldCounterError):
        theirs.decrypt(message)


def test_a_message_for_nobody():
    ours, theirs = pair()
    message = ours.encrypt(b"one")
    for record in (None, Record(bytes(32), None)):
        with pytest.raises(NoSessionError) as caught:
            cipher.decrypt(record, *message, theirs.local)
        assert caught.value.wants_retry
    stranger, _ = pair()
    with pytest.raises(BadMacError):
        stranger.decrypt(message)
    theirs.record = theirs.record.without_current()
    with pytest.raises(NoSessionError):
        theirs.encrypt(b"two")
    assert theirs.decrypt(message) == b"one"
    assert ours.decrypt(theirs.encrypt(b"two")) == b"two", "the session is in use again"


def test_a_used_one_time_key():
    ours, other, theirs = Party(), Party(), Party()
    ours.begin(theirs.bundle())
    other.begin(theirs.bundle())
    theirs.decrypt(ours.encrypt(b"one"))
    message = other.encrypt(b"two")
    assert cipher.wanted_pre_key(None, message[1]) == 1
    with pytest.raises(UnknownPreKeyError) as caught:
        cipher.decrypt(None, *message, theirs.local)
    assert caught.value.key_id == 1
    with pytest.raises(UnknownPreKeyError):
        cipher.decrypt(None, *message, theirs.local, theirs.pre_keys[2])


def test_an_unknown_signed_key():
    ours, theirs = Party(), Party()
    ours.begin(replace(theirs.bundle(), signed_pre_key_id=9))
    with pytest.raises(UnknownPreKeyError) as caught:
        theirs.decrypt(ours.encrypt(b"one"))
    assert (caught.value.key_id, caught.value.is_signed) == (9, True)


def test_it_makes_up_for_2000_missing_messages_and_no_more():
    ours, theirs = pair()
    early = ours.encrypt(b"early")
    for _ in range(1999):
        ours.encrypt(b"lost")
    theirs.decrypt(ours.encrypt(b"late"))
    assert theirs.decrypt(early) == b"early"
    for _ in range(2001):
        ours.encrypt(b"lost")
    with pytest.raises(TooFarAheadError):
        theirs.decrypt(ours.encrypt(b"too late"))


def test_it_keeps_2000_keys_and_forgets_the_oldest():
    ours, theirs = pair()
    first = [ours.encrypt(b"%d" % number) for number in range(1500)]
    theirs.decrypt(ours.encrypt(b"late"))
    ours.decrypt(theirs.encrypt(b"turn"))
    second = [ours.encrypt(b"%d" % number) for number in range(1000)]
    theirs.decrypt(ours.encrypt(b"late"))
    assert sum(len(chain.skipped) for chain in theirs.record.current.receiving) == 2000
    with pytest.raises(OldCounterError):
        theirs.decrypt(first[499])
    assert theirs.decrypt(first[500]) == b"500"
    assert theirs.decrypt(first[1499]) == b"1499"
    assert theirs.decrypt(second[0]) == b"0"


def test_it_keeps_2000_keys_of_one_turn_too():
    ours, theirs = pair()
    late = []
    for count in (1500, 1000):
        late += [ours.encrypt(b"%d" % number) for number in range(count)]
        theirs.decrypt(ours.encrypt(b"in time"))
    assert len(theirs.record.current.receiving[-1].skipped) == 2000
    with pytest.raises(OldCounterError):
        theirs.decrypt(late[499])
    assert theirs.decrypt(late[500]) == b"500"


def test_a_repeated_message_of_an_earlier_session_is_a_repeated_one():
    ours, theirs = pair()
    message = ours.encrypt(b"one")
    theirs.decrypt(message)
    for key_id in (2, 3):
        theirs.begin(ours.bundle(key_id))
    with pytest.raises(OldCounterError):
        theirs.decrypt(message)


def test_a_made_up_message_costs_little_however_many_sessions_there_are(monkeypatch):
    ours, theirs = Party(), Party(pre_keys=MAX_ARCHIVED + 1)
    late = []
    for key_id in range(1, MAX_ARCHIVED + 2):
        ours.begin(theirs.bundle(key_id))
        theirs.decrypt(ours.encrypt(b"in time"))
        late.append(ours.encrypt(b"%d" % key_id))
    tried = []
    find = ratchet.find
    monkeypatch.setattr(ratchet, "find", lambda *message: tried.append(message) or find(*message))
    for counter, tries in ((0, MAX_ARCHIVED + 1), (99, 40), (2000, 1)):
        made_up = encode_message(
            ratchet_key=curve.public_of(curve.new_private()),
            counter=counter,
            previous_counter=0,
            ciphertext=bytes(16),
            mac_key=bytes(32),
            sender=ours.local.identity.public,
            receiver=theirs.local.identity.public,
        )
        tried.clear()
        with pytest.raises(BadMacError):
            theirs.decrypt(("msg", made_up))
        assert len(tried) == tries
    inner = PreKeyMessage.decode(late[0][1]).message
    assert theirs.decrypt(("msg", inner)) == b"1", "that of the oldest session is found"


def test_a_first_message_in_the_name_of_another():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    theirs.decrypt(ours.encrypt(b"one"))
    message = PreKeyMessage.decode(ours.encrypt(b"two")[1])
    for pre_key_id in (message.pre_key_id, 2, None):
        forged = replace(message, identity=Party().local.identity.public, pre_key_id=pre_key_id)
        with pytest.raises((UnknownPreKeyError, BadMacError)):
            theirs.decrypt(("pkmsg", forged.encode()))
    assert set(theirs.pre_keys) == {2, 3}
    assert theirs.decrypt(("pkmsg", message.encode())) == b"two"


def test_late_messages_of_five_earlier_turns():
    ours, theirs = pair()
    late = []
    for number in range(7):
        late.append(ours.encrypt(b"%d" % number))
        theirs.decrypt(ours.encrypt(b"in time"))
        ours.decrypt(theirs.encrypt(b"turn"))
    with pytest.raises(BadMacError):
        theirs.decrypt(late[0])
    assert [theirs.decrypt(message) for message in late[1:]] == [b"%d" % number for number in range(1, 7)]


def test_both_begin_at_once():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle(1))
    theirs.begin(ours.bundle(2))
    mine, yours = ours.encrypt(b"mine"), theirs.encrypt(b"yours")
    assert theirs.decrypt(mine) == b"mine"
    assert ours.decrypt(yours) == b"yours"
    for number in range(3):
        assert theirs.decrypt(ours.encrypt(b"%d" % number)) == b"%d" % number
        assert ours.decrypt(theirs.encrypt(b"%d" % number)) == b"%d" % number
    assert len(ours.record.archived) == len(theirs.record.archived) == 1
    assert ours.encrypt(b"")[0] == theirs.encrypt(b"")[0] == "msg"
    theirs.record = replace(theirs.record, archived=())
    assert theirs.decrypt(ours.encrypt(b"the same")) == b"the same", "they agreed on one of the two"


def test_a_new_session_replaces_one_that_the_peer_lost():
    ours, theirs = pair()
    under_way = theirs.encrypt(b"under way")
    theirs.record = None
    ours.begin(theirs.bundle(2))
    assert ours.decrypt(under_way) == b"under way"
    kind, data = ours.encrypt(b"again")
    assert kind == "pkmsg", "the late message does not bring the lost session back"
    assert theirs.decrypt((kind, data)) == b"again"
    assert ours.decrypt(theirs.encrypt(b"good")) == b"good"


def test_a_first_message_comes_again_after_its_session_is_out_of_use():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle(1))
    first, late = ours.encrypt(b"first"), ours.encrypt(b"late")
    theirs.decrypt(first)
    ours.begin(theirs.bundle(2))
    theirs.decrypt(ours.encrypt(b"other session"))
    with pytest.raises(OldCounterError):
        theirs.decrypt(first)
    assert theirs.take(late)[1:] == (b"late", None, False, False)


def test_it_keeps_40_earlier_sessions():
    ours, theirs = Party(), Party(pre_keys=MAX_ARCHIVED + 2)
    late = []
    for key_id in range(1, MAX_ARCHIVED + 3):
        ours.begin(theirs.bundle(key_id))
        late.append(ours.encrypt(b"%d" % key_id))
        theirs.decrypt(ours.encrypt(b"in time"))
    assert len(theirs.record.archived) == len(ours.record.archived) == MAX_ARCHIVED
    with pytest.raises(UnknownPreKeyError):
        theirs.decrypt(late[0])
    assert theirs.decrypt(late[1]) == b"2"


def test_a_peer_with_a_new_identity():
    ours, theirs = pair()
    old = theirs.encrypt(b"by the old one")
    theirs.reinstall()
    theirs.begin(ours.bundle(3))
    taken = ours.take(theirs.encrypt(b"by the new one"))
    assert taken[1:] == (b"by the new one", 3, True, True)
    assert ours.record.identity == theirs.local.identity.public
    assert ours.record.archived == ()
    assert theirs.decrypt(ours.encrypt(b"to the new one")) == b"to the new one"
    with pytest.raises(BadMacError):
        ours.decrypt(old)


def test_another_kind():
    ours, theirs = pair()
    with pytest.raises(MalformedMessageError):
        theirs.decrypt(("skmsg", ours.encrypt(b"one")[1]))
    with pytest.raises(MalformedMessageError):
        theirs.decrypt(("pkmsg", ours.encrypt(b"one")[1]))


def test_keys_that_are_none():
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    message = PreKeyMessage.decode(ours.encrypt(b"one")[1])
    with pytest.raises(MalformedMessageError):
        theirs.decrypt(("pkmsg", replace(message, base_key=bytes(32)).encode()))


@many
@given(st.data())
def test_a_changed_message_is_refused_and_changes_nothing(data):
    ours, theirs = Party(), Party()
    ours.begin(theirs.bundle())
    if data.draw(st.booleans(), "answered"):
        theirs.decrypt(ours.encrypt(b"one"))
        ours.decrypt(theirs.encrypt(b"two"))
    kind, right = ours.encrypt(b"three")
    place = data.draw(st.integers(0, len(right) - 1))
    change = data.draw(st.integers(1, 255))
    how = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    wrong = {
        "flip": right[:place] + bytes((right[place] ^ change,)) + right[place + 1 :],
        "cut": right[:place],
        "insert": right[:place] + bytes((change,)) + right[place:],
    }[how]
    before, keys = theirs.record, dict(theirs.pre_keys)
    try:
        plaintext = theirs.decrypt((kind, wrong))
    except SignalError:
        assert theirs.record == before
        assert theirs.pre_keys == keys
        assert theirs.decrypt((kind, right)) == b"three"
    else:
        # Only what no MAC covers can be changed, the registration id of a first message for one.
        assert kind == "pkmsg"
        assert plaintext == b"three"


@many
@given(st.sampled_from(["msg", "pkmsg"]), st.binary(max_size=200))
def test_garbage(kind, data):
    _, theirs = TALKING
    for version in (b"", b"\x33"):
        with pytest.raises(SignalError):
            theirs.decrypt((kind, version + data))


TALKING = pair()


@many
@given(seed=st.integers(0, 1 << 32), steps=st.lists(st.sampled_from("ABABabababxydDrR"), max_size=80))
def test_any_order_with_loss_repetition_and_new_sessions(seed, steps):
    """A, B write; a, b read something at random; x, y lose something; d, D: it comes again; r, R: one begins anew."""
    chance = random.Random(seed)
    alice, bob = Party(pre_keys=70), Party(pre_keys=70)
    unused = iter(range(2, 71))
    alice.begin(bob.bundle(1))
    to_alice: list = []
    to_bob: list = []
    read: list = []
    written = 0
    for step in steps:
        if step in "AB":
            writer, way = (alice, to_bob) if step == "A" else (bob, to_alice)
            if writer.record is None:
                writer.begin(alice.bundle(1))
            way.append((writer.encrypt(b"%d" % written), b"%d" % written))
            written += 1
        elif step in "abxy":
            way = to_alice if step in "ax" else to_bob
            if not way:
                continue
            message, plaintext = way.pop(chance.randrange(len(way)))
            if step in "ab":
                reader = alice if step == "a" else bob
                if takes(reader, message, plaintext):
                    read.append((reader, message))
        elif step in "dD" and read:
            reader, message = chance.choice(read[-5:])
            with pytest.raises((OldCounterError, BadMacError)) as caught:
                reader.decrypt(message)
            assert caught.type is OldCounterError or forgot_a_turn(reader)
        elif step in "rR" and bob.record is not None and len(alice.record.archived) + len(bob.record.archived) < 30:
            beginner, other = (alice, bob) if step == "r" else (bob, alice)
            beginner.begin(other.bundle(next(unused)))
    for reader, way in ((alice, to_alice), (bob, to_bob)):
        for message, plaintext in way:
            takes(reader, message, plaintext)


def takes(reader: Party, message, plaintext: bytes) -> bool:
    """Everything is readable, except what is older than the turns that are kept."""
    try:
        assert reader.decrypt(message) == plaintext
    except BadMacError:
        assert forgot_a_turn(reader)
        return False
    return True


def forgot_a_turn(party: Party) -> bool:
    return any(len(session.receiving) == 1 + MAX_OLD_CHAINS for _, session in party.record.sessions())
