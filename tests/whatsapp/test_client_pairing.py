"""The client while it is linked to a phone: against the simulator, over real sockets."""

import asyncio
import base64

import pytest

from tests.whatsapp.peer import MemoryStore
from whatsapp.ends import EndKind
from whatsapp.events import LoggedIn, Paired, QrCode, Ready
from whatsapp.exceptions import NotConnectedError
from whatsapp.protocol.keys import new_credentials

NUMBER = "6287788987745"


class TestPairing:
    async def test_a_scan_links_restarts_and_logs_in(self, simulator, device):
        phone = simulator.add_phone(NUMBER, name="Toko Jakarta")
        first = device(pairing=True)
        code = await first.event(QrCode)
        assert (code.valid_s, code.is_last) == (60, False)
        await phone.scan(code.text)
        paired = await first.event(Paired)
        assert (paired.jid.user, paired.platform) == (NUMBER, "android")
        assert (await first.end()).kind is EndKind.RESTART
        assert first.client.user is None

        second = device(first.store)
        await second.event(Ready)
        assert [type(event) for event in second.events] == [LoggedIn, Ready]
        assert second.events[0].jid == paired.jid
        assert second.events[0].display_name == "Toko Jakarta"
        assert second.client.user == paired.jid
        assert second.client.is_open
        assert len(second.store.uploaded) == 30

    async def test_a_code_links_too(self, simulator, device):
        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True)
        await pairing.event(QrCode)
        code = await pairing.client.request_pairing_code(NUMBER)
        await phone.enter_code(f"{code[:4]}-{code[4:]}")
        assert (await pairing.end()).kind is EndKind.RESTART
        again = device(pairing.store)
        await again.event(Ready)
        assert again.client.user.user == NUMBER

    async def test_nothing_is_linked_when_the_credentials_cannot_be_saved(self, simulator, device):
        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True)
        pairing.store.failing.add("save_credentials")
        code = await pairing.event(QrCode)
        scan = asyncio.create_task(phone.scan(code.text, timeout_s=1))
        end = await pairing.end()
        assert (end.kind, end.reason) == (EndKind.TRANSIENT, "store")
        await asyncio.gather(scan, return_exceptions=True)
        assert isinstance(scan.exception(), Exception)
        assert phone.devices == []
        assert not [event for event in pairing.events if isinstance(event, Paired)]

    async def test_a_line_lost_while_saving_has_paired_nothing(self, simulator, device):
        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True)
        saving, save = asyncio.Event(), pairing.store.save_credentials

        async def slow_save(credentials):
            saving.set()
            await asyncio.sleep(0.1)
            await save(credentials)

        pairing.store.save_credentials = slow_save
        scan = asyncio.create_task(phone.scan((await pairing.event(QrCode)).text, timeout_s=1))
        await saving.wait()
        simulator.fault("drop")
        assert (await pairing.end()).kind is EndKind.TRANSIENT
        await asyncio.gather(scan, return_exceptions=True)
        assert [type(event) for event in pairing.events] == [QrCode]
        assert phone.devices == []

    async def test_a_disk_slower_than_the_keepalive_does_not_cost_the_pairing(self, simulator, device):
        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True, ping_interval_s=0.05, ping_timeout_s=0.05)
        save = pairing.store.save_credentials

        async def slow_save(credentials):
            await asyncio.sleep(0.4)
            await save(credentials)

        pairing.store.save_credentials = slow_save
        await phone.scan((await pairing.event(QrCode)).text)
        assert (await pairing.end()).kind is EndKind.RESTART

    async def test_refs_follow_each_other_until_none_is_left(self, device):
        pairing = device(pairing=True, qr_first_s=0.15, qr_next_s=0.05)
        end = await pairing.end()
        assert end.kind is EndKind.NOT_SCANNED
        assert [event.valid_s for event in pairing.events] == [0.15] + [0.05] * 5
        assert [event.is_last for event in pairing.events] == [False] * 5 + [True]
        assert len({event.text for event in pairing.events}) == 6

    async def test_without_the_wish_to_pair_no_qr_is_ever_asked_for(self, simulator, device):
        end = await device().end()
        assert (end.kind, end.reason) == (EndKind.UNLINKED, "no_credentials")
        assert simulator.counts().dials == 0

    async def test_a_code_needs_a_qr_on_show(self, linked):
        ready = linked()
        await ready.event(Ready)
        with pytest.raises(NotConnectedError):
            await ready.client.request_pairing_code(NUMBER)

    async def test_a_code_needs_a_number(self, device):
        pairing = device(pairing=True)
        await pairing.event(QrCode)
        with pytest.raises(ValueError, match="digits"):
            await pairing.client.request_pairing_code("08123")

    async def test_a_device_unlinked_before_may_pair_again_with_its_old_keys(self, simulator, device):
        credentials = new_credentials()
        pairing = device(MemoryStore(credentials), pairing=True)
        code = await pairing.event(QrCode)
        assert base64.b64encode(credentials.adv_secret).decode() in code.text
