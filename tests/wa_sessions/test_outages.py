"""When nobody gets through: one outlet at a time probes, nothing is counted, and all come back at a bounded rate."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from outlets.models import Outlet
from tests.cast import OutletFactory
from tests.wa_sessions.house import House, open_house
from wa_sessions import gate, services
from wa_sessions.gate import DIALS_PER_S
from wa_sessions.models import WhatsAppSession
from wa_sessions.states import Intent
from whatsapp.simulator.authority import BAD_CERTIFICATES

pytestmark = pytest.mark.django_db(transaction=True)

OUTLETS = 12


async def many_outlets(house: House, count: int) -> list[Outlet]:
    outlets = await sync_to_async(OutletFactory.create_batch)(count)
    await house.stop()
    await house.give_keys(*outlets, intent=Intent.ONLINE)
    return outlets


async def all_become(house: House, outlets: list[Outlet], status: str, patience_s: float = 20.0) -> float:
    """Wait until every row says so; gives after how many seconds."""
    began = time.monotonic()
    rows = WhatsAppSession.objects.filter(pk__in=[outlet.pk for outlet in outlets], status=status)
    await house.until(lambda: rows.count() == len(outlets), patience_s)
    return time.monotonic() - began


@asynccontextmanager
async def most_wires(house: House):
    """How many connections were ever under way at the same time, in a list of one."""
    most = [0]

    async def watch() -> None:
        while True:
            most[0] = max(most[0], len(house.simulator.wires))
            await asyncio.sleep(0.001)

    task = asyncio.get_running_loop().create_task(watch())
    try:
        yield most
    finally:
        task.cancel()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refuse"},
        {"kind": "refuse", "which": "port"},
        {"kind": "http", "code": 503},
        {"kind": "drop", "stage": "upgrade", "times": 10_000},
        {"kind": "drop", "stage": "hello", "times": 10_000},
        {"kind": "black_hole"},
        *({"kind": "certificate", "which": which} for which in BAD_CERTIFICATES),
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
async def test_it_counts_nothing_while_nobody_gets_through(fault, monkeypatch):
    monkeypatch.setattr(gate, "PROBE_FIRST_S", 0.15)
    monkeypatch.setattr(gate, "PROBE_CAP_S", 0.15)
    async with open_house() as house:
        outlets = await many_outlets(house, OUTLETS)
        await house.start()
        await all_become(house, outlets, "CONNECTED")
        house.simulator.ledger.reset()
        patient = house.manager.client_options
        house.manager.client_options = replace(patient, upgrade_timeout_s=0.5, hello_timeout_s=0.5)
        house.simulator.fault(**fault)
        house.simulator.fault("drop")
        await all_become(house, outlets, "CONNECTING")
        await asyncio.sleep(0.3)  # the first probe has failed
        before = house.simulator.counts().dials
        async with most_wires(house) as most:
            await asyncio.sleep(1)
        assert house.simulator.counts().dials - before <= 8, "a probe every 0.15 s"
        assert most[0] <= 1, "one probe at a time"
        for outlet in outlets:
            row = await house.row(outlet)
            assert (row["status"], row["intent"]) == ("CONNECTING", "ONLINE")
            assert row["retry_count"] <= 1, "the loss itself is all that was counted"
        waiting = [(await house.status(outlet))["waitingForNetwork"] for outlet in outlets]
        assert sum(waiting) >= OUTLETS - 1, "all but the one that probes"
        before = house.simulator.counts().dials
        house.manager.client_options = patient  # a busy machine is no outage
        await house.simulator.lift()
        assert await all_become(house, outlets, "CONNECTED") < 6
        assert house.simulator.counts().dials - before <= OUTLETS + 1
        for outlet in outlets:
            row, counts = await house.row(outlet), house.simulator.counts(outlet.whatsapp_number)
            assert (row["retry_count"], row["cause"]) == (0, "")
            assert counts.max_sockets == 1
        assert not any([(await house.status(outlet))["waitingForNetwork"] for outlet in outlets])
        assert house.simulator.mistakes == []


async def test_it_counts_what_happens_to_one_outlet_while_others_get_through():
    async with open_house() as house:
        jakarta, bandung = house.cast.jakarta, house.cast.bandung
        await house.linked_directly(jakarta, bandung)
        house.simulator.fault("failure", jakarta.whatsapp_number, code=503)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        await house.becomes(jakarta, "FAILED")
        status = await house.status(bandung)
        assert (status["healthy"], status["waitingForNetwork"]) == (True, False)
        assert house.simulator.counts(bandung.whatsapp_number).dials == 1


async def test_it_starts_while_the_network_is_down_and_loses_nobody():
    async with open_house() as house:
        outlets = await many_outlets(house, OUTLETS)
        house.simulator.fault("refuse")
        await house.start()
        await all_become(house, outlets, "CONNECTING")
        await asyncio.sleep(2)
        assert house.simulator.counts().dials <= 5
        rows = [await house.row(outlet) for outlet in outlets]
        assert {(row["status"], row["retry_count"]) for row in rows} == {("CONNECTING", 0)}
        await house.simulator.lift()
        await all_become(house, outlets, "CONNECTED")
        assert house.simulator.counts().pairings == 0


async def test_it_obeys_people_while_the_network_is_down():
    async with open_house() as house:
        jakarta, bandung = house.cast.jakarta, house.cast.bandung
        await house.linked_directly(jakarta, bandung)
        house.simulator.fault("refuse")
        house.simulator.fault("drop")
        await all_become(house, [jakarta, bandung], "CONNECTING")
        await house.ask(services.session_disconnect, jakarta)
        await house.becomes(jakarta, "DISCONNECTED")
        await house.ask(services.session_pause, bandung)
        await asyncio.sleep(0.3)
        await house.simulator.lift()
        await house.becomes(bandung, "PAUSED")
        await asyncio.sleep(0.5)
        assert (await house.row(jakarta))["status"] == "DISCONNECTED"
        assert house.simulator.counts(jakarta.whatsapp_number).sockets == 0


@pytest.mark.slow
async def test_it_restores_two_hundred_and_brings_them_back_after_a_cut():
    async with open_house() as house:
        outlets = await many_outlets(house, 200)
        began = time.monotonic()
        await house.start()
        await all_become(house, outlets, "CONNECTED", 30)
        took = time.monotonic() - began
        assert took >= 200 / DIALS_PER_S * 0.8, "no faster than the bounded rate"
        counts = house.simulator.counts()
        assert (counts.dials, counts.sockets, counts.max_sockets) == (200, 200, 200)
        house.simulator.fault("refuse", which="port")
        house.simulator.fault("drop")
        await all_become(house, outlets, "CONNECTING")
        await asyncio.sleep(2)
        before = house.simulator.counts().dials
        await house.simulator.lift()
        assert await all_become(house, outlets, "CONNECTED", 30) < 10
        assert house.simulator.counts().dials - before <= 202
        assert max(house.simulator.counts(outlet.whatsapp_number).max_sockets for outlet in outlets) == 1
        assert house.simulator.mistakes == []
        statuses = [await house.status(outlet) for outlet in outlets[:10]]
        assert all(status["healthy"] and not status["synced"] for status in statuses)
