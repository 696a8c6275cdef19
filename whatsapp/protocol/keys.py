"""Fresh keys: the credentials of a new device, and one-time pre-keys (PROTOCOL.md §4, §14)."""

import secrets
from collections.abc import Sequence
from typing import Final

from whatsapp.credentials import Credentials, PreKey
from whatsapp.protocol import curve, xeddsa

MAX_KEY_ID: Final = 0xFFFFFF  # key ids are 24 bits, and 0 is none
_REGISTRATION_MASK: Final = 0x3FFF


def new_credentials() -> Credentials:
    """The keys of a device that no phone knows yet."""
    identity_private = curve.new_private()
    signed_pre_key_private = curve.new_private()
    signed = curve.KEY_TYPE + curve.public_of(signed_pre_key_private)
    return Credentials(
        noise_private=curve.new_private(),
        identity_private=identity_private,
        signed_pre_key_id=1,
        signed_pre_key_private=signed_pre_key_private,
        signed_pre_key_signature=xeddsa.sign(identity_private, signed),
        registration_id=secrets.randbits(16) & _REGISTRATION_MASK,
        adv_secret=secrets.token_bytes(32),
    )


def new_pre_keys(first_id: int, count: int) -> Sequence[PreKey]:
    """`count` fresh pre-keys with the ids from `first_id` on. Raises ValueError when the ids are used up."""
    if not 1 <= first_id <= first_id + count - 1 <= MAX_KEY_ID:
        raise ValueError("pre-key ids are used up")
    return [PreKey(key_id, curve.new_private()) for key_id in range(first_id, first_id + count)]
