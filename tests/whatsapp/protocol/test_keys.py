"""Fresh keys."""

import pytest

from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.keys import MAX_KEY_ID, new_credentials, new_pre_keys


def test_new_credentials_can_pair_and_not_log_in():
    credentials = new_credentials()
    assert not credentials.is_linked
    assert 0 <= credentials.registration_id < 1 << 14
    assert len(credentials.adv_secret) == 32
    signed = b"\x05" + curve.public_of(credentials.signed_pre_key_private)
    assert xeddsa.verify(curve.public_of(credentials.identity_private), signed, credentials.signed_pre_key_signature)


def test_no_two_devices_share_a_key():
    first, second = new_credentials(), new_credentials()
    keys = [
        key
        for c in (first, second)
        for key in (c.noise_private, c.identity_private, c.signed_pre_key_private, c.adv_secret)
    ]
    assert len(set(keys)) == 8


def test_credentials_do_not_show_their_keys():
    credentials = new_credentials()
    assert credentials.noise_private.hex() not in repr(credentials)
    assert repr(credentials.noise_private) not in repr(credentials)


def test_pre_keys_are_numbered_from_the_first():
    assert [key.key_id for key in new_pre_keys(5, 3)] == [5, 6, 7]


@pytest.mark.parametrize(("first", "count"), [(0, 1), (MAX_KEY_ID, 2), (MAX_KEY_ID + 1, 1)])
def test_pre_key_ids_do_not_wrap(first, count):
    with pytest.raises(ValueError, match="used up"):
        new_pre_keys(first, count)
