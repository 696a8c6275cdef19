"""One outlet's sending over real sockets: its repeats, its limits, and how soon it goes on and stops."""

import asyncio
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

import blast.sender
import blast.worker
from blast import services
from blast.exceptions import BlastRefused
from blast.models import OptOut, Pace, Recipient, default_fields
from tests.blast.house import open_blast_house, phone
from wa_sessions import broadcast

pytestmark = pytest.mark.django_db(transaction=True)


@sync_to_async
def paced(outlet, **limits):
    Pace.objects.update_or_create(outlet=outlet, defaults={**default_fields(), **limits})


# Limits


async def test_the_cap_counts_what_was_refused_and_retried_also_after_a_restart():
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        await paced(jakarta, daily_cap=5)
        house.simulator.fault("ack_error", jakarta.whatsapp_number, code=400, times=3)
        blast_ = await house.started([jakarta], 4)
        await house.becomes(blast_, "DONE")
        assert (await house.counts(blast_))["FAILED"] == 3
        assert await house.ask(services.blast_retry_failed, blast_, house.cast.adi) == 3
        await house.sent(blast_, 2)
        await house.crash()
        await house.start()
        await house.house.becomes(jakarta, "CONNECTED")
        await asyncio.sleep(2)
        assert (await house.counts(blast_))["QUEUED"] == 2
        assert sum(map(len, house.shown(4))) == 2


async def test_the_cap_counts_repeats_that_were_not_answered_also_after_a_restart():
    async with open_blast_house(ack_timeout_s=0.2) as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        await paced(jakarta, daily_cap=4)
        blast_ = await house.blast([jakarta], 3)
        for number in (jakarta.whatsapp_number, *map(phone, (1, 2, 3))):
            house.simulator.phone(number).confirms = False
        house.simulator.fault("no_ack", jakarta.whatsapp_number)
        await house.ask(services.blast_start, blast_, house.cast.adi)
        await house.house.until(lambda: house.inbox(phone(2)))
        await house.crash()
        await house.simulator.lift()
        await house.start()
        await house.house.becomes(jakarta, "CONNECTED")
        await house.house.until(lambda: not Recipient.objects.filter(status="SENDING").exists())
        await asyncio.sleep(1)
        assert [len(texts) for texts in house.shown(3)] == [1, 1, 0]
        assert [house.simulator.phone(phone(n)).inbox.repeats for n in (1, 2, 3)] == [2, 0, 0]
        assert await house.counts(blast_) == {"UNKNOWN": 1, "QUEUED": 2}


# Repeats


@pytest.mark.parametrize("code", [400, 463])
async def test_a_refused_repeat_does_not_say_that_the_message_failed(code):
    async with open_blast_house(ack_timeout_s=0.3) as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast_ = await house.blast([jakarta], 1)
        for number in (phone(1), jakarta.whatsapp_number):  # receipts would say what became of it
            house.simulator.phone(number).confirms = False
        house.simulator.fault("no_ack", jakarta.whatsapp_number)
        house.simulator.fault("ack_error", jakarta.whatsapp_number, code=code, skip=1)
        await house.ask(services.blast_start, blast_, house.cast.adi)
        await house.becomes(blast_, "DONE")
        assert house.shown(1) == [["Halo Orang 1!"]]
        (row,) = await house.recipients(blast_)
        assert (row.status, row.error_code, row.error_detail) == ("UNKNOWN", "repeat_refused", str(code))
        assert await sync_to_async(Pace.objects.filter(stopped_cause="restricted").exists)() is (code == 463)
        with pytest.raises(BlastRefused, match="nothing_to_retry"):
            await house.ask(services.blast_retry_failed, blast_, house.cast.adi)


async def test_a_repeat_that_is_refused_after_a_crash_does_not_say_that_the_message_failed():
    async with open_blast_house(drain_timeout_s=0.1) as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast_ = await house.blast([jakarta], 1)
        for number in (phone(1), jakarta.whatsapp_number):
            house.simulator.phone(number).confirms = False
        house.simulator.fault("no_ack", jakarta.whatsapp_number)
        await house.ask(services.blast_start, blast_, house.cast.adi)
        await house.house.until(lambda: house.inbox(phone(1)))
        await house.crash()
        await house.simulator.lift()
        house.simulator.fault("ack_error", jakarta.whatsapp_number, code=400)
        await house.start()
        await house.becomes(blast_, "DONE")
        (row,) = await house.recipients(blast_)
        assert (row.status, row.error_code, row.error_detail) == ("UNKNOWN", "repeat_refused", "400")


async def test_repeats_that_fail_stop_the_outlet_also_after_a_restart():
    async with open_blast_house(ack_timeout_s=0.1) as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast_ = await house.blast([jakarta], 20)
        for number in (jakarta.whatsapp_number, *(phone(n) for n in range(1, 21))):
            house.simulator.phone(number).confirms = False
        house.simulator.fault("no_ack", jakarta.whatsapp_number)
        await house.ask(services.blast_start, blast_, house.cast.adi)
        await house.house.until(lambda: Recipient.objects.filter(status="UNKNOWN").count() >= 3)
        await house.crash()
        await house.start()
        pace = await house.house.until(Pace.objects.filter(stopped_at__isnull=False).first)
        assert pace.stopped_cause == "failures"
        await house.at_rest(blast_)
        assert await house.counts(blast_) == {"UNKNOWN": 5, "QUEUED": 15}


