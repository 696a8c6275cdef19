"""Messages to simulated phones, over real sockets: what their owners see, whatever happens on the way."""

import asyncio

import pytest

from tests.whatsapp.device import SHOP, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.events import MessageReceived, Ready, ReceiptReceived
from whatsapp.exceptions import (
    NotConnectedError,
    NotOnWhatsAppError,
    QueryError,
    SendRefusedError,
    UploadError,
)
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.media import MediaKind
from whatsapp.protocol.messages import Document, Image, Text


def texts(inbox):
    return [message.text for message in inbox.messages.values()]


async def shows(phone, *expected):
    await until(lambda: len(phone.inbox.messages) >= len(expected))
    await asyncio.sleep(0.05)  # and nothing more
    assert texts(phone.inbox) == list(expected)


class TestTexts:
    async def test_it_is_shown_and_what_became_of_it_is_told(self, shop, budi):
        budi.reads = True
        sent = await shop.text(budi, "Halo Budi", "3EB0AB")
        assert sent.at > 1_700_000_000
        await shows(budi, "Halo Budi")
        receipts = [await shop.event(ReceiptReceived, number) for number in (1, 2, 3)]
        assert {(receipt.status, receipt.number) for receipt in receipts} == {
            ("delivered", budi.number),
            ("read", budi.number),
            ("sent_by_own_device", budi.number),
        }
        assert {receipt.message_ids for receipt in receipts} == {("3EB0AB",)}

    async def test_the_shops_own_phone_shows_it_too(self, shop, budi, simulator):
        await shop.text(budi, "Halo Budi")
        await until(lambda: simulator.phone(SHOP).copies.messages)
        (copy,) = simulator.phone(SHOP).copies.messages.values()
        assert (copy.text, copy.chat) == ("Halo Budi", budi.number)

    async def test_later_ones_and_answers(self, shop, budi):
        await shop.text(budi, "1")
        await shop.text(budi, "2")
        await budi.send(SHOP, "Ya")
        await shop.event(MessageReceived)
        await shop.text(budi, "3")
        await shows(budi, "1", "2", "3")

    async def test_a_lid_is_an_address_too(self, shop, budi):
        await shop.text(budi.account.address(0, as_lid=True), "Halo")
        await shows(budi, "Halo")

    async def test_all_devices_of_both_get_it(self, open_shop, shop, budi, simulator, device):
        other = await open_shop()
        laptop = device(MemoryStore(simulator.link_directly(budi.number, pre_keys=0)))
        await laptop.event(Ready)
        await shop.text(budi, "Halo")
        received = await laptop.event(MessageReceived)
        assert (received.text, received.sender_number, received.from_me) == ("Halo", SHOP, False)
        own = await other.event(MessageReceived)
        assert (own.text, own.from_me, own.sender_number) == ("Halo", True, SHOP)
        assert own.chat in (Jid(budi.number), budi.account.address(0, as_lid=True))
        await shows(budi, "Halo")
        await until(lambda: [r.status for r in shop.told(ReceiptReceived)].count("delivered") == 2)

    async def test_they_go_out_in_order_one_at_a_time(self, shop, budi):
        await asyncio.gather(*(shop.text(budi, str(number)) for number in range(20)))
        await shows(budi, *map(str, range(20)))

    async def test_a_phone_without_network_gets_it_later(self, shop, budi):
        budi.network = False
        await shop.text(budi, "Halo")
        assert shop.told(ReceiptReceived) == [] or "delivered" not in {r.status for r in shop.told(ReceiptReceived)}
        budi.network = True
        await shows(budi, "Halo")

    async def test_a_note_to_oneself(self, shop, simulator):
        await shop.text(SHOP, "Ingat")
        await until(lambda: simulator.phone(SHOP).copies.messages or simulator.phone(SHOP).inbox.messages)

    async def test_typing_is_seen_first(self, shop, budi):
        await shop.client.show_typing(Jid(budi.number), 0.05)
        await shop.text(budi, "Halo")
        await shows(budi, "Halo")
        assert budi.typing == [(SHOP, "composing"), (SHOP, "paused")]

    async def test_what_is_no_unicode_is_not_sent(self, shop, budi):
        with pytest.raises(ValueError, match=r"."):
            await shop.text(budi, "\ud800")
        with pytest.raises(ValueError, match="id"):
            await shop.client.send_message(Jid(budi.number), Text("Halo"), message_id="")
        await shop.text(budi, "Halo")
        await shows(budi, "Halo")


