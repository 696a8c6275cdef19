"""What the sockets proved reaches the row: in order, once, and only where we still own it."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connections

from tests.cast import Cast
from wa_sessions import journal as journal_module
from wa_sessions.journal import Change, Journal
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.ownership import claim
from wa_sessions.states import Source, Status

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def _nobody_looks_any_more():
    yield
    await sync_to_async(connections.close_all)()  # of the thread that looked


def change(status, reason="logged_in"):
    return Change(status, reason, Source.SOCKET, AT)


@asynccontextmanager
async def running():
    """A journal at work; `written` and `lost` collect what it reports."""
    written, lost = [], []
    journal = Journal(written.append, lost.append)
    journal.written, journal.lost = written, lost
    task = asyncio.create_task(journal.run())
    try:
        yield journal
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@sync_to_async
def claimed():
    session = WhatsAppSession.objects.create(outlet=Cast().jakarta)
    return session.pk, claim("me")[session.pk]


@sync_to_async
def told(pk):
    row = WhatsAppSession.objects.get(pk=pk)
    flips = Flip.objects.filter(session_id=pk).order_by("pk").values_list("from_status", "to_status", "reason")
    return row, list(flips)


async def test_it_writes_the_row_and_every_flip_in_order():
    pk, ownership = await claimed()
    async with running() as journal:
        journal.record(pk, ownership, {"status": "CONNECTING"}, change(Status.CONNECTING, "connect"))
        journal.record(pk, ownership, {"status": "CONNECTED", "retry_count": 0}, change(Status.CONNECTED))
        assert not journal.is_settled(pk)
        assert await journal.flush(5)
        assert journal.is_settled(pk)
    row, flips = await told(pk)
    assert (row.status, row.version) == ("CONNECTED", 1)
    assert flips == [("DISCONNECTED", "CONNECTING", "connect"), ("CONNECTING", "CONNECTED", "logged_in")]
    assert journal.written == [{pk}]


async def test_it_writes_no_flip_where_the_row_says_so_already():
    pk, ownership = await claimed()
    async with running() as journal:
        journal.record(pk, ownership, {"status": "DISCONNECTED"}, change(Status.DISCONNECTED))
        assert await journal.flush(5)
    assert (await told(pk))[1] == []


@pytest.mark.parametrize("newer", [{"owner": "somebody"}, {"epoch": 2}, {"delete": True}])
async def test_it_writes_nothing_to_a_row_that_somebody_newer_owns(newer):
    pk, ownership = await claimed()
    rows = WhatsAppSession.objects.filter(pk=pk)
    await (rows.adelete() if "delete" in newer else rows.aupdate(**newer))
    async with running() as journal:
        journal.record(pk, ownership, {"status": "CONNECTED"}, change(Status.CONNECTED))
        assert await journal.flush(5)
    assert journal.lost == [{pk}]
    assert not await WhatsAppSession.objects.filter(status="CONNECTED").aexists()
    assert not await Flip.objects.aexists()


@pytest.mark.parametrize("error", [OperationalError("database is locked"), RuntimeError("a fault of ours")])
async def test_it_keeps_everything_while_the_database_is_away(monkeypatch, error):
    pk, ownership = await claimed()
    write, failures = journal_module.write_entries, iter([error, error])

    def flaky(entries):
        if (failure := next(failures, None)) is not None:
            raise failure
        return write(entries)

    monkeypatch.setattr(journal_module, "write_entries", flaky)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.05)
    async with running() as journal:
        journal.record(pk, ownership, {"status": "CONNECTING", "cause": "line_lost"}, change(Status.CONNECTING, "lost"))
        await asyncio.sleep(0.03)
        journal.record(pk, ownership, {"status": "CONNECTED"}, change(Status.CONNECTED))
        assert not journal.is_settled(pk)
        assert await journal.flush(5)
    row, flips = await told(pk)
    assert (row.status, row.cause) == ("CONNECTED", "line_lost")
    assert [flip[1] for flip in flips] == ["CONNECTING", "CONNECTED"]


async def test_it_says_so_when_it_could_not_write_in_time(monkeypatch):
    pk, ownership = await claimed()

    def never(entries):
        raise OperationalError("database is locked")

    monkeypatch.setattr(journal_module, "write_entries", never)
    async with running() as journal:
        journal.record(pk, ownership, {"status": "CONNECTED"}, change(Status.CONNECTED))
        assert not await journal.flush(0.2)
        assert len(journal) == 1


async def test_it_writes_a_thousand_rows_in_few_transactions(monkeypatch):
    _pk, ownership = await claimed()
    batches = []
    monkeypatch.setattr(journal_module, "write_entries", lambda entries: batches.append(len(entries)) or set())
    async with running() as journal:
        for outlet in range(1, 1001):
            journal.record(outlet, ownership, {"retry_count": 1})
        assert await journal.flush(5)
    assert batches == [journal_module.BATCH] * (1000 // journal_module.BATCH)


async def test_a_row_that_cannot_be_written_holds_up_no_other(monkeypatch):
    pk, ownership = await claimed()
    write = journal_module.write_entries

    def choosy(entries):
        if 0 in entries:
            raise ValueError("nothing that a database could hold")
        return write(entries)

    monkeypatch.setattr(journal_module, "write_entries", choosy)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.01)
    async with running() as journal:
        journal.record(0, ownership, {"session_name": "?"})
        journal.record(pk, ownership, {"status": "CONNECTED"}, change(Status.CONNECTED))
        assert not await journal.flush(0.5)
        assert journal.is_settled(pk)
        assert not journal.is_settled(0)
    row, _ = await told(pk)
    assert row.status == "CONNECTED"
