"""The look before Send asks WhatsApp about numbers, by a connection of the blast's outlets: over real sockets."""

import pytest
from asgiref.sync import sync_to_async

from blast import services
from blast.models import Recipient
from blast.preflight import CHECK_AT_MOST, preflight
from tests.blast.house import BlastHouse, open_blast_house, phone, rows
from wa_sessions import services as sessions

pytestmark = pytest.mark.django_db(transaction=True)


async def draft(house: BlastHouse, outlets, there: int, absent: int = 0):
    """A draft to people of whom the last `absent` have no WhatsApp."""
    list_ = rows(there + absent)
    house.simulator.add_recipients([row.phone for row in list_[:there]])
    return await sync_to_async(services.blast_create)(
        house.cast.adi, name="Promo", body="Halo {name}!", outlets=outlets, rows=list_
    )


async def look(house: BlastHouse, blast):
    return await sync_to_async(preflight)(blast, house.cast.adi)


def queries(house: BlastHouse, outlet) -> int:
    return house.simulator.counts(outlet.whatsapp_number).queries


async def test_numbers_that_are_not_on_whatsapp_are_found_and_left_out():
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast = await draft(house, [jakarta], there=6, absent=2)
        before = queries(house, jakarta)
        seen = await look(house, blast)
        assert queries(house, jakarta) == before + 1, "all in one question"
        assert seen["notOnWhatsApp"] == {"count": 2, "phones": [phone(7), phone(8)]}
        assert (seen["total"], seen["willSend"], seen["unchecked"], seen["canStart"]) == (8, 6, 0, True)
        assert {(row.line, row.status, row.error_code) for row in await house.recipients(blast, status="SKIPPED")} == {
            (7, "SKIPPED", "not_on_whatsapp"),
            (8, "SKIPPED", "not_on_whatsapp"),
        }
        again = await look(house, blast)
        moving = {key: again[key] for key in ("outlets", "expectedEnd")}  # they go with the time
        assert again == seen | moving
        assert queries(house, jakarta) == before + 1, "who was asked about is not asked about again"
        await house.ask(services.blast_start, blast, house.cast.adi)
        await house.becomes(blast, "DONE")
        assert house.shown(6) == [[f"Halo Orang {n}!"] for n in range(1, 7)]
        assert house.simulator.counts(jakarta.whatsapp_number).messages == 6
        assert house.simulator.mistakes == []


async def test_whoever_is_connected_asks_about_its_own_share():
    async with open_blast_house() as house:
        jakarta, bandung = house.cast.jakarta, house.cast.bandung
        await house.house.linked_directly(jakarta, bandung)
        await house.house.ask(sessions.session_disconnect, bandung)
        await house.house.becomes(bandung, "DISCONNECTED")
        blast = await draft(house, [jakarta, bandung], there=6, absent=2)
        before = queries(house, bandung)
        seen = await look(house, blast)
        mine = await house.recipients(blast, outlet=jakarta)
        assert seen["notOnWhatsApp"]["count"] == len([row for row in mine if row.status == "SKIPPED"]) == 1
        assert seen["unchecked"] == 8 - len(mine) == 4
        assert queries(house, bandung) == before


async def test_of_a_long_list_only_the_start_is_asked_about():
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        await house.house.linked_directly(jakarta)
        blast = await draft(house, [jakarta], there=CHECK_AT_MOST + 30)
        before = queries(house, jakarta)
        seen = await look(house, blast)
        assert (seen["unchecked"], seen["willSend"]) == (30, CHECK_AT_MOST + 30)
        assert queries(house, jakarta) - before == 4, "fifty in each question"


@pytest.mark.parametrize("why", ["deaf", "not connected"])
async def test_where_whatsapp_cannot_say_nobody_is_left_out(why, monkeypatch):
    monkeypatch.setattr("blast.preflight.CHECK_S", 0.3)
    async with open_blast_house() as house:
        jakarta = house.cast.jakarta
        if why == "deaf":
            await house.house.linked_directly(jakarta)
            house.simulator.fault("deaf", jakarta.whatsapp_number)
        blast = await draft(house, [jakarta], there=3, absent=1)
        seen = await look(house, blast)
        assert (seen["notOnWhatsApp"]["count"], seen["unchecked"], seen["willSend"]) == (0, 4, 4)
        there = Recipient.objects.filter(blast=blast, status="QUEUED", jid="")
        assert await sync_to_async(there.count)() == 4