class TestDevices:
    async def test_nobody_has_that_number(self, shop, simulator):
        with pytest.raises(NotOnWhatsAppError):
            await shop.text("6280000000000", "Halo")
        assert simulator.counts(SHOP).messages == 0

    async def test_they_are_asked_for_once(self, shop, budi, simulator):
        await shop.text(budi, "1")
        await until(lambda: simulator.tokens)
        queries = simulator.counts(SHOP).queries
        await shop.text(budi, "2")
        assert simulator.counts(SHOP).queries == queries

    async def test_a_new_device_is_told_and_gets_the_next(self, shop, budi, simulator, device):
        await shop.text(budi, "1")
        laptop = device(MemoryStore(simulator.link_directly(budi.number, pre_keys=0)))
        await laptop.event(Ready)
        await until(lambda: not simulator.phone(SHOP).devices[0].pending)
        await shop.text(budi, "2")
        assert (await laptop.event(MessageReceived)).text == "2"

    async def test_the_server_says_when_the_list_is_stale(self, shop, budi, simulator, device):
        await shop.text(budi, "1")
        budi.account.contacts.clear()  # nobody is told
        laptop = device(MemoryStore(simulator.link_directly(budi.number, pre_keys=0)))
        await laptop.event(Ready)
        await shop.text(budi, "2")
        await shop.text(budi, "3")
        assert (await laptop.event(MessageReceived)).text == "3"

    async def test_a_device_without_keys_is_left_out(self, shop, budi, simulator):
        simulator.link_directly(budi.number)  # it never came to give any
        await shop.text(budi, "Halo")
        await shows(budi, "Halo")

    async def test_nobody_has_keys(self, shop, budi, simulator, monkeypatch):
        monkeypatch.setattr("whatsapp.protocol.people_stanzas.read_bundles", lambda answer: {})
        with pytest.raises(QueryError, match="404"):
            await shop.text(budi, "Halo")
        assert simulator.counts(SHOP).messages == 0

    async def test_many_are_prepared_in_few_queries(self, shop, simulator):
        numbers = simulator.add_recipients(120)
        recipients = [*map(Jid, numbers), Jid("6280000000000")]
        before = simulator.counts(SHOP).queries
        found = await shop.client.prepare(recipients)
        assert simulator.counts(SHOP).queries - before <= 6
        assert [jid.user for jid, exists in found.items() if not exists] == ["6280000000000"]
        before = simulator.counts(SHOP).queries
        shop.store.failing |= {"load_sessions", "token_of"}  # nothing more has to be read
        for number in numbers[-5:]:
            await shop.text(number, "Halo")
        await until(lambda: len(simulator.tokens) == 5)
        assert simulator.counts(SHOP).queries - before == 5  # the right to answer, given to each
        await shows(simulator.phone(numbers[-1]), "Halo")

    async def test_numbers_are_checked_in_batches(self, shop, simulator):
        numbers = simulator.add_recipients(150)
        before = simulator.counts(SHOP).queries
        found = await shop.client.check_numbers([*numbers, "6280000000000"])
        assert simulator.counts(SHOP).queries - before == 2
        assert found == {**{number: Jid(number) for number in numbers}, "6280000000000": None}


