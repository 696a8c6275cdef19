"""Messages and receipts that come: told first, acknowledged only after that, and nothing that a peer sends hurts."""

import asyncio

import pytest

from tests.whatsapp.device import SHOP, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import MessageReceived, Ready, ReceiptReceived
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.messages import Text, encode, new_message_id, own_copy, pad
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.protobufs.e2e_pb2 import Message, ProtocolMessage
from whatsapp.simulator import stanzas
from whatsapp.simulator.handset import Address
from whatsapp.simulator.key_queries import bundle_of


def is_settled(simulator, number=SHOP):
    """The server was told of everything that it sent."""
    return all(not device.pending for device in simulator.phone(number).devices)


def heard(phone):
    """The receipts of the shop's linked devices for what the phone sent."""
    return [receipt for receipt in phone.receipts if receipt.device]


def sent_by(phone, simulator, payload, **attrs):
    """A message from a phone to the shop, padded and encrypted as phones do."""
    device = simulator.phone(SHOP).devices[0]
    address = Address(SHOP, device.number)
    if not phone.handset.has_session(address):
        phone.handset.begin(address, bundle_of(simulator, device.account, device.number))
    kind, data = phone.handset.encrypt(address, payload)
    enc = Node("enc", {"v": "2", "type": kind}, data)
    sender = phone.account.address(0, as_lid=False)
    return Node("message", {"from": sender, "id": new_message_id(), "type": "text", **attrs}, [enc])


