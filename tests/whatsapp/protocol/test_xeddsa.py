"""Signatures as libsignal makes and takes them."""

import pytest
from hypothesis import given, strategies as st

from whatsapp.protocol import curve, xeddsa

# From libsignal's own test of its signatures; its last byte has the sign bit set.
LIBSIGNAL_PUBLIC = bytes.fromhex("ab7e717d4a163b7d9a1d8071dfe9dcf8cdcd1cea3339b6356be84d887e322c64")
LIBSIGNAL_MESSAGE = bytes.fromhex("05edce9d9c415ca78cb7252e72c2c4a554d3eb29485a0e1d503118d1a82d99fb4a")
LIBSIGNAL_SIGNATURE = bytes.fromhex(
    "5de88ca9a89b4a115da79109c67c9c7464a3e4180274f1cb8c63c2984e286dfb"
    "ede82deb9dcd9fae0bfbb821569b3d9001bd8130cd11d486cef047bd60b86e88"
)


def test_it_verifies_a_signature_of_libsignal():
    assert xeddsa.verify(LIBSIGNAL_PUBLIC, LIBSIGNAL_MESSAGE, LIBSIGNAL_SIGNATURE)


@pytest.mark.parametrize("index", range(64))
def test_it_refuses_a_signature_with_any_byte_changed(index):
    spoiled = bytearray(LIBSIGNAL_SIGNATURE)
    spoiled[index] ^= 1
    assert not xeddsa.verify(LIBSIGNAL_PUBLIC, LIBSIGNAL_MESSAGE, bytes(spoiled))


def test_it_refuses_a_signature_with_the_sign_bit_changed():
    spoiled = LIBSIGNAL_SIGNATURE[:-1] + bytes((LIBSIGNAL_SIGNATURE[-1] ^ 0x80,))
    assert not xeddsa.verify(LIBSIGNAL_PUBLIC, LIBSIGNAL_MESSAGE, spoiled)


@given(private=st.binary(min_size=32, max_size=32), message=st.binary(max_size=100))
def test_it_verifies_what_it_signed_and_nothing_else(private, message):
    public = curve.public_of(private)
    signature = xeddsa.sign(private, message)
    assert xeddsa.verify(public, message, signature)
    assert signature[-1] & 0x80 == 0, "signed with the key forced to sign 0"
    assert not xeddsa.verify(public, message + b"!", signature)
    assert not xeddsa.verify(curve.public_of(curve.new_private()), message, signature)


@given(public=st.binary(max_size=40), message=st.binary(max_size=10), signature=st.binary(max_size=70))
def test_it_says_no_to_anything_else_and_never_raises(public, message, signature):
    assert xeddsa.verify(public, message, signature) is False
