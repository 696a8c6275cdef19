"""The server's certificate: each of the seven checks fails on its own."""

import pytest
from hypothesis import given, strategies as st

from tests.whatsapp.peer import ROOT_KEY, WALL_TIME, certificate_chain
from whatsapp.exceptions import CertificateError, HandshakeError
from whatsapp.protocol import curve
from whatsapp.protocol.certificate import WHATSAPP_ROOT_KEY, verify_chain
from whatsapp.protocol.protobufs.handshake_pb2 import CertChain

STATIC = curve.public_of(bytes(range(5, 37)))
OTHER_PRIVATE = bytes(range(9, 41))
PAST, FUTURE = int(WALL_TIME) - 1, int(WALL_TIME) + 1


def check(chain: bytes, root_key: bytes = ROOT_KEY) -> None:
    verify_chain(chain, server_static=STATIC, root_key=root_key, now=WALL_TIME)


def test_a_good_chain_passes():
    check(certificate_chain(STATIC))


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        ("2", {"root_private": OTHER_PRIVATE}),
        ("3", {"intermediate_issuer_serial": 7}),
        ("3", {"intermediate_key": b"x" * 31}),
        ("3", {"intermediate_key": b""}),
        ("4", {"intermediate_private": OTHER_PRIVATE}),
        ("5", {"leaf_issuer_serial": 9}),
        ("6", {"leaf_key": curve.public_of(OTHER_PRIVATE)}),
        ("6", {"leaf_key": b""}),
        ("7: leaf", {"leaf_not_after": PAST}),
        ("7: leaf", {"leaf_not_before": FUTURE}),
        ("7: intermediate", {"intermediate_not_after": PAST}),
        ("7: intermediate", {"intermediate_not_before": FUTURE}),
    ],
)
def test_each_check_fails_on_its_own(number, changes):
    with pytest.raises(CertificateError, match=f"^{number}"):
        check(certificate_chain(STATIC, **changes))


@pytest.mark.parametrize("link", ["leaf", "intermediate"])
@pytest.mark.parametrize(("field", "value"), [("details", b""), ("signature", b""), ("signature", b"x" * 63)])
def test_both_links_must_be_whole(link, field, value):
    chain = CertChain.FromString(certificate_chain(STATIC))
    setattr(getattr(chain, link), field, value)
    with pytest.raises(CertificateError, match=r"^1"):
        check(chain.SerializeToString())


def test_the_real_root_did_not_sign_it():
    with pytest.raises(CertificateError, match=r"^2"):
        check(certificate_chain(STATIC), WHATSAPP_ROOT_KEY)


def test_the_root_key_is_the_one_of_whatsapp():
    assert WHATSAPP_ROOT_KEY.hex() == "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"


def test_a_certificate_error_is_a_handshake_error():
    assert issubclass(CertificateError, HandshakeError)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_chain(data):
    with pytest.raises(CertificateError):
        check(data)