class TestMessages:
    @pytest.mark.parametrize("as_lid", [False, True])
    async def test_it_is_told_and_then_acknowledged(self, shop, budi, simulator, as_lid):
        message_id = await budi.send(SHOP, "STOP", as_lid=as_lid)
        received = await shop.event(MessageReceived)
        assert (received.message_id, received.text, received.sender_number) == (message_id, "STOP", budi.number)
        assert (received.chat, received.from_me) == (budi.account.address(0, as_lid=as_lid), False)
        assert received.at > 1_700_000_000
        assert "STOP" not in repr(received)
        await until(lambda: heard(budi))
        assert heard(budi)[0].message_id == message_id
        await until(lambda: is_settled(simulator))

    async def test_a_pre_key_is_used_once(self, shop, budi, simulator):
        count = len(shop.store.pre_keys)
        await budi.send(SHOP, "1")
        await budi.send(SHOP, "2")
        await shop.event(MessageReceived, 2)
        await until(lambda: is_settled(simulator))
        assert len(shop.store.pre_keys) == count - 1

    async def test_the_receipt_waits_for_the_handler(self, open_shop, budi, simulator):
        gate = asyncio.Event()

        async def on_event(client, event):
            if isinstance(event, MessageReceived):
                await gate.wait()

        shop = await open_shop(on_event=on_event)
        await budi.send(SHOP, "STOP")
        await shop.event(MessageReceived)
        await asyncio.sleep(0.05)
        assert heard(budi) == []
        assert not is_settled(simulator)
        gate.set()
        await until(lambda: heard(budi) and is_settled(simulator))

    async def test_a_handler_may_answer(self, open_shop, budi):
        async def on_event(client, event):
            if isinstance(event, MessageReceived):
                await client.send_message(event.chat, Text("Baik"), message_id="3EB0AB")

        await open_shop(on_event=on_event)
        await budi.send(SHOP, "STOP")
        await until(lambda: budi.inbox.messages and heard(budi))
        assert [message.text for message in budi.inbox.messages.values()] == ["Baik"]

    async def test_killed_before_the_handler_is_done_it_comes_again(self, open_shop, budi, simulator):
        async def on_event(client, event):
            if isinstance(event, MessageReceived):
                await asyncio.Event().wait()

        shop = await open_shop(on_event=on_event)
        message_id = await budi.send(SHOP, "STOP")
        await shop.event(MessageReceived)
        await shop.crash()
        second = await open_shop(shop.store)
        again = await second.event(MessageReceived)
        assert (again.message_id, again.text) == (message_id, "STOP")
        await until(lambda: is_settled(simulator))
        await budi.send(SHOP, "Halo")
        assert (await second.event(MessageReceived, 2)).text == "Halo"

    async def test_what_cannot_be_kept_is_not_acknowledged(self, shop, open_shop, budi, simulator):
        shop.store.failing.add("commit")
        await budi.send(SHOP, "STOP")
        assert (await shop.end()).reason == "store"
        assert heard(budi) == []
        shop.store.failing.clear()
        second = await open_shop(shop.store)
        assert (await second.event(MessageReceived)).text == "STOP"
        await until(lambda: is_settled(simulator))

    async def test_what_came_while_we_were_away(self, shop, open_shop, budi, simulator):
        await shop.client.close()
        await shop.end()
        for number in range(150):
            await budi.send(SHOP, str(number))
        second = await open_shop(shop.store)
        await second.event(MessageReceived, 150)
        assert [event.text for event in second.told(MessageReceived)] == [str(number) for number in range(150)]
        await until(lambda: is_settled(simulator))

    async def test_a_backlog_beyond_all_bounds_comes_in_turns(self, shop, open_shop, budi, monkeypatch):
        monkeypatch.setattr("whatsapp.messaging._MAX_ARRIVED", 20)
        await shop.client.close()
        await shop.end()
        for number in range(50):
            await budi.send(SHOP, str(number))
        heard = []
        for _ in range(3):
            shop = await open_shop(shop.store)
            if len(heard) < 30:
                assert (await shop.end()).reason == "overrun"
            else:
                await shop.event(MessageReceived, 50 - len(heard))
            heard += [event.text for event in shop.told(MessageReceived)]
            if len(heard) == 50:
                break
        assert heard == [str(number) for number in range(50)]

    async def test_sessions_of_a_number_move_to_its_lid(self, shop, budi, simulator):
        await budi.send(SHOP, "1")
        await shop.event(MessageReceived)
        await until(lambda: is_settled(simulator))
        (address,) = shop.store.sessions
        assert address == f"{budi.account.lid}_1.0"
        assert shop.store.lids == {budi.number: budi.account.lid}
        shop.store.sessions[f"{budi.number}.0"] = shop.store.sessions.pop(address)
        await shop.client.close()
        await shop.end()

    async def test_a_session_kept_under_the_number_is_found(self, shop, open_shop, budi, simulator):
        await budi.send(SHOP, "1")
        await shop.event(MessageReceived)
        await shop.text(budi, "Ya")
        await until(lambda: is_settled(simulator) and budi.inbox.messages)
        await shop.client.close()
        await shop.end()
        lid = f"{budi.account.lid}_1.0"
        shop.store.sessions[f"{budi.number}.0"] = shop.store.sessions.pop(lid)
        second = await open_shop(shop.store)
        await budi.send(SHOP, "2")
        assert (await second.event(MessageReceived)).text == "2"
        await until(lambda: is_settled(simulator))
        assert lid in shop.store.sessions
        assert f"{budi.number}.0" not in shop.store.sessions

    async def test_what_another_own_device_wrote(self, shop, budi, simulator):
        own = simulator.phone(SHOP)
        await own.send(budi.number, "Halo dari HP")
        event = await shop.event(MessageReceived)
        assert (event.from_me, event.text, event.chat) == (True, "Halo dari HP", Jid(budi.number))
        await until(lambda: heard(own))
        assert heard(own)[0].kind == "sender"


