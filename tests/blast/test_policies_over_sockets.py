"""Outlets that are cut in the middle of a blast, and receipts as phones send them: over real sockets."""

import asyncio
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from blast import pace_services, services
from blast.exceptions import BlastRefused
from blast.models import Act, Pace, Recipient, default_fields
from blast.states import advance
from tests.blast.house import BlastHouse, open_blast_house, phone
from wa_sessions.exceptions import WishRefused
from wa_sessions.services import session_connect

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 60
REACHED = {"SENT", "DELIVERED", "READ"}


async def unlinked(house: BlastHouse, outlet) -> None:
    """Somebody removes the device on the phone."""
    here = house.simulator.phone(outlet.whatsapp_number)
    for device in here.devices:
        await here.unlink(device)


async def unreachable(house: BlastHouse, outlet) -> None:
    """The line is gone, and nobody lets it in again."""
    house.simulator.fault("failure", outlet.whatsapp_number, code=503)
    house.simulator.fault("drop", outlet.whatsapp_number)


CUTS = pytest.mark.parametrize("cut", [unlinked, unreachable])


async def cut_midway(house: BlastHouse, cut, **fields):
    """A blast of Jakarta and Bandung; Jakarta, which is slow, is cut."""
    outlets = [house.cast.jakarta, house.cast.bandung]
    await house.house.linked_directly(*outlets)
    await slow(house.cast.jakarta)
    blast = await house.started(outlets, PEOPLE, **fields)
    await house.sent(blast, 8)
    await cut(house, house.cast.jakarta)
    return blast


@sync_to_async
def slow(outlet, **limits) -> None:
    Pace.objects.update_or_create(outlet=outlet, defaults={**default_fields(), "delay_s": 0.05, **limits})


def nobody_got_two(house: BlastHouse) -> int:
    """Gives how many got one."""
    shown = house.shown(PEOPLE)
    assert all(texts in ([], [f"Halo Orang {n}!"]) for n, texts in enumerate(shown, start=1)), shown
    return sum(map(len, shown))


@CUTS
async def test_skip_leaves_the_rest_of_a_cut_outlet_out(cut):
    async with open_blast_house() as house:
        blast = await cut_midway(house, cut, on_unhealthy="SKIP")
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert counts["SKIPPED"] > 0
        assert counts.get("UNKNOWN", 0) <= 1
        reached = sum(counts.get(status, 0) for status in REACHED)
        assert reached <= nobody_got_two(house) <= reached + counts.get("UNKNOWN", 0)
        rest = await house.recipients(blast, status="SKIPPED")
        assert {(row.outlet_id, row.error_code) for row in rest} == {(house.cast.jakarta.pk, "outlet_unhealthy")}


@CUTS
async def test_move_gives_the_rest_of_a_cut_outlet_to_another(cut):
    async with open_blast_house() as house:
        blast = await cut_midway(house, cut, on_unhealthy="MOVE", move_to=house.cast.bandung)
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert set(counts) <= {*REACHED, "UNKNOWN"}
        assert counts.get("UNKNOWN", 0) <= 1
        assert nobody_got_two(house) >= PEOPLE - counts.get("UNKNOWN", 0)
        by_bandung = await house.recipients(blast, outlet=house.cast.bandung)
        assert len(by_bandung) > PEOPLE / 2
        assert "moved" in await house.acts(blast)


@CUTS
async def test_hold_keeps_the_rest_for_a_cut_outlet(cut):
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        blast = await cut_midway(house, cut)
        await house.house.until(Act.objects.filter(what="held", outlet=jakarta).exists)
        shown = nobody_got_two(house)
        await asyncio.sleep(0.5)
        mine = await house.recipients(blast, outlet=jakarta)
        assert {row.status for row in mine} <= {*REACHED, "QUEUED"}
        assert "QUEUED" in {row.status for row in mine}
        assert nobody_got_two(house) - shown <= PEOPLE / 2, "only Bandung may have gone on"
        if cut is unlinked:
            await house.ask(session_connect, jakarta)
            await house.house.scan(jakarta)
        else:
            await house.simulator.lift()
            await house.ask(session_connect, jakarta)
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        # Another device must not repeat what the one before may have sent: phones would show both.
        assert counts.get("UNKNOWN", 0) <= (1 if cut is unlinked else 0)
        assert set(counts) <= {*REACHED, "UNKNOWN"}
        assert nobody_got_two(house) >= PEOPLE - counts.get("UNKNOWN", 0)


@pytest.mark.parametrize("policy", ["HOLD", "MOVE", "SKIP"])
async def test_all_outlets_cut(policy):
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung, house.cast.surabaya]
        await house.house.linked_directly(*outlets)
        for outlet in outlets:
            await slow(outlet)
        more = {"move_to": house.cast.surabaya} if policy == "MOVE" else {}
        blast = await house.started(outlets, PEOPLE, on_unhealthy=policy, **more)
        await house.sent(blast, 9)
        for outlet in outlets:
            await unreachable(house, outlet)
        if policy == "SKIP":
            await house.becomes(blast, "DONE")
            assert (await house.counts(blast))["SKIPPED"] > 0
            nobody_got_two(house)
            return
        await house.house.until(lambda: Act.objects.filter(what="held").count() >= 3)
        assert set(await house.counts(blast)) <= {*REACHED, "QUEUED", "UNKNOWN"}
        await house.simulator.lift()
        for outlet in outlets:
            await house.ask(session_connect, outlet)
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert set(counts) <= {*REACHED, "UNKNOWN"}
        assert counts.get("UNKNOWN", 0) == 0, "nobody had to give up"
        assert nobody_got_two(house) == PEOPLE


