"""The program ends between any two durable steps of a blast, as by `kill -9`, and starts again on the same database:
every phone shows its message, and shows it once. All moments of each step are tried by BLAST_DRILL=full only.

A step stops here for ever, before or after it is on disk or on the wire, and the house crashes meanwhile.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import blast.incoming
import blast.sender
import blast.worker
import wa_sessions.group
from blast.claims import checked_write, claims_write, left_behind, outcomes_write, put_back_write
from blast.histories import attempts_write
from blast.plan import look
from blast.receipts import receipts_write
from tests.blast.house import BlastHouse, open_blast_house, phone
from wa_sessions.message_store import commits_write
from whatsapp.client import Client
from whatsapp.line import Line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

IS_FULL = os.environ.get("BLAST_DRILL") == "full"
PEOPLE = 37  # more than are claimed at once


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blast.sender, "LOOK_S", 0.05)
    monkeypatch.setattr(blast.worker, "LOOK_S", 0.1)


class Moment:
    """`strike` at the `turn`-th time that something happens: from then on, that task never goes on."""

    def __init__(self, turn: int) -> None:
        self._left = turn
        self.is_reached = asyncio.Event()

    def is_now(self) -> bool:
        self._left -= 1
        return self._left == 0

    async def strike(self) -> None:
        self.is_reached.set()
        await asyncio.Future()


class _UndoneError(Exception):
    """Ends a transaction without what was written in it."""


def _around_group_write(monkeypatch: pytest.MonkeyPatch, moment: Moment, kind: Any, when: str) -> None:
    """Transactions of `GroupCommit` that have a write of this kind."""
    real = wa_sessions.group.run_db

    async def run_db(work: Callable[..., Any], batch: Any) -> Any:
        if not any(write is kind for write, _, _ in batch) or not moment.is_now():
            return await real(work, batch)
        if when == "inside":
            with pytest.raises(_UndoneError):
                await real(_undone, batch)
        elif when == "after":
            await real(work, batch)
        return await moment.strike()

    monkeypatch.setattr(wa_sessions.group, "run_db", run_db)


def _undone(batch: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        wa_sessions.group._write_together(batch)
        raise _UndoneError


def _around_database_work(monkeypatch: pytest.MonkeyPatch, moment: Moment, kind: Any, when: str) -> None:
    """What the worker does in the database by itself."""
    real = blast.worker.run_db

    async def run_db(work: Callable[..., Any], *args: Any, **how: Any) -> Any:
        if work is not kind or not moment.is_now():
            return await real(work, *args, **how)
        if when == "after":
            await real(work, *args, **how)
        return await moment.strike()

    monkeypatch.setattr(blast.worker, "run_db", run_db)


def _around_method(monkeypatch: pytest.MonkeyPatch, moment: Moment, method: tuple[Any, str], when: str) -> None:
    owner, name = method
    real: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def around(*args: Any, **how: Any) -> Any:
        if not moment.is_now():
            return await real(*args, **how)
        if when == "inside":  # it is begun: for a message, written, and its answer never read
            begun = asyncio.ensure_future(real(*args, **how))
            for _ in range(3):
                await asyncio.sleep(0)
            try:
                return await moment.strike()
            finally:
                begun.cancel()
        if when == "after":
            await real(*args, **how)
        return await moment.strike()

    monkeypatch.setattr(owner, name, around)


def _unanswered(monkeypatch: pytest.MonkeyPatch, moment: Moment) -> None:
    """A message reaches WhatsApp, and its answer is lost."""
    real = Line.acknowledged

    async def acknowledged(*args: Any, **how: Any) -> Any:
        answer = await real(*args, **how)
        if moment.is_now():
            raise TimeoutError
        return answer

    monkeypatch.setattr(Line, "acknowledged", acknowledged)


POINTS = {
    "plan read": (_around_database_work, look, ("before", "after"), (2,)),
    "rows claimed": (_around_group_write, claims_write, ("before", "inside", "after"), (1, 2)),
    "numbers checked": (_around_group_write, checked_write, ("before", "inside", "after"), (1,)),
    "numbers asked": (_around_method, (Client, "check_numbers"), ("before", "after"), (1,)),
    "keys fetched": (_around_method, (Client, "prepare"), ("before", "after"), (1,)),
    "ratchets kept": (_around_group_write, commits_write, ("before", "inside", "after"), (2, 1, 20)),
    "message on the wire": (_around_method, (Line, "acknowledged"), ("before", "inside", "after"), (1, 20, PEOPLE)),
    "message sent": (_around_method, (Client, "send_message"), ("before", "after"), (1, 20, PEOPLE)),
    "outcome kept": (_around_group_write, outcomes_write, ("before", "inside", "after"), (1, 10)),
    "receipt kept": (_around_group_write, receipts_write, ("before", "inside", "after"), (1, 5)),
}
MOMENTS = [
    pytest.param(around, what, when, turn, id=f"{name}-{when}-{turn}")
    for name, (around, what, times, turns) in POINTS.items()
    for when in times
    for turn in (turns if IS_FULL else turns[:1])
]


@pytest.mark.parametrize(("around", "what", "when", "turn"), MOMENTS)
async def test_a_kill_loses_nothing_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch, around: Any, what: Any, when: str, turn: int
) -> None:
    async with open_blast_house(drain_timeout_s=0.1) as house:
        moment = Moment(turn)
        blast_ = await _under_way(house)
        with monkeypatch.context() as patch:
            around(patch, moment, what, when)
            await house.ask(_start, house, blast_)
            await asyncio.wait_for(moment.is_reached.wait(), 20)
            await house.crash()
        await house.start()
        repeats = await _is_whole(house, blast_)
        if (what, when) in ((outcomes_write, "before"), (outcomes_write, "inside"), ((Line, "acknowledged"), "after")):
            assert repeats, "it was on the wire, and nothing on disk said so"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_while_rows_of_an_earlier_life_are_taken_back(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    async with open_blast_house(drain_timeout_s=0.1) as house:
        blast_ = await _under_way(house)
        lives: list[tuple[Any, Any, str, int]] = [
            (_around_method, (Line, "acknowledged"), "after", 5),
            (_around_database_work, left_behind, when, 1),
            (_around_method, (Line, "acknowledged"), "after", 1),
            (_around_group_write, outcomes_write, "inside", 2),
        ]
        for life, (around, what, how, turn) in enumerate(lives):
            moment = Moment(turn)
            with monkeypatch.context() as patch:
                around(patch, moment, what, how)
                await (house.start() if life else house.ask(_start, house, blast_))
                await asyncio.wait_for(moment.is_reached.wait(), 20)
                await house.crash()
        await house.start()
        await _is_whole(house, blast_)


@pytest.mark.parametrize("when", ["before", "inside", "after"])
async def test_a_kill_while_a_repeat_is_counted(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    async with open_blast_house(drain_timeout_s=0.1) as house:
        moment = Moment(1)
        blast_ = await _under_way(house)
        with monkeypatch.context() as patch:
            patch.setattr(blast.sender, "RETRY_S", 0.05)
            _unanswered(patch, Moment(5))
            _around_group_write(patch, moment, attempts_write, when)
            await house.ask(_start, house, blast_)
            await asyncio.wait_for(moment.is_reached.wait(), 20)
            await house.crash()
        await house.start()
        assert await _is_whole(house, blast_), "it was on the wire, and its answer never came"


@pytest.mark.parametrize("when", ["before", "inside", "after"])
async def test_a_kill_while_rows_are_given_back(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    async with open_blast_house(drain_timeout_s=0.1) as house:
        moment = Moment(1)
        blast_ = await _under_way(house)
        with monkeypatch.context() as patch:
            _around_group_write(patch, moment, put_back_write, when)
            await house.ask(_start, house, blast_)
            await house.sent(blast_, 3)
            await house.ask(_pause, house, blast_)
            await asyncio.wait_for(moment.is_reached.wait(), 20)
            await house.crash()
        await house.ask(_resume, house, blast_)
        await house.start()
        await _is_whole(house, blast_)


# The house


def _start(house: BlastHouse, blast_: Any) -> None:
    from blast import services

    services.blast_start(blast_, house.cast.adi)


def _pause(house: BlastHouse, blast_: Any) -> None:
    from blast import services

    services.blast_pause(blast_, house.cast.adi)


def _resume(house: BlastHouse, blast_: Any) -> None:
    from blast import services

    services.blast_resume(blast_, house.cast.adi)


async def _under_way(house: BlastHouse) -> Any:
    """A draft of a linked outlet. Only every third phone sends receipts, and the outlet's own none: they would say
    what became of a message."""
    await house.house.linked_directly(house.cast.jakarta)
    house.simulator.phone(house.cast.jakarta.whatsapp_number).confirms = False
    made = await house.blast([house.cast.jakarta], PEOPLE)
    for n in range(1, PEOPLE + 1):
        house.simulator.phone(phone(n)).confirms = n % 3 == 0
    return made


async def _is_whole(house: BlastHouse, blast_: Any) -> int:
    """Everybody has the message once. Gives how many came again, and were dropped by the phones."""
    await house.becomes(blast_, "DONE")
    assert house.shown(PEOPLE) == [[f"Halo Orang {n}!"] for n in range(1, PEOPLE + 1)]
    rows = await house.recipients(blast_)
    for row in rows:
        assert [message.message_id for message in house.inbox(row.phone)] == [row.message_id]
        assert house.simulator.phone(row.phone).inbox.undecryptable == 0
    assert {row.status for row in rows} <= {"SENT", "DELIVERED"}
    return sum(house.simulator.phone(row.phone).inbox.repeats for row in rows)
