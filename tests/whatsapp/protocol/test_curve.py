"""X25519 on plain bytes, by the vector of RFC 7748, and HKDF by that of RFC 5869."""

import pytest

from whatsapp.exceptions import ProtocolError
from whatsapp.protocol import curve

RFC_7748_SCALAR = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
RFC_7748_POINT = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
RFC_7748_RESULT = bytes.fromhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")


def test_it_agrees_as_in_rfc_7748():
    assert curve.agree(RFC_7748_SCALAR, RFC_7748_POINT) == RFC_7748_RESULT


def test_it_derives_as_in_rfc_5869():
    derived = curve.hkdf(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42)
    assert derived.hex() == ("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")


def test_both_sides_agree():
    ours, theirs = curve.new_private(), curve.new_private()
    assert curve.agree(ours, curve.public_of(theirs)) == curve.agree(theirs, curve.public_of(ours))


@pytest.mark.parametrize("public", [b"", b"short", bytes(32), b"\x01" + bytes(31), bytes(33)])
def test_it_refuses_public_keys_that_are_none(public):
    with pytest.raises(ProtocolError):
        curve.agree(curve.new_private(), public)
