"""Baileys and the simulator that it talks to."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.interop.baileys import Baileys
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def process() -> AsyncIterator[Baileys]:
    """Node takes a second to start and 100 MB to run: one for all tests."""
    baileys = await Baileys.start()
    yield baileys
    await baileys.stop()


@pytest_asyncio.fixture(loop_scope="package")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(qr_refs=3) as simulator:
        yield simulator


@pytest.fixture
def phone(simulator: Simulator) -> Phone:
    return simulator.add_phone("6287788987745", name="Toko Jakarta")


@pytest.fixture
def baileys(process: Baileys) -> Baileys:
    """A client that nobody knows yet."""
    process.forget()
    return process


@pytest_asyncio.fixture(loop_scope="package")
async def linked(baileys: Baileys, simulator: Simulator, phone: Phone) -> Baileys:
    """Baileys, linked to the phone and logged in."""
    baileys.connect(simulator.url)
    await phone.scan((await baileys.until("qr"))["qr"])
    assert (await baileys.until("close"))["code"] == 515
    await baileys.log_in(simulator.url)
    return baileys
