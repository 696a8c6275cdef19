import pytest
from cryptography.fernet import Fernet

from wa_sessions.vault import KeyLostError, reseal, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_it_opens_what_it_sealed_and_shows_nothing_of_it():
    sealed = seal(b"kunci")
    assert b"kunci" not in sealed
    assert unseal(memoryview(sealed)) == b"kunci"


def test_it_seals_with_the_first_key_and_opens_with_any(settings):
    settings.CREDENTIAL_KEYS = [OLD]
    sealed = seal(b"kunci")
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert unseal(sealed) == b"kunci"
    again = reseal(sealed)
    settings.CREDENTIAL_KEYS = [NEW]
    assert unseal(again) == b"kunci"
    with pytest.raises(KeyLostError):
        unseal(sealed)


def test_it_says_that_the_key_is_lost(settings):
    sealed = seal(b"kunci")
    settings.CREDENTIAL_KEYS = [NEW]
    with pytest.raises(KeyLostError):
        unseal(sealed)
    with pytest.raises(KeyLostError):
        reseal(sealed)
    with pytest.raises(KeyLostError):
        unseal(b"damaged")
