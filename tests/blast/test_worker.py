"""Blasts over real sockets to simulated phones: everybody gets one message, whatever people do meanwhile."""

import asyncio
import time
from datetime import timedelta
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from blast import pace_services, services
from blast.models import Act, OptOut, Pace, Recipient, default_fields
from tests.blast.house import open_blast_house, phone
from wa_sessions.models import WhatsAppSession
from wa_sessions.services import session_connect, session_disconnect

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_sends_to_everybody_once_and_says_so():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.started(outlets, 40)
        await house.becomes(blast, "DONE")
        assert house.shown(40) == [[f"Halo Orang {n}!"] for n in range(1, 41)]
        assert sum((await house.counts(blast)).values()) == 40
        assert set(await house.counts(blast)) <= {"SENT", "DELIVERED"}
        assert await house.acts(blast) == ["created", "started", "done"]


async def test_a_killed_server_loses_nobody_and_writes_to_nobody_twice():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.started(outlets, 120)
        for sent in (10, 40, 70):
            await house.sent(blast, sent)
            await house.crash()
            await house.start()
        await house.becomes(blast, "DONE")
        assert house.shown(120) == [[f"Halo Orang {n}!"] for n in range(1, 121)]
        assert set(await house.counts(blast)) <= {"SENT", "DELIVERED"}


async def test_a_stop_leaves_no_row_sending():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.started(outlets, 200)
        await house.sent(blast, 20)
        began = time.monotonic()
        await house.stop()
        assert time.monotonic() - began < 10
        counts = await house.counts(blast)
        assert set(counts) <= {"QUEUED", "SENT", "DELIVERED"}
        assert counts["QUEUED"] > 0
        fresh = await house.recipients(blast, status="QUEUED")
        assert {row.claimed_at for row in fresh} == {None}
        await house.start()
        await house.becomes(blast, "DONE")
        assert house.shown(200) == [[f"Halo Orang {n}!"] for n in range(1, 201)]


async def test_pause_acts_within_one_message_of_each_outlet():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.started(outlets, 200)
        await house.sent(blast, 20)
        await house.ask(services.blast_pause, blast, house.cast.adi)
        shown = sum(map(len, house.shown(200)))
        await asyncio.sleep(0.5)
        assert sum(map(len, house.shown(200))) <= shown + len(outlets)
        await house.at_rest(blast)
        assert (await house.counts(blast))["QUEUED"] > 0
        await house.ask(services.blast_resume, blast, house.cast.adi)
        await house.becomes(blast, "DONE")
        assert house.shown(200) == [[f"Halo Orang {n}!"] for n in range(1, 201)]


async def test_cancel_ends_it_for_who_was_not_written_to():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 200)
        await house.sent(blast, 10)
        await house.ask(services.blast_cancel, blast, house.cast.adi)
        await house.at_rest(blast)
        counts = await house.counts(blast)
        assert set(counts) <= {"CANCELLED", "SENT", "DELIVERED"}
        assert sum(map(len, house.shown(200))) == 200 - counts["CANCELLED"]


async def disconnected_midway(house, **fields):
    """A blast from Jakarta and Bandung, slow enough to be interrupted; somebody disconnects Jakarta."""
    outlets = [house.cast.jakarta, house.cast.bandung]
    await house.house.linked_directly(*outlets)
    await sync_to_async(paced)(house.cast.jakarta, delay_s=0.02)
    blast = await house.started(outlets, 100, **fields)
    await house.sent(blast, 12)
    await house.ask(session_disconnect, house.cast.jakarta)
    return blast


def paced(outlet, **limits):
    Pace.objects.update_or_create(outlet=outlet, defaults={**default_fields(), **limits})


async def test_skip_ends_an_outlets_rest():
    async with open_blast_house() as house:
        blast = await disconnected_midway(house, on_unhealthy="SKIP")
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert counts["SKIPPED"] > 0
        assert counts.get("UNKNOWN", 0) <= 1
        rest = await house.recipients(blast, status="SKIPPED")
        assert {row.error_code for row in rest} == {"outlet_unhealthy"}
        assert all(len(shown) <= 1 for shown in house.shown(100))
        assert "skipped" in await house.acts(blast)


