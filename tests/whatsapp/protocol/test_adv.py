"""Who vouches for whom: phone for device, device for itself."""

import pytest

from whatsapp.protocol import adv, curve

ACCOUNT, DEVICE = bytes(range(3, 35)), bytes(range(4, 36))
ACCOUNT_KEY, IDENTITY = curve.public_of(ACCOUNT), curve.public_of(DEVICE)


@pytest.mark.parametrize("hosted", [False, True])
def test_the_signature_of_the_phone_holds_for_that_device_and_that_kind_only(hosted):
    signature = adv.sign_account(ACCOUNT, b"details", IDENTITY, hosted=hosted)
    assert adv.verify_account(ACCOUNT_KEY, b"details", IDENTITY, signature, hosted=hosted)
    assert not adv.verify_account(ACCOUNT_KEY, b"details", IDENTITY, signature, hosted=not hosted)
    assert not adv.verify_account(ACCOUNT_KEY, b"other", IDENTITY, signature, hosted=hosted)
    assert not adv.verify_account(ACCOUNT_KEY, b"details", ACCOUNT_KEY, signature, hosted=hosted)


def test_the_signature_of_the_device_holds_for_that_account_only():
    signature = adv.sign_device(DEVICE, b"details", IDENTITY, ACCOUNT_KEY)
    assert adv.verify_device(IDENTITY, b"details", ACCOUNT_KEY, signature)
    assert not adv.verify_device(IDENTITY, b"details", IDENTITY, signature)


def test_a_hosted_account_has_a_wrapping_of_its_own():
    secret = bytes(32)
    assert adv.wrap_hmac(secret, b"x", hosted=True) == adv.wrap_hmac(secret, b"\x06\x05x")
    assert adv.wrap_hmac(secret, b"x", hosted=True) != adv.wrap_hmac(secret, b"x")
