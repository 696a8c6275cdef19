"""Who vouches for a linked device, as primitives for both the device and the phone (PROTOCOL.md §8).

The phone signs (details, device identity) with its account key and wraps that in an HMAC under the secret of the QR;
the device signs (details, own identity, account key) back.
"""

import hashlib
import hmac
from typing import Final

from whatsapp.protocol import xeddsa

ACCOUNT_SIGNATURE_PREFIX: Final = b"\x06\x00"
DEVICE_SIGNATURE_PREFIX: Final = b"\x06\x01"
HOSTED_SIGNATURE_PREFIX: Final = b"\x06\x05"  # in place of the account's, and in front of the HMAC's text


def wrap_hmac(adv_secret: bytes, signed_identity: bytes, *, hosted: bool = False) -> bytes:
    """The HMAC over a serialized ADVSignedDeviceIdentity, 32 bytes."""
    prefix = HOSTED_SIGNATURE_PREFIX if hosted else b""
    return hmac.digest(adv_secret, prefix + signed_identity, hashlib.sha256)


def sign_account(account_private: bytes, details: bytes, identity: bytes, *, hosted: bool = False) -> bytes:
    """The phone's signature over a serialized ADVDeviceIdentity and the device's public identity."""
    return xeddsa.sign(account_private, _account_text(details, identity, hosted))


def verify_account(account_key: bytes, details: bytes, identity: bytes, signature: bytes, *, hosted: bool) -> bool:
    return xeddsa.verify(account_key, _account_text(details, identity, hosted), signature)


def sign_device(identity_private: bytes, details: bytes, identity: bytes, account_key: bytes) -> bytes:
    """The device's signature, by its identity."""
    return xeddsa.sign(identity_private, DEVICE_SIGNATURE_PREFIX + details + identity + account_key)


def verify_device(identity: bytes, details: bytes, account_key: bytes, signature: bytes) -> bool:
    return xeddsa.verify(identity, DEVICE_SIGNATURE_PREFIX + details + identity + account_key, signature)


def _account_text(details: bytes, identity: bytes, hosted: bool) -> bytes:
    return (HOSTED_SIGNATURE_PREFIX if hosted else ACCOUNT_SIGNATURE_PREFIX) + details + identity
