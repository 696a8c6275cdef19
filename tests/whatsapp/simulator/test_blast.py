"""Our own client writes to many, while the line drops around acks: everybody gets theirs, once."""

import random

import pytest

from tests.whatsapp.device import SHOP, Device
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import Ready
from whatsapp.exceptions import NotConnectedError
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import Text, new_message_id
from whatsapp.simulator import Simulator


@pytest.mark.parametrize("seed", range(3))
async def test_all_get_theirs_once(simulator: Simulator, seed: int) -> None:
    chance = random.Random(seed)
    numbers = simulator.add_recipients(60)
    outbox = {new_message_id(): number for number in numbers}
    store = MemoryStore(simulator.link_directly(SHOP, pre_keys=0))
    drops = 0
    while outbox:
        simulator.fault("drop", SHOP, stage=chance.choice(["message", "taken", "acked"]), skip=chance.randrange(20))
        device = Device(simulator, store)
        await device.event(Ready)
        try:
            for message_id, number in list(outbox.items()):
                await device.client.send_message(Jid(number), Text(f"Halo {number}"), message_id=message_id)
                del outbox[message_id]
        except NotConnectedError:
            drops += 1
        await device.client.close()
        await device.end()
        await simulator.lift()
    inboxes = [simulator.phone(number).inbox for number in numbers]
    assert [[message.text for message in inbox.messages.values()] for inbox in inboxes] == [
        [f"Halo {number}"] for number in numbers
    ]
    assert drops > 1
    assert sum(inbox.repeats for inbox in inboxes) <= drops
    assert simulator.mistakes == []
