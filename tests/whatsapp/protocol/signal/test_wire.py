"""Messages as bytes."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings, strategies as st

from whatsapp.exceptions import MalformedMessageError
from whatsapp.protocol.signal.wire import PreKeyMessage, SignalMessage, encode_message

KEY, SENDER, RECEIVER, MAC_KEY = (bytes((number,)) * 32 for number in range(1, 5))
INNER = bytes.fromhex("0a2105") + KEY + bytes.fromhex("10071803220463697068")
MESSAGE = encode_message(
    ratchet_key=KEY,
    counter=7,
    previous_counter=3,
    ciphertext=b"ciph",
    mac_key=MAC_KEY,
    sender=SENDER,
    receiver=RECEIVER,
)


def test_a_message_byte_by_byte():
    text = b"\x05" + SENDER + b"\x05" + RECEIVER + b"\x33" + INNER
    assert b"\x33" + INNER + hmac.digest(MAC_KEY, text, hashlib.sha256)[:8] == MESSAGE
    read = SignalMessage.decode(MESSAGE)
    assert (read.ratchet_key, read.counter, read.ciphertext) == (KEY, 7, b"ciph")


def test_the_mac_names_who_writes_to_whom():
    read = SignalMessage.decode(MESSAGE)
    assert read.verify(MAC_KEY, SENDER, RECEIVER)
    assert not read.verify(MAC_KEY, RECEIVER, SENDER)
    assert not read.verify(SENDER, SENDER, RECEIVER)


@pytest.mark.parametrize("pre_key_id", [None, 17])
def test_a_first_message_byte_by_byte(pre_key_id):
    message = PreKeyMessage(1234, pre_key_id, 5, KEY, SENDER, b"whole")
    expected = (
        b"\x33"
        + (b"" if pre_key_id is None else bytes((0x08, pre_key_id)))
        + b"\x12\x21\x05"
        + KEY
        + b"\x1a\x21\x05"
        + SENDER
        + b"\x22\x05whole"
        + bytes.fromhex("28d2093005")
    )
    assert message.encode() == expected
    assert PreKeyMessage.decode(expected) == message


@pytest.mark.parametrize("version", [0x00, 0x22, 0x43, 0xFF])
def test_other_versions_are_refused(version):
    with pytest.raises(MalformedMessageError):
        SignalMessage.decode(bytes((version,)) + MESSAGE[1:])
    with pytest.raises(MalformedMessageError):
        PreKeyMessage.decode(bytes((version,)) + PreKeyMessage(1, 2, 3, KEY, KEY, b"whole").encode()[1:])


@settings(deadline=None)
@given(st.binary(max_size=150), st.sampled_from([b"", b"\x33", MESSAGE[:44]]))
def test_garbage_is_refused_or_read(data, start):
    for kind in (SignalMessage, PreKeyMessage):
        try:
            kind.decode(start + data)
        except MalformedMessageError:
            pass


@pytest.mark.parametrize("length", range(len(MESSAGE) - 8))
def test_half_a_message_is_refused(length):
    with pytest.raises(MalformedMessageError):
        SignalMessage.decode(MESSAGE[:length])


def test_a_message_without_a_counter_is_refused():
    without = MESSAGE[:36] + MESSAGE[38:]
    with pytest.raises(MalformedMessageError, match="incomplete"):
        SignalMessage.decode(without)