class TestStrangeThings:
    async def unhurt(self, shop, budi, simulator, told=1):
        """Everything was answered, and the connection is of use."""
        await until(lambda: is_settled(simulator))
        await budi.send(SHOP, "Halo")
        assert (await shop.event(MessageReceived, told)).text == "Halo"
        await shop.text(budi, "Ya")
        await until(lambda: is_settled(simulator))
        assert shop.client.is_open

    @pytest.mark.parametrize("sender", ["120363-1@g.us", "status@broadcast", "120363@newsletter"])
    async def test_other_chats_are_dropped(self, shop, budi, simulator, sender):
        for kind in ("skmsg", "pkmsg"):
            node = Node("message", {"from": Jid.parse(sender), "participant": Jid(budi.number), "id": f"G{kind}"})
            node.content = [Node("enc", {"v": "2", "type": kind}, b"x")]
            simulator.send(SHOP, node)
        await self.unhurt(shop, budi, simulator)

    async def test_without_content(self, shop, budi, simulator):
        simulator.send(SHOP, Node("message", {"from": Jid(budi.number), "id": "1"}, [Node("unavailable")]))
        simulator.send(SHOP, Node("message", {"from": Jid(budi.number), "id": "2"}))
        simulator.send(
            SHOP, Node("message", {"from": Jid(budi.number), "id": "3"}, [Node("enc", {"type": "new"}, b"")])
        )
        await self.unhurt(shop, budi, simulator)

    @pytest.mark.parametrize("kind", ["msg", "pkmsg"])
    @pytest.mark.parametrize(
        "data", [b"", b"\x33", b"\x33" + bytes(60), b"\x33" + b"\xff" * 200, bytes(500_000)], ids=range(5)
    )
    async def test_nonsense(self, shop, budi, simulator, kind, data):
        node = Node("message", {"from": Jid(budi.number), "id": "1"}, [Node("enc", {"v": "2", "type": kind}, data)])
        simulator.send(SHOP, node)
        await self.unhurt(shop, budi, simulator)

    async def test_the_same_message_again(self, shop, budi, simulator):
        node = sent_by(budi, simulator, pad(encode(Text("STOP"))))
        simulator.send(SHOP, node)
        await shop.event(MessageReceived)
        await until(lambda: is_settled(simulator))
        simulator.send(SHOP, node)
        await self.unhurt(shop, budi, simulator, told=2)

    async def test_a_wrong_mac(self, shop, budi, simulator):
        node = sent_by(budi, simulator, pad(encode(Text("STOP"))))
        node.content[0].content = node.content[0].content[:-1] + b"\x00"
        simulator.send(SHOP, node)
        await self.unhurt(shop, budi, simulator)

    async def test_an_unknown_pre_key(self, shop, budi, simulator):
        node = sent_by(budi, simulator, pad(encode(Text("STOP"))))
        shop.store.pre_keys.clear()
        simulator.send(SHOP, node)
        await until(lambda: [receipt.kind for receipt in heard(budi)] == ["retry"])
        await until(lambda: is_settled(simulator))

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"\x00",
            bytes(range(256)),
            pad(b"\xff" * 1000),
            pad(b"\x0a\xff\xff\xff\xff\x0f"),
            pad(b"\xc2\x02" + b"\x0a\x02" * 5000),
            pad(encode(Text("x" * 700_000))),
            pad(Message().SerializeToString()),
            pad(own_copy(encode(Text("not yours")), Jid("1"))),
        ],
        ids=range(9),
    )
    async def test_strange_payloads(self, shop, budi, simulator, payload):
        simulator.send(SHOP, sent_by(budi, simulator, payload))
        await until(lambda: is_settled(simulator))
        assert all(len(event.text or "") <= 65_536 for event in shop.told(MessageReceived))
        await self.unhurt(shop, budi, simulator, told=len(shop.told(MessageReceived)) + 1)

    async def test_what_programs_tell_each_other_is_not_told(self, shop, budi, simulator):
        message = Message(protocol_message=ProtocolMessage(type=ProtocolMessage.HISTORY_SYNC_NOTIFICATION))
        simulator.send(SHOP, sent_by(budi, simulator, pad(message.SerializeToString())))
        simulator.send(SHOP, sent_by(budi, simulator, pad(encode(Text("peer"))), category="peer"))
        await self.unhurt(shop, budi, simulator)

    async def test_notifications_of_nonsense(self, shop, budi, simulator):
        for kind in ("devices", "privacy_token", "encrypt"):
            for children in ([], [Node("remove", {}, [Node("device", {"jid": "x"})])], [Node("tokens")]):
                for sender in (Jid(budi.number), Jid("", "s.whatsapp.net"), Jid("1", "lid")):
                    content = [*children, Node("identity")]
                    simulator.send(SHOP, stanzas.notification(kind, content, sender))
        await self.unhurt(shop, budi, simulator)

    async def test_sessions_with_removed_devices_go(self, shop, budi, simulator, device):
        laptop = device(MemoryStore(simulator.link_directly(budi.number, pre_keys=0)))
        await laptop.event(Ready)
        await shop.text(budi, "1")
        assert f"{budi.account.lid}_1.1" in shop.store.sessions
        await budi.unlink(1)
        await until(lambda: f"{budi.account.lid}_1.1" not in shop.store.sessions)
        await shop.text(budi, "2")
        await until(lambda: len(budi.inbox.messages) == 2)

    async def test_a_new_phone_gets_a_new_session(self, shop, budi, simulator):
        await shop.text(budi, "1")
        simulator.send(SHOP, stanzas.notification("encrypt", [Node("identity")], Jid(budi.number)))
        await until(lambda: is_settled(simulator))
        budi.handset.forget_sessions()
        await shop.text(budi, "2")
        await until(lambda: len(budi.inbox.messages) == 2)
        assert not [receipt for receipt in shop.told(ReceiptReceived) if receipt.status == "retry"]


