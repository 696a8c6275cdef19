"""Messages that arrive damaged or for keys that are gone: asked for again, by phones and by us, and not for ever."""

import asyncio

import pytest

from tests.whatsapp.device import SHOP, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import MessageReceived, Ready
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.messages import Image
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import routing, stanzas


def is_settled(simulator, number=SHOP):
    return all(not device.pending for device in simulator.phone(number).devices)


def asks(phone, message_id, *, device=0, as_lid=False, **retry):
    """A retry receipt from a device of a phone's account."""
    receipt = stanzas.receipt(phone.account.address(device, as_lid=as_lid), message_id, "retry")
    receipt.content = [Node("retry", {"count": "1", "id": message_id, "t": "1", "v": "1", **retry})]
    return receipt


@pytest.fixture
def spoil(monkeypatch):
    """Lets so many of the messages to our linked device arrive damaged, those that it asked for included."""
    hand_over = routing.hand_over
    left = 0

    def spoiled(simulator, target, node):
        nonlocal left
        enc = node.child("enc")
        if left and enc is not None and target[0].number == SHOP and target[1]:
            left -= 1
            enc.content = routing.damaged(enc)
        hand_over(simulator, target, node)

    def order(times):
        nonlocal left
        left = times

    monkeypatch.setattr(routing, "hand_over", spoiled)
    return order


class TestOthersAskUs:
    @pytest.mark.parametrize("damaged", [1, 2, 4])
    async def test_a_damaged_one_is_sent_again(self, shop, budi, damaged):
        await shop.text(budi, "1")
        await until(lambda: budi.inbox.messages)
        budi.corrupt = damaged
        await shop.text(budi, "Halo")
        await until(lambda: len(budi.inbox.messages) == 2)
        await shop.text(budi, "3")
        await until(lambda: len(budi.inbox.messages) == 3)
        assert [message.text for message in budi.inbox.messages.values()] == ["1", "Halo", "3"]

    async def test_a_damaged_first_one(self, shop, budi):
        budi.corrupt = 1
        await shop.text(budi, "Halo")
        await until(lambda: budi.inbox.messages)

    async def test_not_for_ever(self, shop, budi, simulator):
        budi.corrupt = 100
        await shop.text(budi, "Halo")
        await until(lambda: budi.inbox.undecryptable)
        await until(lambda: is_settled(simulator))
        assert budi.corrupt >= 94
        budi.corrupt = 0
        await shop.text(budi, "Halo lagi")
        await until(lambda: budi.inbox.messages)

    async def test_a_phone_that_was_installed_anew(self, shop, budi):
        await shop.text(budi, "1")
        await until(lambda: budi.inbox.messages)
        await budi.send(SHOP, "Ya")
        await shop.event(MessageReceived)
        budi.handset.forget_sessions()
        await shop.text(budi, "2")
        await until(lambda: len(budi.inbox.messages) == 2)

    async def test_after_a_restart_too(self, shop, open_shop, budi):
        budi.network = False
        await shop.text(budi, "Halo")
        await shop.client.close()
        await shop.end()
        second = await open_shop(shop.store)
        budi.corrupt, budi.network = 1, True
        await until(lambda: budi.inbox.messages)
        assert second.client.is_open

    async def test_a_file_comes_again_as_a_file(self, shop, budi):
        media = await shop.client.upload(b"x", MediaKind.IMAGE)
        budi.corrupt = 1
        await shop.client.send_message(Jid(budi.number), Image(media), message_id="3EB01")
        await until(lambda: budi.inbox.messages)
        (message,) = budi.inbox.messages.values()
        assert (message.kind, message.media) == ("image", b"x")

    async def test_our_own_phone_asks(self, shop, budi, simulator):
        own = simulator.phone(SHOP)
        own.corrupt = 2
        await shop.text(budi, "Halo")
        await until(lambda: own.copies.messages)
        (copy,) = own.copies.messages.values()
        assert (copy.text, copy.chat) == ("Halo", budi.number)

    async def test_what_nobody_sent_is_not_sent_again(self, shop, budi, simulator):
        simulator.send(SHOP, asks(budi, "3EB0NONE"))
        await until(lambda: is_settled(simulator))
        assert simulator.counts(SHOP).messages == 0

    @pytest.mark.parametrize("as_lid", [False, True])
    async def test_a_stranger_gets_nothing(self, shop, budi, simulator, as_lid):
        siti = simulator.add_phone("6281111111111")
        await shop.text(budi, "Rahasia", "3EB01")
        simulator.send(SHOP, asks(siti, "3EB01", as_lid=as_lid))
        await until(lambda: is_settled(simulator))
        assert simulator.counts(SHOP).messages == 1
        assert not siti.inbox.messages

    @pytest.mark.parametrize(
        "content", [None, [Node("retry")], [Node("retry", {"count": "99999999999"}), Node("keys", {}, b"x")]]
    )
    async def test_nonsense(self, shop, budi, simulator, content):
        await shop.text(budi, "Halo", "3EB01")
        receipt = asks(budi, "3EB01")
        receipt.content = content
        simulator.send(SHOP, receipt)
        await until(lambda: is_settled(simulator))
        await shop.text(budi, "Halo lagi")

    async def test_one_device_cannot_ask_without_end(self, shop, budi, simulator):
        await shop.text(budi, "Halo", "3EB01")
        for _ in range(20):
            simulator.send(SHOP, asks(budi, "3EB01"))
            await until(lambda: is_settled(simulator))
        await asyncio.sleep(0.05)
        assert simulator.counts(SHOP).messages <= 6
        await until(lambda: budi.inbox.messages)