# How soon


async def test_it_goes_on_as_soon_as_the_connection_is_back(monkeypatch):
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        await paced(jakarta, delay_s=0.05)
        blast_ = await house.started([jakarta], 60)
        await house.sent(blast_, 5)
        monkeypatch.setattr(blast.sender, "LOOK_S", 30)  # nobody looks by himself from now on
        monkeypatch.setattr(blast.worker, "LOOK_S", 30)
        await asyncio.sleep(1.1)
        shown = len([texts for texts in house.shown(60) if texts])
        house.simulator.fault("drop", jakarta.whatsapp_number)
        await house.sent(blast_, shown + 10, patience_s=6)


async def test_pages_hear_of_people_who_say_stop_whatever_else_happens():
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        waiting = await house.blast([jakarta], 3)
        await asyncio.sleep(0.7)
        told: set[int] = set()

        def hear(hints: broadcast.Hints) -> None:
            told.update(blast_pk for blast_pk, _ in hints.blasts)

        broadcast.subscribe(hear)
        try:
            await house.simulator.phone(phone(2)).send(jakarta.whatsapp_number, "Stop")
            await house.house.until(OptOut.objects.first)
            await house.house.until(lambda: waiting.pk in told, patience_s=3)
        finally:
            broadcast.unsubscribe(hear)
        assert (await house.counts(waiting)) == {"QUEUED": 2, "SKIPPED": 1}


# Typing


async def test_people_see_it_typing_before_a_text(monkeypatch):
    monkeypatch.setattr(settings, "BLAST_TYPING_S", 0.4)
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        await paced(jakarta, delay_s=0.6, jitter=0)
        blast_ = await house.started([jakarta], 4)
        began = time.monotonic()
        person = house.simulator.phone(phone(1))
        await house.house.until(lambda: person.typing)
        assert person.typing[0] == (jakarta.whatsapp_number, "composing")
        assert not person.inbox.messages
        await house.becomes(blast_, "DONE")
        took = time.monotonic() - began
        assert [state for _, state in person.typing] == ["composing", "paused"]
        assert house.shown(4) == [[f"Halo Orang {n}!"] for n in range(1, 5)]
        at = [house.inbox(phone(n))[0].at for n in range(1, 5)]
        assert all(later - earlier >= 0.55 for earlier, later in pairwise(at)), "the pace holds"
        assert took < 4 * (0.6 + 0.4), "and typing is part of it"


async def test_a_pause_acts_while_it_types(monkeypatch):
    """Nothing of the message is on the wire yet: it is not sent."""
    monkeypatch.setattr(settings, "BLAST_TYPING_S", 0.5)
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast_ = await house.started([jakarta], 10)
        await house.house.until(lambda: house.simulator.phone(phone(2)).typing)
        await house.ask(services.blast_pause, blast_, house.cast.adi)
        await asyncio.sleep(1.5)
        await house.at_rest(blast_)
        assert sum(map(len, house.shown(10))) == 1
        assert (await house.counts(blast_))["QUEUED"] == 9


async def test_quiet_hours_that_begin_while_it_types_are_kept(monkeypatch):
    monkeypatch.setattr(settings, "BLAST_TYPING_S", 4)
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        now = timezone.localtime()
        quiet = {"quiet_from": (now + timedelta(seconds=3)).time(), "quiet_to": (now + timedelta(hours=2)).time()}
        await paced(jakarta, **quiet)
        blast_ = await house.started([jakarta], 3)
        await house.house.until(lambda: house.simulator.phone(phone(1)).typing)
        await asyncio.sleep(5)
        await house.at_rest(blast_)
        assert house.shown(3) == [[], [], []]
        assert await house.counts(blast_) == {"QUEUED": 3}, "none stays on its way for the whole night"


async def test_a_stop_does_not_wait_for_the_end_of_typing(monkeypatch):
    monkeypatch.setattr(settings, "BLAST_TYPING_S", 10)
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast_ = await house.started([jakarta], 3)
        await house.house.until(lambda: house.simulator.phone(phone(1)).typing)
        began = time.monotonic()
        await house.stop()
        assert time.monotonic() - began < 10
        assert await house.counts(blast_) == {"QUEUED": 3}
        untouched = Recipient.objects.filter(blast=blast_, claimed_at=None, attempts=0)
        assert await sync_to_async(untouched.count)() == 3, "nothing of them was on the wire"
        monkeypatch.setattr(settings, "BLAST_TYPING_S", 0)
        await house.start()
        await house.becomes(blast_, "DONE")
        assert house.shown(3) == [[f"Halo Orang {n}!"] for n in range(1, 4)]
