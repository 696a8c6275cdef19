"""The simulator and clients on it. Property tests say what holds, not how fast: a busy machine must not fail them."""

import pytest
from hypothesis import settings

from tests.whatsapp.device import SHOP, Device
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import Ready
from whatsapp.simulator import Simulator

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def simulator():
    async with Simulator() as found:
        yield found
        assert found.mistakes == []


@pytest.fixture
async def device(simulator):
    """Makes devices; all are closed in the end."""
    made = []

    def make(*args, **options):
        made.append(Device(simulator, *args, **options))
        return made[-1]

    yield make
    for each in made:
        if not each.task.cancelled():
            await each.client.close()
            await each.end()


@pytest.fixture
def budi(simulator):
    """The phone of a customer."""
    return simulator.add_phone("6281234567890", name="Budi")


@pytest.fixture
def linked(simulator, device):
    """Makes a device that was linked before; `pre_keys` is how many the server still has."""

    def make(pre_keys=50, **options):
        simulator.add_phone(SHOP, name="Toko Jakarta")
        return device(MemoryStore(simulator.link_directly(SHOP, pre_keys=pre_keys)), **options)

    return make


@pytest.fixture
def open_shop(simulator, device):
    """Makes clients of the shop, ready for messages: a new linked device, or the one that a store belongs to."""

    async def make(store=None, **options):
        if store is None:
            simulator.add_phone(SHOP, name="Toko Jakarta")
            store = MemoryStore(simulator.link_directly(SHOP, pre_keys=0))
        made = device(store, **options)
        await made.event(Ready)
        return made

    return make


@pytest.fixture
async def shop(open_shop):
    return await open_shop()
