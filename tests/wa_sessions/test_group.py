"""Many small writes in one transaction: each durable when it returns, a bad one failing alone."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError, connection

from outlets.models import Outlet
from tests.cast import OutletFactory
from wa_sessions import group as group_module
from wa_sessions.group import GroupCommit

pytestmark = pytest.mark.django_db(transaction=True)


class Notes:
    """A kind of write: renames outlets, and remembers how many came at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.away = 0

    def write(self, items):
        if self.away:
            self.away -= 1
            raise OperationalError("away")
        assert connection.in_atomic_block
        self.batches.append(len(items))
        results = []
        for pk, number in items:
            if number == "nobody":
                results.append(LookupError(number))
                continue
            Outlet.objects.filter(pk=pk).update(whatsapp_number=number)
            results.append(number)
        return results


@pytest.fixture
async def group():
    group = GroupCommit()
    task = asyncio.create_task(group.run())
    yield group
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@sync_to_async
def outlets(count):
    return [outlet.pk for outlet in OutletFactory.create_batch(count)]


@sync_to_async
def numbers():
    return list(Outlet.objects.order_by("pk").values_list("whatsapp_number", flat=True))


async def test_it_writes_what_came_meanwhile_together(group):
    notes, pks = Notes(), await outlets(20)
    answers = await asyncio.gather(*(group.write(notes.write, (pk, f"62{pk}")) for pk in pks))
    assert answers == [f"62{pk}" for pk in pks] == await numbers()
    assert len(notes.batches) <= 2


async def test_it_raises_an_items_own_error_at_its_writer_only(group):
    notes, (one, other) = Notes(), await outlets(2)
    answers = await asyncio.gather(
        group.write(notes.write, (one, "nobody")), group.write(notes.write, (other, "6281")), return_exceptions=True
    )
    assert isinstance(answers[0], LookupError)
    assert answers[1] == "6281"


async def test_it_writes_the_others_where_one_spoils_the_transaction(group):
    notes, (one, other, third) = Notes(), await outlets(3)
    answers = await asyncio.gather(
        group.write(notes.write, (one, "6281")),
        group.write(notes.write, (other, "6281")),  # taken: the database refuses
        group.write(notes.write, (third, "6283")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [str, IntegrityError, str]
    assert (await numbers())[0] == "6281"
    assert (await numbers())[2] == "6283"


async def test_it_waits_while_the_database_is_away(group, monkeypatch):
    monkeypatch.setattr(group_module, "RETRY_S", 0.01)
    notes, (one,) = Notes(), await outlets(1)
    notes.away = 2
    assert await group.write(notes.write, (one, "6281")) == "6281"
    assert await group.flush(1)


async def test_it_says_when_it_could_not_write_all_in_time(group, monkeypatch):
    notes, (one,) = Notes(), await outlets(1)
    notes.away = 10**6
    waiting = asyncio.create_task(group.write(notes.write, (one, "6281")))
    await asyncio.sleep(0)
    assert not await group.flush(0.05)
    waiting.cancel()
