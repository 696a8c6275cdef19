"""Pairing by code, with the phone's side played by the same primitives."""

import pytest

from whatsapp.exceptions import PairingError
from whatsapp.protocol import curve
from whatsapp.protocol.code_pairing import (
    ALPHABET,
    Bundle,
    CodePairing,
    derive_adv_secret,
    new_code,
    open_bundle,
    seal_bundle,
    unwrap_key,
    wrap_key,
)
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node

PHONE_IDENTITY = bytes(range(7, 39))
CREDENTIALS = new_credentials()
REF = b"ref-1"


def part(node: Node, tag: str) -> bytes:
    return node.child("link_code_companion_reg", tag).data


def ref_answer() -> Node:
    return Node("iq", {}, [Node("link_code_companion_reg", {}, [Node("link_code_pairing_ref", {}, REF)])])


class PhoneSide:
    def __init__(self, code: str) -> None:
        self.code = code
        self.ephemeral = curve.new_private()

    def primary_hello(self, ref: bytes = REF, **spoiled: bytes) -> Node:
        parts = {
            "link_code_pairing_wrapped_primary_ephemeral_pub": wrap_key(self.code, curve.public_of(self.ephemeral)),
            "primary_identity_pub": curve.public_of(PHONE_IDENTITY),
            "link_code_pairing_ref": ref,
            **spoiled,
        }
        stage = Node("link_code_companion_reg", {"stage": "primary_hello"}, [Node(*item) for item in _nodes(parts)])
        return Node("notification", {"type": "link_code_companion_reg", "id": "1"}, [stage])

    def adv_secret(self, hello: Node, closing: Node) -> bytes:
        theirs = unwrap_key(self.code, part(hello, "link_code_pairing_wrapped_companion_ephemeral_pub"))
        shared = curve.agree(self.ephemeral, theirs)
        bundle = open_bundle(shared, part(closing, "link_code_pairing_wrapped_key_bundle"))
        assert bundle.primary_identity == curve.public_of(PHONE_IDENTITY)
        assert bundle.companion_identity == part(closing, "companion_identity_public")
        return derive_adv_secret(shared, curve.agree(PHONE_IDENTITY, bundle.companion_identity), bundle.random)


def _nodes(parts: dict[str, bytes]):
    return [(tag, {}, data) for tag, data in parts.items()]


def test_both_sides_arrive_at_the_same_secret():
    device = CodePairing("6281234567890")
    hello = device.hello_node(b"n" * 32)
    device.read_ref(ref_answer())
    phone = PhoneSide(device.code)
    closing, secret = device.finish(phone.primary_hello(), CREDENTIALS.identity_private)
    assert phone.adv_secret(hello, closing) == secret
    assert secret != CREDENTIALS.adv_secret


def test_the_hello_says_what_the_server_wants():
    hello = CodePairing("6281234567890").hello_node(b"n" * 32)
    stage = hello.child("link_code_companion_reg")
    assert (hello.attr("type"), hello.attr("xmlns")) == ("set", "md")
    assert stage.attr("jid") == "6281234567890@s.whatsapp.net"
    assert stage.attr("stage") == "companion_hello"
    assert stage.attr("should_show_push_notification") == "true"
    assert part(hello, "companion_server_auth_key_pub") == b"n" * 32
    assert part(hello, "companion_platform_display") == b"Chrome (Linux)"
    assert len(part(hello, "link_code_pairing_wrapped_companion_ephemeral_pub")) == 80


def test_a_wrong_code_shows_when_the_phone_opens_the_bundle():
    device = CodePairing("6281234567890")
    hello = device.hello_node(b"n" * 32)
    device.read_ref(ref_answer())
    phone = PhoneSide("11111111")
    closing, _ = device.finish(phone.primary_hello(), CREDENTIALS.identity_private)
    with pytest.raises(PairingError, match="does not open"):
        phone.adv_secret(hello, closing)


def test_a_code_is_eight_characters_that_nobody_confuses():
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 8 and set(code) <= set(ALPHABET) for code in codes)
    assert not set("0OIU") & set(ALPHABET)


@pytest.mark.parametrize(
    "number", ["", "081234567", "+6281234567", "62812 34567", "12345", "6" * 16, "６２８１２３４５６７"]
)
def test_it_takes_only_numbers_in_digits_with_a_country_code(number):
    with pytest.raises(ValueError, match="digits"):
        CodePairing(number)


def test_an_answer_without_a_ref_is_an_error():
    with pytest.raises(PairingError, match="ref"):
        CodePairing("6281234567890").read_ref(Node("iq", {"type": "result"}))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"link_code_pairing_ref": b"other"},
        {"link_code_pairing_wrapped_primary_ephemeral_pub": b"short"},
        {"primary_identity_pub": b"short"},
        {"primary_identity_pub": bytes(32)},
    ],
)
def test_a_spoiled_answer_of_the_phone_is_an_error(spoiled):
    device = CodePairing("6281234567890")
    device.read_ref(ref_answer())
    with pytest.raises(PairingError):
        device.finish(PhoneSide(device.code).primary_hello(**spoiled), CREDENTIALS.identity_private)


def test_a_phone_that_answers_before_the_ref_is_known_is_an_error():
    device = CodePairing("6281234567890")
    with pytest.raises(PairingError, match="another attempt"):
        device.finish(PhoneSide(device.code).primary_hello(ref=b""), CREDENTIALS.identity_private)


def test_a_bundle_of_a_wrong_length_is_an_error():
    sealed = seal_bundle(bytes(32), Bundle(b"x", b"y", b"z"))
    with pytest.raises(PairingError, match="length"):
        open_bundle(bytes(32), sealed)
    with pytest.raises(PairingError, match="does not open"):
        open_bundle(bytes(32), b"")