class TestWeAsk:
    async def test_for_a_damaged_one(self, shop, budi, simulator, spoil):
        await budi.send(SHOP, "1")
        spoil(1)
        await budi.send(SHOP, "STOP")
        assert (await shop.event(MessageReceived, 2)).text == "STOP"
        await until(lambda: is_settled(simulator))
        assert len(shop.told(MessageReceived)) == 2

    @pytest.mark.parametrize("damaged", [2, 4])
    async def test_again_and_again(self, shop, budi, spoil, damaged):
        spoil(damaged)
        await budi.send(SHOP, "STOP")
        assert (await shop.event(MessageReceived)).text == "STOP"

    async def test_not_for_ever(self, shop, budi, simulator, spoil):
        spoil(1000)
        await budi.send(SHOP, "STOP")
        await until(lambda: len([r for r in budi.receipts if r.device and r.kind == "retry"]) == 5)
        await until(lambda: is_settled(simulator))
        await asyncio.sleep(0.05)
        assert len([r for r in budi.receipts if r.device and r.kind == "retry"]) == 5
        spoil(0)
        await budi.send(SHOP, "Halo")
        assert (await shop.event(MessageReceived)).text == "Halo"

    async def test_when_our_sessions_are_lost(self, shop, open_shop, budi):
        await budi.send(SHOP, "1")
        await shop.event(MessageReceived)
        await shop.text(budi, "2")
        await until(lambda: budi.inbox.messages)
        await shop.client.close()
        await shop.end()
        shop.store.sessions.clear()
        second = await open_shop(shop.store)
        await budi.send(SHOP, "STOP")
        assert (await second.event(MessageReceived)).text == "STOP"

    async def test_when_the_pre_key_is_gone(self, shop, budi):
        shop.store.pre_keys.clear()
        await budi.send(SHOP, "STOP")
        assert (await shop.event(MessageReceived)).text == "STOP"

    async def test_when_a_record_cannot_be_read(self, shop, open_shop, budi):
        await budi.send(SHOP, "1")
        await shop.event(MessageReceived)
        await shop.text(budi, "2")
        await until(lambda: budi.inbox.messages)
        await shop.client.close()
        await shop.end()
        shop.store.sessions.update(dict.fromkeys(shop.store.sessions, b"\x09rubbish"))
        second = await open_shop(shop.store)
        await budi.send(SHOP, "STOP")
        assert (await second.event(MessageReceived)).text == "STOP"
        await second.text(budi, "Baik")
        await until(lambda: len(budi.inbox.messages) == 2)

    async def test_rubbish_does_not_use_up_the_store(self, shop, budi, simulator):
        for number in range(80):
            enc = Node("enc", {"v": "2", "type": "msg"}, b"\x33" + bytes([number]) * 60)
            simulator.send(SHOP, Node("message", {"from": Jid(budi.number), "id": f"X{number}"}, [enc]))
        await until(lambda: is_settled(simulator))
        assert len(shop.store.pre_keys) <= 30 + 50


async def test_two_of_our_clients_talk(shop, budi, simulator, device):
    laptop = device(MemoryStore(simulator.link_directly(budi.number, pre_keys=0)))
    await laptop.event(Ready)
    for number in range(5):
        await shop.text(budi, f"ke {number}")
        assert (await laptop.event(MessageReceived, number + 1)).text == f"ke {number}"
        await laptop.text(SHOP, f"dari {number}")
        assert (await shop.event(MessageReceived, number + 1)).text == f"dari {number}"
    assert len(budi.inbox.messages) == 5
