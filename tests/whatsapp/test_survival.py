"""Killed at any moment, again and again: every message is shown once, and every answer is heard."""

import asyncio
import random

import pytest

from tests.whatsapp.device import SHOP, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import MessageReceived, ReceiptReceived
from whatsapp.exceptions import NotConnectedError

SENT = [f"ke {number}" for number in range(12)]
ANSWERS = [f"dari {number}" for number in range(8)]


class SlowStore(MemoryStore):
    """Every call takes a moment, before and after its effect: there is more time to be killed in."""

    def __init__(self, credentials, dice):
        super().__init__(credentials)
        self.dice = dice

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in ("load_sessions", "commit", "pre_key", "sent_message", "token_of", "take_pre_keys"):
            return found

        async def slowly(*args):
            for _ in range(self.dice.randrange(3)):
                await asyncio.sleep(0)
            result = await found(*args)
            for _ in range(self.dice.randrange(3)):
                await asyncio.sleep(0)
            return result

        return slowly


@pytest.mark.parametrize("seed", range(12))
async def test_nothing_is_lost_or_shown_twice(open_shop, simulator, budi, seed):
    dice = random.Random(seed)
    budi.reads = True
    simulator.add_phone(SHOP)
    store = SlowStore(simulator.link_directly(SHOP, pre_keys=0), dice)
    waiting, heard, read = list(enumerate(SENT)), {}, set()

    async def on_event(client, event):
        await asyncio.sleep(dice.random() * 0.002)
        if isinstance(event, MessageReceived):
            assert heard.setdefault(event.message_id, event.text) == event.text
        elif isinstance(event, ReceiptReceived) and event.status == "read":
            read.update(event.message_ids)

    async def work(shop):
        while waiting:
            number, text = waiting[0]
            await shop.text(budi, text, f"3EB0{number:04}")
            waiting.pop(0)

    async def answer():
        for text in ANSWERS:
            await budi.send(SHOP, text)
            await asyncio.sleep(dice.random() * 0.03)

    answering = asyncio.create_task(answer())
    kills = 0
    while kills < 10:
        shop = await open_shop(store, on_event=on_event)
        working = asyncio.create_task(work(shop))
        await asyncio.wait([working], timeout=dice.random() * 0.03)
        if dice.random() < 0.3:
            simulator.fault("drop", SHOP)
            await shop.end()
        else:
            await shop.crash()
        working.cancel()
        (result,) = await asyncio.gather(working, return_exceptions=True)
        assert result is None or isinstance(result, (NotConnectedError, asyncio.CancelledError)), result
        kills += 1
    shop = await open_shop(store, on_event=on_event)
    await work(shop)
    await answering

    await until(lambda: len(budi.inbox.messages) == len(SENT) and sorted(heard.values()) == sorted(ANSWERS))
    assert [message.text for message in budi.inbox.messages.values()] == SENT
    await until(lambda: read == {f"3EB0{number:04}" for number in range(len(SENT))})
    await until(lambda: not simulator.phone(SHOP).devices[0].pending)
    assert budi.inbox.undecryptable == 0
