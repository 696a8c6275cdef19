"""What messages say; that others understand it is in `signal.test_independent`."""

import pytest
from hypothesis import given, settings, strategies as st

from whatsapp.exceptions import MalformedMessageError
from whatsapp.protocol import media, messages
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.messages import Document, Image, Received, Text
from whatsapp.protocol.protobufs.e2e_pb2 import Message, ProtocolMessage

CHAT = Jid("6287788987745", device=4)
UPLOADED = media.encrypt(b"file", MediaKind.IMAGE).uploaded(url="https://m/x", direct_path="/x", at=5)
texts = st.text(min_size=1, max_size=50)


@given(texts)
def test_a_text_is_read_as_it_was_written(text):
    payload = messages.encode(Text(text))
    assert messages.read(payload) == Received(text)
    assert messages.read(messages.own_copy(payload, CHAT)) == Received(text, "6287788987745@s.whatsapp.net")


@given(texts)
def test_captions_are_texts(text):
    for content in (Image(UPLOADED, text), Document(UPLOADED, text)):
        assert messages.read(messages.encode(content)) == Received(text)
    for content in (Image(UPLOADED), Document(UPLOADED)):
        assert messages.read(messages.encode(content)) == Received(None)


def test_half_a_character_is_no_text():
    with pytest.raises(ValueError, match="surrogate"):
        messages.encode(Text("\ud83d"))


def test_a_document_has_a_wrapper_only_with_a_caption():
    assert b"a.pdf" in messages.encode(Document(UPLOADED, file_name="a.pdf"))
    plain, wrapped = Message(), Message()
    plain.ParseFromString(messages.encode(Document(UPLOADED)))
    wrapped.ParseFromString(messages.encode(Document(UPLOADED, "Promo")))
    assert plain.HasField("document_message")
    assert wrapped.HasField("document_with_caption_message")
    assert not wrapped.HasField("document_message")


@pytest.mark.parametrize(
    ("content", "stanza", "kind"),
    [
        (Text("x"), "text", None),
        (Image(UPLOADED, "x"), "media", "image"),
        (Document(UPLOADED, "x"), "media", "document"),
        (Document(UPLOADED), "media", "document"),
    ],
)
def test_types(content, stanza, kind):
    assert messages.stanza_type(content) == stanza
    assert messages.media_type(content) == messages.media_type_of(messages.encode(content)) == kind


def test_no_payload_has_no_media_type():
    assert messages.media_type_of(b"\xff") is None


def test_the_secret_of_a_message_stands_outside_too():
    message = Message(conversation="x")
    message.message_context_info.message_secret = b"secret"
    copy = Message()
    copy.ParseFromString(messages.own_copy(message.SerializeToString(), CHAT))
    assert copy.message_context_info.message_secret == b"secret"
    assert copy.device_sent_message.message == message


def test_fields_that_we_do_not_know_are_copied():
    unknown = b"\xf2\x3e\x03abc"
    assert unknown in messages.own_copy(messages.encode(Text("x")) + unknown, CHAT)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_reading_never_raises(data):
    messages.read(data)
    messages.read(b"\xfa\x01" + bytes((len(data),)) + data)  # in a deviceSentMessage
    messages.read(b"\x0a" + bytes((len(data),)) + data)  # as a conversation


def test_a_text_that_is_no_text_is_read_as_far_as_it_goes():
    assert messages.read(b"\x0a\x05STOP\xff").text == "STOP\ufffd"


def test_wrappers_have_a_bottom():
    message = Message(conversation="deep")
    for _ in range(20):
        outer = Message()
        outer.ephemeral_message.message.CopyFrom(message)
        message = outer
    assert messages.read(message.SerializeToString()) == Received(None)


def test_an_edit_brings_the_new_text():
    message = Message()
    message.protocol_message.type = ProtocolMessage.MESSAGE_EDIT
    message.protocol_message.edited_message.conversation = "STOP"
    assert messages.read(message.SerializeToString()) == Received("STOP", is_edit=True)


def test_what_programs_tell_each_other_is_no_text():
    message = Message()
    message.protocol_message.type = ProtocolMessage.HISTORY_SYNC_NOTIFICATION
    assert messages.read(message.SerializeToString()) == Received(is_protocol=True)


@given(st.binary(max_size=50))
def test_padding(payload):
    padded = messages.pad(payload)
    assert 1 <= len(padded) - len(payload) <= 16
    assert messages.unpad(padded) == payload


@pytest.mark.parametrize("data", [b"", b"\x00", b"ab\x04", b"abc\x01\x02", b"\xff"])
def test_no_padding(data):
    with pytest.raises(MalformedMessageError):
        messages.unpad(data)


def test_ids():
    made = {messages.new_message_id() for _ in range(100)}
    assert len(made) == 100
    for name in made:
        assert name.startswith("3EB0")
        assert len(name) == 22
        assert int(name, 16)
        assert name == name.upper()


def test_participants_hash():
    devices = [Jid("6281", device=7), Jid("6281"), Jid("77", "lid", device=2)]
    told = messages.participants_hash(devices)
    assert told == messages.participants_hash(reversed(devices))
    assert told != messages.participants_hash(devices[:2])
    # sha256 of "6281.0:0@s.whatsapp.net6281.0:7@s.whatsapp.net77.0:2@lid"
    assert told == "2:LgR99F1g"
