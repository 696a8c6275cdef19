from collections.abc import AsyncIterator

import pytest

from whatsapp.credentials import Credentials
from whatsapp.simulator import Simulator
from whatsapp.simulator.phone import Phone

NUMBER = "6287788987745"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
def phone(simulator: Simulator) -> Phone:
    return simulator.add_phone(NUMBER, name="Toko Jakarta")


@pytest.fixture
def linked(simulator: Simulator, phone: Phone) -> Credentials:
    """A device that may log in; the server pretends to have pre-keys of it."""
    return simulator.link_directly(phone.number)
