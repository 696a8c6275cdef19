"""XEdDSA as libsignal makes it: Ed25519-shaped signatures by X25519 keys (PROTOCOL.md §15).

libsignal keeps the sign of the Edwards public key in the top bit of the signature's last byte. We sign with the key
forced to sign 0, where that bit is always clear, and read the bit when verifying.
"""

from typing import Final

from xeddsa.bindings import (
    curve25519_pub_to_ed25519_pub,
    ed25519_priv_sign,
    ed25519_verify,
    priv_force_sign,
)

SIGNATURE_BYTES: Final = 64
_KEY_BYTES = 32
_SIGN_BIT = 0x80


def sign(private: bytes, message: bytes) -> bytes:
    """A signature of 64 bytes over `message` by an X25519 private key of 32."""
    return ed25519_priv_sign(priv_force_sign(private, False), message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` over `message` is by the owner of the X25519 key `public`. Wrong lengths are simply no."""
    if len(public) != _KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    last = signature[-1]
    plain = signature[:-1] + bytes((last & ~_SIGN_BIT,))
    return ed25519_verify(plain, curve25519_pub_to_ed25519_pub(public, bool(last & _SIGN_BIT)), message)
