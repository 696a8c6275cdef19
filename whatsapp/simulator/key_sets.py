"""The Signal keys of simulated phones. All of them follow from the account's private key, made when first asked for.

So nothing has to be kept for a phone that nobody writes to, a restarted phone has the keys it had, and accounts that
share a private key (see `Simulator.add_recipients`) share what is expensive: signatures and public keys.
"""

import functools
import hashlib
from dataclasses import dataclass
from typing import Final

from whatsapp.credentials import PreKey
from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.signal.x3dh import LocalKeys
from whatsapp.simulator.accounts import SignedKey

_SIGNED_ID: Final = 1
_REGISTRATION_MASK: Final = 0x3FFF
_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class KeySet:
    """What a phone has registered as device 0, besides one-time pre-keys."""

    local: LocalKeys
    signed_key: SignedKey


@functools.lru_cache(maxsize=_KEPT)
def key_set(account_private: bytes) -> KeySet:
    signed_private = _derive(account_private, "signed pre-key")
    signed_public = curve.public_of(signed_private)
    registration_id = int.from_bytes(_derive(account_private, "registration")[:2], "big") & _REGISTRATION_MASK
    return KeySet(
        LocalKeys(account_private, registration_id, {_SIGNED_ID: signed_private}),
        SignedKey(_SIGNED_ID, signed_public, xeddsa.sign(account_private, curve.KEY_TYPE + signed_public)),
    )


def one_time_key(account_private: bytes, key_id: int) -> PreKey:
    return PreKey(key_id, _derive(account_private, f"one-time pre-key {key_id}"))


@functools.lru_cache(maxsize=_KEPT)
def one_time_public(account_private: bytes, key_id: int) -> bytes:
    return curve.public_of(one_time_key(account_private, key_id).private)


def _derive(account_private: bytes, what: str) -> bytes:
    return hashlib.sha256(account_private + what.encode()).digest()
