"""Whom a session is begun with."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from tests.whatsapp.protocol.signal.party import Party, pair
from whatsapp.credentials import Credentials
from whatsapp.exceptions import BundleError
from whatsapp.protocol import adv, curve
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.protobufs.adv_pb2 import HOSTED, ADVDeviceIdentity, ADVSignedDeviceIdentity
from whatsapp.protocol.signal import x3dh
from whatsapp.protocol.signal.x3dh import LocalKeys

ACCOUNT, OTHER_ACCOUNT = curve.new_private(), curve.new_private()
ACCOUNT_KEY, OTHER_ACCOUNT_KEY = curve.public_of(ACCOUNT), curve.public_of(OTHER_ACCOUNT)
DEVICE = Party()


def vouched(*, hosted: bool = False, with_key: bool = True) -> bytes:
    details = ADVDeviceIdentity(raw_id=1, key_index=2, device_type=HOSTED if hosted else None).SerializeToString()
    identity = DEVICE.local.identity.public
    return ADVSignedDeviceIdentity(
        details=details,
        account_signature_key=ACCOUNT_KEY if with_key else None,
        account_signature=adv.sign_account(ACCOUNT, details, identity, hosted=hosted),
        device_signature=adv.sign_device(DEVICE.identity_private, details, identity, ACCOUNT_KEY),
    ).SerializeToString()


def test_a_phone_needs_nobody_to_vouch_for_it():
    DEVICE.bundle().verify(is_companion=False)


@pytest.mark.parametrize("hosted", [False, True])
@pytest.mark.parametrize("with_key", [False, True])
def test_a_companion_with_its_papers(hosted, with_key):
    bundle = replace(DEVICE.bundle(), device_identity=vouched(hosted=hosted, with_key=with_key))
    bundle.verify(is_companion=True, account_identity=ACCOUNT_KEY)
    if with_key:
        bundle.verify(is_companion=True)
    else:
        with pytest.raises(BundleError):
            bundle.verify(is_companion=True)
    with pytest.raises(BundleError):
        bundle.verify(is_companion=True, account_identity=OTHER_ACCOUNT_KEY)


def test_a_companion_without_papers():
    with pytest.raises(BundleError):
        DEVICE.bundle().verify(is_companion=True)


def test_a_companion_with_the_papers_of_another():
    with pytest.raises(BundleError):
        replace(Party().bundle(), device_identity=vouched()).verify(is_companion=True)


@settings(deadline=None)
@given(st.data())
def test_changed_papers(data):
    right = vouched()
    place = data.draw(st.integers(0, len(right) - 1))
    wrong = right[:place] + bytes((right[place] ^ data.draw(st.integers(1, 255)),)) + right[place + 1 :]
    try:
        x3dh.verify_device_identity(wrong, DEVICE.local.identity.public, ACCOUNT_KEY)
    except BundleError:
        return
    # The key may become something that counts for nothing: it was given beside.
    meant, said = ADVSignedDeviceIdentity.FromString(right), ADVSignedDeviceIdentity.FromString(wrong)
    assert said.account_signature_key in (b"", ACCOUNT_KEY)
    for part in ("details", "account_signature", "device_signature"):
        assert getattr(said, part) == getattr(meant, part)


@given(st.binary(max_size=60))
def test_papers_that_are_none(data):
    with pytest.raises(BundleError):
        x3dh.verify_device_identity(data, DEVICE.local.identity.public, ACCOUNT_KEY)


@pytest.mark.parametrize("what", ["identity", "signed_pre_key", "signature"])
def test_a_signed_pre_key_that_is_not_the_devices(what):
    bundle = DEVICE.bundle()
    for wrong in (getattr(Party().bundle(), what), b"", bytes(32)):
        with pytest.raises(BundleError):
            replace(bundle, **{what: wrong}).verify(is_companion=False)


@pytest.mark.parametrize("what", ["identity", "signed_pre_key", "pre_key"])
@pytest.mark.parametrize("wrong", [b"", bytes(32), bytes(33)])
def test_keys_that_are_none(what, wrong):
    with pytest.raises(BundleError):
        x3dh.initiate(None, replace(DEVICE.bundle(), **{what: wrong}), Party().local)


def test_a_new_session_keeps_the_one_before():
    ours, theirs = pair()
    late = theirs.encrypt(b"late")
    ours.begin(theirs.bundle(2))
    assert ours.decrypt(late) == b"late"


def test_a_session_with_another_identity_forgets_all_before():
    ours, theirs = pair()
    theirs.reinstall()
    ours.begin(theirs.bundle(2))
    assert ours.record.identity == theirs.local.identity.public
    assert ours.record.archived == ()


def test_local_keys_of_credentials():
    credentials: Credentials = new_credentials()
    local = LocalKeys.of(credentials)
    assert local.identity.public == curve.public_of(credentials.identity_private)
    assert local.registration_id == credentials.registration_id
    assert local.signed_pre_keys == {1: credentials.signed_pre_key_private}