class TestReceipts:
    async def test_all_kinds(self, shop, budi, simulator):
        for kind in ("", "inactive", "read", "played", "read-self", "server-error", "something-new"):
            simulator.send(SHOP, stanzas.receipt(Jid(budi.number), f"3EB0{kind}", kind))
        await until(lambda: is_settled(simulator))
        assert [(event.message_ids[0], event.status) for event in shop.told(ReceiptReceived)] == [
            ("3EB0", "delivered"),
            ("3EB0inactive", "delivered"),
            ("3EB0read", "read"),
            ("3EB0played", "played"),
        ]

    async def test_one_for_many_messages(self, shop, budi, simulator):
        items = [Node("item", {"id": f"3EB0{number}"}) for number in range(1, 4)]
        receipt = stanzas.receipt(budi.account.address(3, as_lid=True), "3EB00", "read")
        receipt.content = [Node("list", {}, items)]
        shop.store.lids[budi.number] = budi.account.lid
        simulator.send(SHOP, receipt)
        event = await shop.event(ReceiptReceived)
        assert event.message_ids == ("3EB00", "3EB01", "3EB02", "3EB03")
        assert (event.recipient, event.number) == (budi.account.address(0, as_lid=True), budi.number)

    async def test_the_ack_waits_for_the_handler(self, open_shop, budi, simulator):
        gate = asyncio.Event()

        async def on_event(client, event):
            if isinstance(event, ReceiptReceived):
                await gate.wait()

        shop = await open_shop(on_event=on_event)
        simulator.send(SHOP, stanzas.receipt(Jid(budi.number), "3EB01", "read"))
        await shop.event(ReceiptReceived)
        await asyncio.sleep(0.05)
        assert not is_settled(simulator)
        gate.set()
        await until(lambda: is_settled(simulator))

    async def test_unknown_lids_have_no_number(self, shop, simulator):
        simulator.send(SHOP, stanzas.receipt(Jid("1", "lid"), "3EB01"))
        assert (await shop.event(ReceiptReceived)).number is None


async def test_an_idle_client_asks_its_store_for_nothing_new(open_shop, simulator):
    class Old(MemoryStore):
        load_sessions = commit = lids_of = number_of_lid = token_of = tokens_of = sent_message = None

    simulator.add_phone(SHOP)
    shop = await open_shop(Old(simulator.link_directly(SHOP, pre_keys=0)))
    simulator.send(SHOP, stanzas.notification("account_sync", [Node("devices")]))
    await until(lambda: is_settled(simulator))
    await shop.event(Ready)
    assert shop.client.is_open