async def test_move_gives_an_outlets_rest_to_another():
    async with open_blast_house() as house:
        blast = await disconnected_midway(house, on_unhealthy="MOVE", move_to=house.cast.bandung)
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert set(counts) <= {"SENT", "DELIVERED", "UNKNOWN"}
        assert counts.get("UNKNOWN", 0) <= 1
        assert all(len(shown) <= 1 for shown in house.shown(100))
        assert sum(map(len, house.shown(100))) >= 99
        assert "moved" in await house.acts(blast)


async def test_hold_waits_for_the_outlet():
    async with open_blast_house() as house:
        blast = await disconnected_midway(house)
        await house.house.until(lambda: Act.objects.filter(what="held").exists())
        await asyncio.sleep(1.5)
        rest = await house.recipients(blast, outlet=house.cast.jakarta, claimed_at=None)
        assert {row.status for row in rest} == {"QUEUED"}
        assert not await house.recipients(blast, outlet=house.cast.jakarta, status="SENDING")
        assert (await house.acts(blast)).count("held") == 1
        await house.ask(session_connect, house.cast.jakarta)
        await house.becomes(blast, "DONE")
        assert house.shown(100) == [[f"Halo Orang {n}!"] for n in range(1, 101)]


async def test_a_lost_line_is_waited_for_whatever_the_policy():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 60, on_unhealthy="SKIP")
        for sent in (10, 30):
            await house.sent(blast, sent)
            house.simulator.fault("drop", house.cast.jakarta.whatsapp_number)
        await house.becomes(blast, "DONE")
        assert house.shown(60) == [[f"Halo Orang {n}!"] for n in range(1, 61)]


async def test_463_stops_the_outlet_and_tells_people():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        house.simulator.fault("ack_error", house.cast.jakarta.whatsapp_number, code=463, skip=5)
        blast = await house.started([house.cast.jakarta], 20)
        pace = await house.house.until(Pace.objects.filter(stopped_at__isnull=False).first)
        assert (pace.stopped_cause, pace.stopped_detail) == ("restricted", {"code": 463})
        await house.at_rest(blast)
        counts = await house.counts(blast)
        assert counts["FAILED"] == 1
        assert counts["QUEUED"] == 14
        assert "stopped" in await house.acts(blast)
        await house.simulator.lift(kind="ack_error")
        await house.ask(pace_services.pace_release, house.cast.jakarta, house.cast.adi)
        await house.becomes(blast, "DONE")
        assert sum(map(len, house.shown(20))) == 19


async def test_a_temporary_ban_stops_the_outlet():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        await sync_to_async(paced)(house.cast.jakarta, delay_s=0.02)
        blast = await house.started([house.cast.jakarta], 40)
        await house.sent(blast, 5)
        house.simulator.fault("failure", house.cast.jakarta.whatsapp_number, code=402, ban_code=101, expire_s=600)
        house.simulator.fault("drop", house.cast.jakarta.whatsapp_number)
        pace = await house.house.until(Pace.objects.filter(stopped_at__isnull=False).first)
        assert pace.stopped_cause == "temporary_ban"
        assert 500 < (pace.stopped_until - pace.stopped_at).total_seconds() <= 600
        assert (await house.counts(blast))["QUEUED"] > 0


async def test_a_burst_of_failures_stops_the_outlet():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        house.simulator.fault("ack_error", house.cast.jakarta.whatsapp_number, code=400, times=5)
        blast = await house.started([house.cast.jakarta], 20)
        pace = await house.house.until(Pace.objects.filter(stopped_at__isnull=False).first)
        assert pace.stopped_cause == "failures"
        await house.at_rest(blast)
        assert await house.counts(blast) == {"FAILED": 5, "QUEUED": 15}