async def test_463_moves_the_rest_and_fails_one():
    async with open_blast_house() as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        await slow(house.cast.jakarta)
        house.simulator.fault("ack_error", house.cast.jakarta.whatsapp_number, code=463, skip=5)
        blast = await house.started(outlets, PEOPLE, on_unhealthy="MOVE", move_to=house.cast.bandung)
        await house.becomes(blast, "DONE")
        counts = await house.counts(blast)
        assert counts["FAILED"] == 1
        assert set(counts) <= {*REACHED, "FAILED"}
        assert nobody_got_two(house) == PEOPLE - 1
        (failed,) = await house.recipients(blast, status="FAILED")
        assert (failed.outlet_id, failed.error_code) == (house.cast.jakarta.pk, "restricted")
        assert {"stopped", "moved"} <= set(await house.acts(blast))


async def test_a_temporary_ban_holds_until_it_is_over_whoever_reconnects():
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        await slow(jakarta)
        blast = await house.started([jakarta], PEOPLE)
        await house.sent(blast, 5)
        house.simulator.fault("failure", jakarta.whatsapp_number, code=402, ban_code=101, expire_s=6)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        pace = await house.house.until(Pace.objects.filter(stopped_at__isnull=False).first)
        assert pace.stopped_cause == "temporary_ban"
        await house.house.until(Act.objects.filter(what="held").exists)
        shown = nobody_got_two(house)
        for wish, refusal in ((session_connect, WishRefused), (pace_services.pace_release, BlastRefused)):
            with pytest.raises(refusal):
                await house.ask(wish, jakarta, *([house.cast.adi] if refusal is BlastRefused else []))
        await house.simulator.lift()
        await house.house.until(lambda: timezone.now() > pace.stopped_until)
        await house.ask(session_connect, jakarta)
        await house.house.becomes(jakarta, "CONNECTED")
        await asyncio.sleep(0.7)
        assert nobody_got_two(house) == shown, "connected is not released"
        await house.ask(pace_services.pace_release, jakarta, house.cast.adi)
        await house.becomes(blast, "DONE")
        assert nobody_got_two(house) == PEOPLE


@pytest.mark.parametrize("wish", [services.blast_pause, services.blast_cancel])
async def test_a_wish_acts_within_one_message_of_each_outlet(wish):
    """Also where acknowledgements are slow: what is on the wire arrives, and nothing after it."""
    async with open_blast_house() as house:
        outlets = list(house.cast.outlets[:4])
        await house.house.linked_directly(*outlets)
        house.simulator.fault("slow", delay_s=0.1)
        blast = await house.started(outlets, PEOPLE)
        await house.sent(blast, 8)
        await house.ask(wish, blast, house.cast.adi)
        shown = nobody_got_two(house)
        await asyncio.sleep(1.0)
        assert nobody_got_two(house) <= shown + len(outlets)
        await house.at_rest(blast)
        counts = await house.counts(blast)
        rest = "QUEUED" if wish is services.blast_pause else "CANCELLED"
        assert counts[rest] == PEOPLE - nobody_got_two(house)
        if wish is services.blast_pause:
            await house.ask(services.blast_resume, blast, house.cast.adi)
            await house.becomes(blast, "DONE")
            assert nobody_got_two(house) == PEOPLE


async def test_phones_that_read_at_once_never_and_late():
    async with open_blast_house(drain_timeout_s=0.1) as house:
        outlets = [house.cast.jakarta, house.cast.bandung]
        await house.house.linked_directly(*outlets)
        blast = await house.blast(outlets, PEOPLE)
        phones = [house.simulator.phone(phone(n)) for n in range(1, PEOPLE + 1)]
        at_once, never, late, got = (phones[kind::4] for kind in range(4))
        for each in at_once:
            each.reads = True
        for each in never:
            each.confirms = False
        for each in late:
            each.network = False
        seen: dict[int, list[str]] = {}
        watching = asyncio.create_task(watch(seen))
        await house.ask(services.blast_start, blast, house.cast.adi)
        await house.sent(blast, 20)
        await house.crash()  # receipts of what was sent come to the next life
        await house.start()
        await house.becomes(blast, "DONE")
        for each in late:
            each.network = True
        await asyncio.sleep(0.05)
        for each in (*late, *late):  # and says it twice
            each.read()
        await house.stop()
        for each in got:
            each.read()  # while nobody listens
        await house.start()
        expected = [("READ", "SENT", "READ", "READ")[n % 4] for n in range(PEOPLE)]
        rows = Recipient.objects.filter(blast=blast).order_by("line").values_list("status", flat=True)
        try:
            await house.house.until(lambda: list(rows.all()) == expected)
        except AssertionError:
            assert await sync_to_async(list)(rows.all()) == expected
        watching.cancel()
        assert len(seen) == PEOPLE
        for history in seen.values():
            for before, after in pairwise(history):
                is_given_back = (before, after) == ("SENDING", "QUEUED")  # by the crash
                assert is_given_back or advance(before, after) == after, history
        assert nobody_got_two(house) == PEOPLE


async def watch(seen: dict[int, list[str]]) -> None:
    """Note every change of every row that can be seen."""
    while True:
        for line, status in await sync_to_async(list)(Recipient.objects.values_list("line", "status")):
            history = seen.setdefault(line, [])
            if not history or history[-1] != status:
                history.append(status)
        await asyncio.sleep(0.005)