class TestRefusals:
    async def test_a_refusal_has_its_code_and_is_not_repeated(self, shop, budi, simulator):
        simulator.fault("ack_error", SHOP, code=463, times=1)
        with pytest.raises(SendRefusedError) as raised:
            await shop.text(budi, "Halo")
        assert raised.value.code == 463
        assert simulator.counts(SHOP).refused_messages == 1
        await shop.text(budi, "Halo lagi")
        await shows(budi, "Halo lagi")

    async def test_a_stale_list_is_asked_for_and_the_message_sent_again(self, shop, budi, simulator):
        simulator.fault("ack_error", SHOP, code=479, times=1)
        await shop.text(budi, "Halo")
        await shows(budi, "Halo")
        simulator.fault("ack_error", SHOP, code=479)
        with pytest.raises(SendRefusedError) as raised:
            await shop.text(budi, "Halo lagi")
        assert raised.value.code == 479
        assert simulator.counts(SHOP).refused_messages == 3

    async def test_a_token_opens_a_chat(self, shop, budi, simulator):
        simulator.fault("token_required", SHOP)
        with pytest.raises(SendRefusedError):
            await shop.text(budi, "Halo")
        budi.give_token(SHOP)
        await until(lambda: shop.store.tokens and any(token.token for token in shop.store.tokens.values()))
        await shop.text(budi, "Halo")
        await shows(budi, "Halo")

    async def test_whom_we_write_to_may_answer(self, shop, budi, simulator):
        simulator.fault("ack_error", SHOP, times=1)
        with pytest.raises(SendRefusedError):
            await shop.text(budi, "Hai")
        assert not simulator.tokens
        await shop.text(budi, "Halo")
        await until(lambda: (SHOP, budi.number) in simulator.tokens)
        token = simulator.tokens[SHOP, budi.number]
        await shop.text(budi, "Halo lagi")
        await shows(budi, "Halo", "Halo lagi")
        assert simulator.tokens[SHOP, budi.number] == token  # once a week is enough


class TestEnds:
    """Whatever happens: sent again with the same id, it is shown exactly once."""

    async def again(self, open_shop, shop, budi):
        await shop.end()
        shop.store.failing.clear()
        second = await open_shop(shop.store)
        await second.text(budi, "Halo", "3EB0AB")
        await shows(budi, "Halo")

    @pytest.mark.parametrize("stage", ["message", "taken"])
    async def test_the_line_is_lost_around_the_ack(self, open_shop, shop, budi, simulator, stage):
        simulator.fault("drop", SHOP, stage=stage, times=1)
        with pytest.raises(NotConnectedError) as raised:
            await shop.text(budi, "Halo", "3EB0AB")
        assert raised.value.was_sent
        await self.again(open_shop, shop, budi)

    async def test_the_line_is_lost_before_the_message(self, open_shop, shop, budi, simulator):
        simulator.fault("deaf", SHOP)
        sending = asyncio.create_task(shop.text(budi, "Halo", "3EB0AB"))
        await asyncio.sleep(0.05)
        simulator.fault("drop", SHOP)
        with pytest.raises(NotConnectedError) as raised:
            await sending
        assert not raised.value.was_sent
        await simulator.lift(SHOP)
        await self.again(open_shop, shop, budi)

    async def test_the_ack_never_comes(self, open_shop, budi, simulator):
        shop = await open_shop(ack_timeout_s=0.2)
        simulator.fault("no_ack", SHOP)
        with pytest.raises(TimeoutError):
            await shop.text(budi, "Halo", "3EB0AB")
        await simulator.lift(SHOP)
        await shop.text(budi, "Halo", "3EB0AB")
        await shows(budi, "Halo")

    @pytest.mark.parametrize("method", ["load_sessions", "commit"])
    async def test_what_cannot_be_kept_is_not_sent(self, open_shop, shop, budi, simulator, method):
        shop.store.failing.add(method)
        with pytest.raises(NotConnectedError) as raised:
            await shop.text(budi, "Halo", "3EB0AB")
        assert not raised.value.was_sent
        assert (await shop.end()).reason == "store"
        assert simulator.counts(SHOP).messages == 0
        await self.again(open_shop, shop, budi)

    async def test_killed_between_the_store_and_the_wire(self, open_shop, budi, simulator):
        class Grave(MemoryStore):
            async def commit(self, changes):
                await super().commit(changes)
                if changes.sent:
                    self.died.set()
                    await asyncio.Event().wait()

        simulator.add_phone(SHOP)
        store = Grave(simulator.link_directly(SHOP, pre_keys=0))
        store.died = asyncio.Event()
        shop = await open_shop(store)
        sending = asyncio.create_task(shop.text(budi, "Halo", "3EB0AB"))
        await store.died.wait()
        await shop.crash()
        alive = MemoryStore(store.credentials)
        alive.__dict__.update({key: value for key, value in store.__dict__.items() if key != "died"})
        second = await open_shop(alive)
        await second.text(budi, "Halo", "3EB0AB")
        await shows(budi, "Halo")
        sending.cancel()

    async def test_a_cancelled_send_never_uses_a_key_twice(self, shop, budi):
        await shop.text(budi, "0")
        for number in range(1, 6):
            sending = asyncio.create_task(shop.text(budi, f"never {number}"))
            for _ in range(number):
                await asyncio.sleep(0)
            sending.cancel()
            await asyncio.wait([sending])
        await shop.text(budi, "Halo")
        await until(lambda: "Halo" in texts(budi.inbox))

    async def test_without_a_connection_nothing_is_sent(self, shop, budi):
        await shop.client.close()
        await shop.end()
        with pytest.raises(NotConnectedError) as raised:
            await shop.text(budi, "Halo")
        assert not raised.value.was_sent