async def test_numbers_that_are_not_on_whatsapp_are_not_tried():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.blast([house.cast.jakarta], 10)
        for n in (3, 7):
            house.simulator.remove_phone(phone(n))
        await house.ask(services.blast_start, blast, house.cast.adi)
        await house.becomes(blast, "DONE")
        skipped = await house.recipients(blast, status="SKIPPED")
        assert [(row.line, row.error_code, row.attempts) for row in skipped] == [
            (3, "not_on_whatsapp", 0), (7, "not_on_whatsapp", 0),
        ]  # fmt: skip


async def test_who_says_stop_gets_one_confirmation_and_nothing_more():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        await sync_to_async(paced)(house.cast.jakarta, delay_s=0.05)
        blast = await house.started([house.cast.jakarta], 40)
        await house.sent(blast, 1)
        await house.simulator.phone(phone(40)).send(house.cast.jakarta.whatsapp_number, "Stop.")
        await house.house.until(OptOut.objects.filter(confirmed_at__isnull=False).first)
        await house.becomes(blast, "DONE")
        assert len(house.inbox(phone(40))) == 1
        (row,) = await house.recipients(blast, line=40)
        assert (row.status, row.error_code) == ("SKIPPED", "opted_out")
        again = await house.started([house.cast.jakarta], 40, name="Lagi")
        await house.becomes(again, "DONE")
        assert len(house.inbox(phone(40))) == 1
        assert len(house.inbox(phone(39))) == 2


async def test_receipts_move_recipients_on():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.started([house.cast.jakarta], 5)
        await house.becomes(blast, "DONE")
        house.simulator.phone(phone(2)).read()
        await house.house.until(lambda: Recipient.objects.filter(line=2, status="READ", read_at__isnull=False).exists())
        await house.house.until(lambda: Recipient.objects.filter(status="DELIVERED").count() == 4)


async def test_a_message_that_was_on_its_way_is_not_repeated_by_another_device():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.blast([house.cast.jakarta], 3)

        @sync_to_async
        def left_behind():
            mine = Recipient.objects.filter(blast=blast)
            now = timezone.now()
            mine.filter(line=1).update(status="SENDING", owner="x", claimed_at=now, device="628:9@s.whatsapp.net")
            jid = WhatsAppSession.objects.get().jid
            long_ago = now - timedelta(days=9)
            mine.filter(line=2).update(status="SENDING", owner="x", claimed_at=long_ago, device=jid)
            mine.filter(line=3).update(status="SENDING", owner="x", claimed_at=now, device=jid)

        await left_behind()
        await house.ask(services.blast_start, blast, house.cast.adi)
        await house.becomes(blast, "DONE")
        found = await house.recipients(blast)
        assert [(row.status, row.error_code) for row in found][:2] == [("UNKNOWN", "relinked"), ("UNKNOWN", "too_old")]
        assert house.shown(3) == [[], [], ["Halo Orang 3!"]]


async def test_a_due_blast_starts_by_itself():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        blast = await house.blast([house.cast.jakarta], 3)
        at = timezone.now() + timedelta(seconds=1.5)
        blast = await house.ask(services.blast_start, blast, house.cast.adi, start_at=at)
        assert blast.status == "SCHEDULED"
        await house.becomes(blast, "DONE")
        (row, *_) = await house.recipients(blast, line=1)
        assert row.sent_at.timestamp() >= int(at.timestamp())


async def test_an_outlet_keeps_its_pace():
    async with open_blast_house() as house:
        await house.house.linked_directly(house.cast.jakarta)
        await sync_to_async(paced)(house.cast.jakarta, delay_s=0.3, daily_cap=4)
        blast = await house.started([house.cast.jakarta], 10)
        await house.sent(blast, 4)
        await asyncio.sleep(0.7)
        assert (await house.counts(blast))["QUEUED"] == 6
        at = sorted(row.claimed_at for row in await house.recipients(blast, claimed_at__isnull=False))
        assert all((later - earlier).total_seconds() >= 0.28 for earlier, later in pairwise(at))
        await house.crash()
        await house.start()
        await house.house.becomes(house.cast.jakarta, "CONNECTED")
        await asyncio.sleep(1)
        assert (await house.counts(blast))["QUEUED"] == 6
