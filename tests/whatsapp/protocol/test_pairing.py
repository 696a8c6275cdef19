"""Pairing by QR: the text, and each way in which a pair-success can be wrong."""

import base64

import pytest
from hypothesis import given, strategies as st

from tests.whatsapp.peer import JID, LID, Phone
from whatsapp.exceptions import PairingError
from whatsapp.protocol import adv, curve
from whatsapp.protocol.jid import SERVER_JID, Jid
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.pairing import pairing_error, qr_text, refs_of, verify_pair_success
from whatsapp.protocol.protobufs.adv_pb2 import ADVSignedDeviceIdentity

CREDENTIALS = new_credentials()
IDENTITY = curve.public_of(CREDENTIALS.identity_private)


def pair_success(**spoiled: object) -> Node:
    return Phone(**spoiled).pair_success(CREDENTIALS.adv_secret, IDENTITY)


def test_the_qr_says_ref_keys_and_kind_of_client():
    head, _, body = qr_text("2@ref/+=", CREDENTIALS).partition("#")
    assert head == "https://wa.me/settings/linked_devices"
    ref, noise, identity, secret, client_type = body.split(",")
    assert (ref, client_type) == ("2@ref/+=", "1")
    assert base64.b64decode(noise) == curve.public_of(CREDENTIALS.noise_private)
    assert base64.b64decode(identity) == IDENTITY
    assert base64.b64decode(secret) == CREDENTIALS.adv_secret


def test_refs_come_in_order_as_text_or_bytes():
    node = Node(
        "pair-device", {}, [Node("ref", {}, b"one"), Node("ref", {}, "two"), Node("ref"), Node("other", {}, b"x")]
    )
    assert refs_of(node) == ["one", "two"]


def test_a_good_pair_success_gives_linked_credentials_and_the_signed_answer():
    phone = Phone()
    success = verify_pair_success(phone.pair_success(CREDENTIALS.adv_secret, IDENTITY), CREDENTIALS)
    assert success.credentials.jid == JID
    assert success.credentials.lid == LID
    assert (success.credentials.platform, success.credentials.business_name) == ("android", "Toko Jaya")
    assert success.credentials.noise_private == CREDENTIALS.noise_private
    assert (success.jid, success.lid) == (Jid.parse(JID), Jid.parse(LID))

    account_key = curve.public_of(phone.account_private)
    kept = ADVSignedDeviceIdentity.FromString(success.credentials.signed_device_identity)
    assert kept.account_signature_key == account_key
    assert adv.verify_device(IDENTITY, kept.details, account_key, kept.device_signature)

    answer = success.answer
    assert (answer.attrs["to"], answer.attr("type"), answer.attr("id")) == (SERVER_JID, "result", "9")
    sent = answer.child("pair-device-sign", "device-identity")
    assert sent.attr("key-index") == "3"
    told = ADVSignedDeviceIdentity.FromString(sent.data)
    assert not told.HasField("account_signature_key")
    assert (told.details, told.device_signature) == (kept.details, kept.device_signature)


def test_a_hosted_account_pairs_with_its_own_prefixes():
    success = verify_pair_success(pair_success(hosted=True), CREDENTIALS)
    assert success.credentials.jid == JID


@pytest.mark.parametrize(
    ("spoiled", "code", "message"),
    [
        ({"adv_secret": bytes(32)}, 401, "hmac-mismatch"),
        ({"identity": bytes(32)}, 401, "signature-mismatch"),
        ({"signature": bytes(64)}, 401, "signature-mismatch"),
        ({"signature": b"short"}, 401, "signature-mismatch"),
        ({"account_key": curve.public_of(bytes(range(32)))}, 401, "signature-mismatch"),
        ({"account_key": b""}, 401, "signature-mismatch"),
        ({"jid": "nobody"}, 500, "no address"),
        ({"jid": "6287788987745@s.whatsapp.net"}, 500, "no address"),
        ({"jid": "name:7@s.whatsapp.net"}, 500, "no address"),
        ({"jid": "6287788987745:7@lid"}, 500, "no address"),
        ({"lid": "6287788987745:7@s.whatsapp.net"}, 500, "lid of another kind"),
    ],
)
def test_each_mismatch_is_found_on_its_own(spoiled, code, message):
    with pytest.raises(PairingError, match=message) as caught:
        verify_pair_success(pair_success(**spoiled), CREDENTIALS)
    assert caught.value.code == code


@pytest.mark.parametrize("tag", ["device-identity", "device"])
def test_a_missing_part_is_an_error(tag):
    iq = pair_success()
    success = iq.child("pair-success")
    success.content = [child for child in success.content if child.tag != tag]
    with pytest.raises(PairingError) as caught:
        verify_pair_success(iq, CREDENTIALS)
    assert caught.value.code == 500


def test_platform_and_business_may_be_missing_and_long_names_are_cut():
    iq = pair_success()
    success = iq.child("pair-success")
    success.content = [child for child in success.content if child.tag in ("device-identity", "device")]
    assert verify_pair_success(iq, CREDENTIALS).credentials.platform == ""
    success.content.append(Node("biz", {"name": "x" * 5000}))
    assert len(verify_pair_success(iq, CREDENTIALS).credentials.business_name) == 200


@given(st.binary(max_size=200))
def test_random_bytes_as_identity_are_an_error(data):
    iq = pair_success()
    iq.child("pair-success", "device-identity").content = data
    with pytest.raises(PairingError):
        verify_pair_success(iq, CREDENTIALS)


def test_the_server_is_told_what_was_wrong():
    node = pairing_error(pair_success(), PairingError("hmac-mismatch"))
    error = node.child("error")
    assert (node.attr("type"), node.attr("id")) == ("error", "9")
    assert (error.attr("code"), error.attr("text")) == ("401", "hmac-mismatch")