class TestFiles:
    @pytest.mark.parametrize("size", [0, 100_000])
    async def test_an_image_is_uploaded_once_and_sent_to_many(self, shop, budi, simulator, size):
        siti = simulator.add_phone("6281111111111")
        data = bytes(size)
        media = await shop.client.upload(data, MediaKind.IMAGE)
        for phone in (budi, siti):
            content = Image(media, caption="Promo", width=10, height=10)
            await shop.client.send_message(Jid(phone.number), content, message_id=f"3EB0{phone.number}")
            await until(lambda phone=phone: phone.inbox.messages)
            (message,) = phone.inbox.messages.values()
            assert (message.kind, message.text, message.media, message.problem) == ("image", "Promo", data, "")
        assert simulator.media.uploads == 1

    async def test_a_document_has_its_name(self, shop, budi):
        media = await shop.client.upload(b"%PDF", MediaKind.DOCUMENT)
        content = Document(media, caption="Harga", mimetype="application/pdf", file_name="harga.pdf")
        await shop.client.send_message(Jid(budi.number), content, message_id="3EB0D")
        await until(lambda: budi.inbox.messages)
        (message,) = budi.inbox.messages.values()
        assert (message.kind, message.file_name, message.media) == ("document", "harga.pdf", b"%PDF")

    async def test_a_server_that_takes_none(self, shop, simulator):
        simulator.fault("media", SHOP, code=503)
        with pytest.raises(UploadError) as raised:
            await shop.client.upload(b"x", MediaKind.IMAGE)
        assert raised.value.status == 503
        simulator.media.hostname = "127.0.0.1:1"
        with pytest.raises(UploadError) as raised:
            await shop.client.upload(b"x", MediaKind.IMAGE)
        assert raised.value.status is None


async def test_a_message_of_many_devices_is_one_commit(shop, budi, simulator):
    await shop.text(budi, "1")
    before = len(shop.store.commits)
    await shop.client.send_message(Jid(budi.number), Text("Rahasia"), message_id="3EB02")
    commits = [changes for changes in shop.store.commits[before:] if changes.sent]
    assert len(commits) == 1
    assert len(commits[0].sessions) == 2
    assert "Rahasia" not in repr(commits[0])
