"""The engine's keys: sealed on disk when the call returns, and out of reach for a process that owns nothing."""

import dataclasses

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet

from tests.cast import Cast
from wa_sessions.credential_store import CredentialStore, dump_credentials, load_dump
from wa_sessions.models import Credential, PreKey, WhatsAppSession
from wa_sessions.ownership import OwnershipLostError, claim
from wa_sessions.vault import KeyLostError
from whatsapp.protocol.keys import new_credentials

pytestmark = pytest.mark.django_db(transaction=True)
JID = "6287788987745:7@s.whatsapp.net"


@sync_to_async
def owned_store():
    session = WhatsAppSession.objects.create(outlet=Cast().jakarta)
    return CredentialStore(session.pk, claim("me")[session.pk])


@sync_to_async
def stored():
    return WhatsAppSession.objects.get(), Credential.objects.first()


def test_it_writes_credentials_down_and_reads_them_back():
    credentials = dataclasses.replace(new_credentials(), jid=JID, display_name="Toko “Jaya”", routing_info=b"\x00\xff")
    assert load_dump(dump_credentials(credentials)) == credentials


async def test_it_keeps_credentials_sealed_and_marks_the_outlet_linked():
    store = await owned_store()
    assert await store.load_credentials() is None
    credentials = dataclasses.replace(new_credentials(), jid=JID)
    await store.save_credentials(credentials)
    session, row = await stored()
    assert session.jid == JID
    assert credentials.noise_private not in bytes(row.sealed)
    assert await store.load_credentials() == credentials
    assert store.expected_number == "6287788987745"


async def test_it_says_that_they_cannot_be_read(settings):
    store = await owned_store()
    await store.save_credentials(new_credentials())
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(KeyLostError):
        await store.load_credentials()
    assert store.is_unreadable


async def test_it_never_gives_a_pre_key_id_twice():
    store = await owned_store()
    await store.save_credentials(new_credentials())
    first = await store.take_pre_keys(3)
    assert [key.key_id for key in first] == [1, 2, 3]
    assert await store.take_pre_keys(2) == list(first[:2])  # not uploaded yet: the same ones again
    await store.mark_pre_keys_uploaded(first)
    await store.remove_pre_key(3)
    assert [key.key_id for key in await store.take_pre_keys(2)] == [4, 5]
    assert await store.pre_key(1) == first[0]
    assert await store.pre_key(3) is None
    assert await PreKey.objects.filter(is_uploaded=True).acount() == 2


async def test_it_forgets_everything_when_wiped():
    store = await owned_store()
    await store.save_credentials(dataclasses.replace(new_credentials(), jid=JID))
    await store.take_pre_keys(2)
    await store.wipe()
    session, row = await stored()
    assert (session.jid, row, await PreKey.objects.acount()) == ("", None, 0)


@pytest.mark.parametrize("write", ["save_credentials", "wipe", "take_pre_keys"])
async def test_it_writes_nothing_once_somebody_newer_owns_the_outlet(write):
    store = await owned_store()
    await store.save_credentials(new_credentials())
    await WhatsAppSession.objects.aupdate(owner="somebody")
    argument = {"save_credentials": [dataclasses.replace(new_credentials(), jid=JID)], "wipe": [], "take_pre_keys": [2]}
    with pytest.raises(OwnershipLostError):
        await getattr(store, write)(*argument[write])
    session, row = await stored()
    assert (session.jid, row is not None, await PreKey.objects.acount()) == ("", True, 0)
