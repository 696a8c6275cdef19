"""Jobs in order, and what their exceptions mean."""

import asyncio

import pytest

from whatsapp.exceptions import FrameError, NotConnectedError, PairingError, QueryError, StoreError
from whatsapp.jobs import MAX_WAITING, HandlerError, Jobs


@pytest.fixture
def ends():
    return []


@pytest.fixture
def jobs(ends):
    return Jobs(ends.append)


async def test_they_are_done_in_order(jobs):
    done = []

    async def job(argument):
        await asyncio.sleep(0.01 if argument == 1 else 0)
        done.append(argument)

    for number in (1, 2, 3):
        jobs.add(job, number)
    await jobs.drain(1)
    assert done == [1, 2, 3]


async def test_a_job_may_add_another(jobs):
    done = []

    async def job(argument):
        done.append(argument)
        if argument:
            jobs.add(job, argument - 1)

    jobs.add(job, 2)
    await jobs.drain(1)
    assert done == [2, 1, 0]


async def test_nothing_is_left_when_all_is_done(jobs):
    async def job(_):
        pass

    jobs.add(job, None)
    await jobs.drain(1)
    assert jobs._task is None
    assert jobs._waiting is None
    jobs.add(job, None)
    await jobs.drain(1)


async def test_only_the_newest_of_a_kind_waits_if_asked(jobs):
    done = []

    async def job(argument):
        done.append(argument)

    async def other(argument):
        done.append(argument)

    jobs.add(other, "first")
    for number in range(100):
        jobs.add(job, number, replace=True)
    await jobs.drain(1)
    assert done == ["first", 99]


async def test_too_many_end_the_connection(jobs, ends):
    async def hang(_):
        await asyncio.Event().wait()

    for _ in range(MAX_WAITING + 1):
        jobs.add(hang, None)
    assert [end.reason for end in ends] == ["overrun"]
    jobs.cancel()
    await jobs.drain(1)


async def test_dropping_lets_the_one_under_way_finish(jobs):
    done = []

    async def job(argument):
        await asyncio.sleep(0.01)
        done.append(argument)

    jobs.add(job, 1)
    jobs.add(job, 2)
    await asyncio.sleep(0)
    jobs.drop()
    await jobs.drain(1)
    assert done == [1]


async def test_what_is_late_is_cancelled(jobs):
    cancelled = []

    async def hang(_):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    jobs.add(hang, None)
    await asyncio.sleep(0)
    await jobs.drain(0.01)
    assert cancelled == [True]


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (HandlerError(), "handler", None),
        (StoreError("no disk"), "store", None),
        (PairingError("hmac-mismatch"), "pairing", 401),
        (QueryError(406, "not-acceptable"), "query_refused", 406),
        (TimeoutError(), "query_timeout", 408),
        (FrameError("too long"), "bad_node", None),
        (ZeroDivisionError(), "internal", None),
    ],
)
async def test_an_exception_is_an_end(jobs, ends, error, reason, code):
    async def broken(_):
        raise error

    jobs.add(broken, None)
    await jobs.drain(1)
    assert [(end.reason, end.code) for end in ends] == [(reason, code)]


async def test_a_connection_that_ended_meanwhile_is_none(jobs, ends):
    done = []

    async def late(_):
        raise NotConnectedError

    async def job(argument):
        done.append(argument)

    jobs.add(late, None)
    jobs.add(job, 1)
    await jobs.drain(1)
    assert ends == []
    assert done == [1]
