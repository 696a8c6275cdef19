"""Files under their keys; that others read them is in `signal.test_independent`."""

import base64
import hashlib

import pytest
from hypothesis import given, settings, strategies as st

from whatsapp.exceptions import MediaError
from whatsapp.protocol import media
from whatsapp.protocol.media import MediaKind

kinds = st.sampled_from(list(MediaKind))


@settings(deadline=None)
@given(st.binary(max_size=2000), kinds)
def test_it_opens_what_it_closed(data, kind):
    made = media.encrypt(data, kind)
    assert len(made.media_key) == 32
    assert len(made.body) % 16 == 10
    assert (made.file_sha256, made.file_length) == (hashlib.sha256(data).digest(), len(data))
    assert made.file_enc_sha256 == hashlib.sha256(made.body).digest()
    opened = media.decrypt(
        made.body, kind, made.media_key, file_sha256=made.file_sha256, file_enc_sha256=made.file_enc_sha256
    )
    assert opened == data


@settings(deadline=None)
@given(st.binary(max_size=100), kinds, st.data())
def test_it_opens_nothing_else(data, kind, draw):
    made = media.encrypt(data, kind)
    place = draw.draw(st.integers(0, len(made.body) - 1))
    changed = made.body[:place] + bytes((made.body[place] ^ 1,)) + made.body[place + 1 :]
    for body in (changed, made.body[:place]):
        with pytest.raises(MediaError):
            media.decrypt(body, kind, made.media_key)
    with pytest.raises(MediaError):
        media.decrypt(made.body, kind, bytes(32))
    with pytest.raises(MediaError):
        media.decrypt(made.body, kind, made.media_key, file_sha256=bytes(32))
    with pytest.raises(MediaError):
        media.decrypt(made.body, kind, made.media_key, file_enc_sha256=bytes(32))


def test_the_keys_are_those_of_the_kind():
    assert len({media.media_keys(bytes(32), kind) for kind in MediaKind}) == len(MediaKind)
    with pytest.raises(MediaError):
        media.decrypt(media.encrypt(b"", MediaKind.IMAGE, bytes(32)).body, MediaKind.DOCUMENT, bytes(32))


def test_where_it_is_uploaded_to():
    made = media.encrypt(b"file", MediaKind.DOCUMENT)
    assert base64.urlsafe_b64decode(made.token) == made.file_enc_sha256
    assert made.upload_path == f"/mms/document/{made.token}"


def test_what_messages_say_about_it():
    made = media.encrypt(b"file", MediaKind.IMAGE)
    uploaded = made.uploaded(url="https://m/x", direct_path="/x", at=5)
    assert (uploaded.kind, uploaded.url, uploaded.direct_path, uploaded.media_key_timestamp) == (
        MediaKind.IMAGE,
        "https://m/x",
        "/x",
        5,
    )
    assert uploaded.media_key == made.media_key
    assert repr(made.media_key) not in repr(made) + repr(uploaded)
