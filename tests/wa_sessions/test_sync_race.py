"""Sync never writes backwards: many reads of the status race many transitions, over real sockets."""

import asyncio
import random
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.wa_sessions.house import open_house
from wa_sessions import manager as manager_module, selectors, services
from wa_sessions.db import run_db
from wa_sessions.journal import Change, Entry, write_entries
from wa_sessions.lifecycle_types import Policy
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.ownership import Ownership
from wa_sessions.services import Correction
from wa_sessions.states import Source, Status

pytestmark = pytest.mark.django_db(transaction=True)

READERS = 6
STEPS = 60


class Readers:
    """Threads that read the page as fast as they can, as many browsers would."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._is_over = threading.Event()
        self.reads = 0
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._read) for _ in range(READERS)]

    def _read(self) -> None:
        try:
            while not self._is_over.is_set():
                try:
                    selectors.status_page(self._user)
                except Exception as error:  # a lock held too long is an answer 503, and no harm
                    if "locked" not in str(error):
                        raise
                self.reads += 1
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()

    async def gone(self) -> None:
        self._is_over.set()
        await asyncio.to_thread(lambda: [thread.join() for thread in self._threads])


@pytest.mark.parametrize("seed", [1, 2])
async def test_it_never_writes_backwards(seed):
    dice = random.Random(seed)
    truths: list[tuple[int, float, str, bool]] = []  # outlet, when, its status in memory, whether its socket is open
    async with open_house() as house:
        outlets = house.cast.outlets[:4]
        await house.linked_directly(*outlets)
        house.manager.policy = Policy(retry_delay_s=0.03, slow_retry=False)
        _note_truths(house.manager, truths)
        wishes = (
            lambda outlet: house.ask(services.session_pause, outlet),
            lambda outlet: house.ask(services.session_resume, outlet),
            lambda outlet: house.ask(services.session_connect, outlet),
            lambda outlet: house.ask(services.session_disconnect, outlet),
        )
        faults = ({"kind": "drop"}, {"kind": "close"}, {"kind": "stream_error", "code": 515}, {"kind": "stream_end"})
        with Readers(house.cast.sari) as readers:
            for _ in range(STEPS):
                outlet = dice.choice(outlets)
                if dice.random() < 0.6:
                    house.simulator.fault(number=outlet.whatsapp_number, **dice.choice(faults))
                else:
                    try:
                        await dice.choice(wishes)(outlet)
                    except services.WishRefused:
                        pass
                await asyncio.sleep(dice.choice((0, 0, 0.01, 0.05)))
            await readers.gone()
            assert not readers.errors, readers.errors
            assert readers.reads > STEPS
        for outlet in outlets:
            await house.ask(services.session_connect, outlet)
        for outlet in outlets:
            await house.becomes(outlet, "CONNECTED")
        assert await house.manager.journal.flush(5)

        for outlet in outlets:
            status = await house.status(outlet)
            assert (status["healthy"], status["synced"]) == (True, False), "rows equal sockets"
            counts = house.simulator.counts(outlet.whatsapp_number)
            assert (counts.sockets, counts.max_sockets) == (1, 1)
            flips = await house.flips(outlet)
            for earlier, later in pairwise(flips):
                assert earlier[1] == later[0], flips
        await _no_sync_contradicts(truths)
        assert house.simulator.mistakes == []


def _note_truths(manager: manager_module.Manager, truths: list[tuple[int, float, str, bool]]) -> None:
    """Keep what memory said, each time that it changed."""
    publish = manager.publish

    def note(outlet, live):
        state = manager._runners[outlet].state
        truths.append((outlet, time.time(), state.status.value, live.phase.value == "open"))
        publish(outlet, live)

    manager.publish = note


async def _no_sync_contradicts(truths: list[tuple[int, float, str, bool]]) -> None:
    """A correction says only what memory said at some moment of the second before it was written."""
    async for flip in Flip.objects.filter(source="sync"):
        at = flip.at.timestamp()
        known = [truth for truth in truths if truth[0] == flip.session_id]
        near = [truth for truth in known if at - 1 <= truth[1] <= at + 0.5]
        near += [truth for truth in known if truth[1] < at - 1][-1:]
        wanted = flip.to_status in ("CONNECTED", "PAUSED")
        assert any(is_open is wanted for *_, is_open in near), f"{flip} of {flip.session_id}: {near}"


async def test_a_correction_from_an_older_row_changes_nothing():
    """The read is stopped between what it read and what it writes, and the socket's writer comes first."""
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        # A row that lies, without its version being moved: as if the process had been restored from a backup.
        await WhatsAppSession.objects.filter(pk=jakarta.pk).aupdate(status="DISCONNECTED")
        reached, go_on = threading.Event(), threading.Event()
        correct = selectors.sessions_correct

        def slowly(*args):
            reached.set()
            assert go_on.wait(10)
            return correct(*args)

        selectors.sessions_correct = slowly
        try:
            reading = asyncio.get_running_loop().create_task(asyncio.to_thread(_status_in_a_thread, jakarta))
            await asyncio.to_thread(reached.wait, 10)
            await house.ask(services.session_disconnect, jakarta)
            await house.until(lambda: house.simulator.counts(jakarta.whatsapp_number).sockets == 0)
            assert await house.manager.journal.flush(5)
            go_on.set()
            answer = await reading
        finally:
            selectors.sessions_correct = correct
        assert not answer["synced"]
        assert (await house.row(jakarta))["status"] == "DISCONNECTED"
        assert not [flip for flip in await house.flips(jakarta) if flip[3] == "sync"]


async def test_a_flip_begins_where_the_correction_ended_that_it_waited_for(cast):
    """The correction has written and not yet committed when the socket's writer looks at the row."""
    jakarta, ours = cast.jakarta, Ownership("us", 1)
    now = timezone.now()
    row = WhatsAppSession(outlet=jakarta, owner="us", epoch=1, status="CONNECTED")
    await run_db(row.save)
    item = Correction(jakarta.pk, row.version, Status.CONNECTED, Status.DISCONNECTED, 1.0)
    written = threading.Event()

    def correct():
        with transaction.atomic():
            services.sessions_correct("us", [item], now)
            written.set()
            time.sleep(0.3)  # the other one has come as far as it can

    def change():
        assert written.wait(10)
        entry = Entry(ours, {"status": "CONNECTING"}, [Change("CONNECTING", "line_lost", Source.SOCKET, now)])
        assert write_entries({jakarta.pk: entry}) == set()

    await asyncio.gather(run_db(correct), run_db(change))
    flips = await run_db(lambda: list(Flip.objects.order_by("pk").values_list("from_status", "to_status")))
    assert flips == [("CONNECTED", "DISCONNECTED"), ("DISCONNECTED", "CONNECTING")]


def _status_in_a_thread(outlet):
    try:
        return selectors.status_of(outlet)
    finally:
        connection.close()
