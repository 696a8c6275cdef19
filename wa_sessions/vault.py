"""Secrets at rest: sealed with the first of CREDENTIAL_KEYS, opened with any of them."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class KeyLostError(Exception):
    """What was sealed cannot be opened: its key is not among CREDENTIAL_KEYS any more, or the bytes are damaged."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _vault() -> MultiFernet:
    return _fernet(tuple(settings.CREDENTIAL_KEYS))


def seal(secret: bytes) -> bytes:
    return _vault().encrypt(secret)


def unseal(sealed: bytes | memoryview) -> bytes:
    try:
        return _vault().decrypt(bytes(sealed))
    except InvalidToken:
        raise KeyLostError from None


def reseal(sealed: bytes | memoryview) -> bytes:
    """The same secret, sealed with the first key. Raises `KeyLostError`."""
    try:
        return _vault().rotate(bytes(sealed))
    except InvalidToken:
        raise KeyLostError from None
