"""The engine's state of messages: sealed, owned, all or nothing, and gone with the keys."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet

from tests.cast import Cast
from wa_sessions.group import GroupCommit
from wa_sessions.message_store import MessageStore, sent_messages_prune
from wa_sessions.models import (
    LidMapping,
    SentMessage as SentRow,
    SignalSession,
    TrustedToken as TokenRow,
    WhatsAppSession,
)
from wa_sessions.ownership import OwnershipLostError, claim
from whatsapp.protocol.keys import new_credentials
from whatsapp.store import SentMessage, StateChanges, TrustedToken

pytestmark = pytest.mark.django_db(transaction=True)
LID, NUMBER = "123456789012345", "6281234567890"


@pytest.fixture
async def group():
    group = GroupCommit()
    task = asyncio.create_task(group.run())
    yield group
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@sync_to_async
def a_session(outlet="jakarta"):
    session = WhatsAppSession.objects.create(outlet=getattr(Cast(), outlet))
    return session.pk, claim("me")[session.pk]


@pytest.fixture
async def store(group):
    return MessageStore(*await a_session(), group)


def sent(message_id="3EB01", at=None):
    return SentMessage(message_id, f"{LID}@lid", b"halo \x00\xff", int(time.time()) if at is None else at)


async def test_it_gives_back_what_was_committed(store):
    token = TrustedToken(b"token", 5, 7)
    await store.commit(StateChanges({f"{LID}_1.0": b"ratchet"}, None, {NUMBER: LID}, {LID: token}, sent()))
    assert await store.load_sessions([f"{LID}_1.0", f"{LID}_1.7"]) == {f"{LID}_1.0": b"ratchet"}
    assert await store.lids_of([NUMBER, "6280"]) == {NUMBER: LID}
    assert await store.number_of_lid(LID) == NUMBER
    assert await store.token_of(LID) == token
    assert await store.tokens_of([LID, "x"]) == {LID: token}
    assert await store.sent_message("3EB01") == sent(at=(await store.sent_message("3EB01")).at)


async def test_it_knows_nothing_of_what_was_never_committed(store):
    assert await store.load_sessions(["x"]) == {} == await store.lids_of(["x"])
    assert await store.load_sessions([]) == {} == await store.lids_of([])
    assert await store.number_of_lid("x") is await store.token_of("x") is await store.sent_message("x") is None


async def test_it_replaces_and_forgets(store):
    await store.commit(StateChanges({"a": b"1", "b": b"1"}, sent=sent()))
    await store.commit(StateChanges({"a": b"2", "b": None}, lids={NUMBER: LID}))
    await store.commit(StateChanges(lids={NUMBER: "999"}))
    assert await store.load_sessions(["a", "b"]) == {"a": b"2"}
    assert await store.lids_of([NUMBER]) == {NUMBER: "999"}


async def test_the_later_of_two_changes_in_one_transaction_wins(store):
    await asyncio.gather(*(store.commit(StateChanges({"a": b"%d" % n})) for n in range(20)))
    assert await store.load_sessions(["a"]) == {"a": b"19"}


async def test_it_removes_the_pre_key_that_was_used(store):
    await store.save_credentials(new_credentials())
    first, second = await store.take_pre_keys(2)
    await store.commit(StateChanges({"a": b"1"}, used_pre_key=first.key_id))
    assert await store.pre_key(first.key_id) is None
    assert await store.pre_key(second.key_id) is not None


async def test_it_seals_what_it_keeps(store):
    token = TrustedToken(b"geheim-token")
    await store.commit(StateChanges({"a": b"geheim-ratchet"}, tokens={LID: token}, sent=sent()))

    @sync_to_async
    def rows():
        return b"".join(bytes(model.objects.get().sealed) for model in (SignalSession, TokenRow, SentRow))

    stored = await rows()
    assert b"geheim" not in stored
    assert b"halo" not in stored


async def test_what_no_key_opens_is_as_if_it_were_not_there(store, settings):
    await store.commit(StateChanges({"a": b"1"}, tokens={LID: TrustedToken(b"x")}, sent=sent()))
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    assert await store.load_sessions(["a"]) == {}
    assert await store.token_of(LID) is await store.sent_message("3EB01") is None


async def test_it_writes_nothing_for_an_outlet_that_somebody_newer_owns(store, group):
    await sync_to_async(claim)("somebody else")
    with pytest.raises(OwnershipLostError):
        await store.commit(StateChanges({"a": b"1"}))
    assert await store.load_sessions(["a"]) == {}


async def test_it_forgets_everything_with_the_keys(store):
    await store.save_credentials(new_credentials())
    await store.commit(StateChanges({"a": b"1"}, None, {NUMBER: LID}, {LID: TrustedToken(b"x")}, sent()))
    await store.wipe()

    @sync_to_async
    def left():
        return sum(model.objects.count() for model in (SignalSession, LidMapping, TokenRow, SentRow))

    assert await left() == 0


async def test_it_forgets_what_was_sent_long_ago(store):
    old = int((datetime.now(UTC) - timedelta(days=8)).timestamp())
    await store.commit(StateChanges(sent=sent("old", at=old)))
    await store.commit(StateChanges(sent=sent("new")))
    await store.commit(StateChanges(sent=sent("undated", at=0)))
    assert await store.sent_message("old") is None
    assert await sync_to_async(sent_messages_prune)() == 1
    assert await store.sent_message("new") is not None
    assert await store.sent_message("undated") is not None
