"""X25519 on plain bytes: private and public keys are 32 bytes each."""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from whatsapp.exceptions import ProtocolError

KEY_BYTES: Final = 32
KEY_TYPE: Final = b"\x05"  # stands in front of a public key wherever its kind has to be named


def new_private() -> bytes:
    """A fresh private key from the system's randomness."""
    return secrets.token_bytes(KEY_BYTES)


def public_of(private: bytes) -> bytes:
    """The public key of a private one. Raises ValueError if that is not 32 bytes: it is ours, never the network's."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


class KeyPair:
    """A private key that is used more than once: loading one costs more than agreeing with it."""

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes) -> None:
        """Raises ValueError if `private` is not 32 bytes."""
        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public = self._private.public_key().public_bytes_raw()

    def agree(self, public: bytes) -> bytes:
        """The shared secret, 32 bytes. Raises ProtocolError for a public key that is none, or one of small order."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise ProtocolError("not a usable public key") from None


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of a private key that is used once. Raises as `KeyPair.agree`."""
    return KeyPair(private).agree(public)


def hkdf(secret: bytes, *, salt: bytes | None, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 of `secret`, `length` bytes."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
