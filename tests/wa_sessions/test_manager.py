"""The manager over real sockets: linking, restoring, surviving, stopping."""

import asyncio

import pytest

from tests.wa_sessions.house import open_house
from wa_sessions import selectors, services
from wa_sessions.credential_store import CredentialStore
from wa_sessions.models import Credential, WhatsAppSession

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_links_an_outlet_and_keeps_it_connected():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.link(jakarta)
        row = await house.becomes(jakarta, "CONNECTED")
        assert row.jid.startswith("6287788987745:")
        assert (row.retry_count, row.cause, row.qr) == (0, "", None)
        status = await house.status(jakarta)
        assert (status["healthy"], status["synced"], status["liveStatus"]["status"]) == (True, False, "CONNECTED")
        assert [flip[:2] for flip in await house.flips(jakarta)] == [
            ("DISCONNECTED", "CONNECTING"),
            ("CONNECTING", "CONNECTED"),
        ]
        counts = house.simulator.counts(jakarta.whatsapp_number)
        assert (counts.sockets, counts.max_sockets, counts.mistakes) == (1, 1, 0)


async def test_it_pauses_resumes_disconnects_and_comes_back_without_a_scan():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        for wish, status in (
            (services.session_pause, "PAUSED"),
            (services.session_resume, "CONNECTED"),
            (services.session_disconnect, "DISCONNECTED"),
            (services.session_connect, "CONNECTED"),
        ):
            await house.ask(wish, jakarta)
            await house.becomes(jakarta, status)
        assert house.simulator.counts(jakarta.whatsapp_number).pairings == 1


async def test_it_restores_every_outlet_that_people_want_online():
    async with open_house() as house:
        jakarta, bandung, medan = house.cast.jakarta, house.cast.bandung, house.cast.medan
        await house.linked(jakarta, bandung)
        await house.ask(services.session_pause, bandung)
        await house.becomes(bandung, "PAUSED")
        await house.ask(services.session_connect, medan)
        await house.becomes(medan, "CONNECTING")
        await house.stop()
        for outlet in (jakarta, bandung, medan):
            assert (await house.row(outlet))["status"] == "DISCONNECTED"
        await house.start()
        await house.becomes(jakarta, "CONNECTED")
        await house.becomes(bandung, "PAUSED")
        await asyncio.sleep(0.5)
        assert (await house.row(medan))["status"] == "DISCONNECTED"  # nobody asked for a QR again


async def test_it_leaves_no_lie_behind_when_it_crashes():
    async with open_house() as house:
        jakarta, medan = house.cast.jakarta, house.cast.medan
        await house.linked(jakarta)
        await house.ask(services.session_connect, medan)
        await house.until(lambda: WhatsAppSession.objects.filter(pk=medan.pk, qr__isnull=False).exists())
        await house.crash()
        assert (await house.status(jakarta))["unverified"]
        await house.start()
        await house.becomes(medan, "DISCONNECTED")
        await house.becomes(jakarta, "CONNECTED")
        assert house.simulator.counts(jakarta.whatsapp_number).pairings == 1


async def test_it_dials_once_however_many_people_press_connect():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        await house.ask(services.session_disconnect, jakarta)
        await house.becomes(jakarta, "DISCONNECTED")
        dials = house.simulator.counts().dials
        await asyncio.gather(*(house.ask(services.session_connect, jakarta) for _ in range(50)))
        await house.becomes(jakarta, "CONNECTED")
        await asyncio.sleep(0.3)
        assert house.simulator.counts().dials == dials + 1
        assert house.simulator.counts(jakarta.whatsapp_number).max_sockets == 1


async def test_it_unlinks_a_phone_with_the_wrong_number_and_names_both():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.link(jakarta, phone="6281999999999")
        row = await house.becomes(jakarta, "FAILED")
        assert (row.cause, row.jid) == ("wrong_number", "")
        assert row.cause_detail == {"scanned": "6281999999999", "expected": "6287788987745"}
        await house.until(lambda: not house.simulator.phone("6281999999999").devices)
        assert not [flip for flip in await house.flips(jakarta) if flip[1] == "CONNECTED"]


async def test_it_unlinks_at_whatsapp_before_it_forgets_the_keys():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        await house.ask(services.session_unlink, jakarta)
        row = await house.becomes(jakarta, "DISCONNECTED")
        await house.until(lambda: not house.simulator.phone(jakarta.whatsapp_number).devices)
        await house.until(lambda: not WhatsAppSession.objects.get(pk=jakarta.pk).jid)
        assert row.intent == "OFFLINE"


async def test_it_gives_a_code_to_people_who_cannot_scan():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        phone = house.simulator.add_phone(jakarta.whatsapp_number)
        await house.ask(services.session_connect, jakarta, by_code=True)
        code = await house.until(lambda: selectors.pairing_code_of(jakarta))
        await phone.enter_code(code)
        await house.becomes(jakarta, "CONNECTED")


async def test_it_drops_the_socket_when_somebody_newer_owns_the_outlet():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        await WhatsAppSession.objects.filter(pk=jakarta.pk).aupdate(owner="somebody", epoch=99, status="CONNECTED")
        house.manager.nudge()
        await house.until(lambda: house.simulator.counts(jakarta.whatsapp_number).sockets == 0)
        row = await house.row(jakarta)
        assert (row["owner"], row["status"]) == ("somebody", "CONNECTED")


async def test_it_survives_the_failure_of_one_runner(monkeypatch):
    async with open_house() as house:
        jakarta, bandung = house.cast.jakarta, house.cast.bandung
        await house.linked(jakarta, bandung)
        victim = house.manager._runners[jakarta.pk]

        async def fail(self):
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr("whatsapp.client.Client.run", fail)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        await house.until(lambda: victim.state.retry_count >= 2)
        monkeypatch.undo()
        assert (await house.status(bandung))["healthy"]
        await house.becomes(jakarta, "CONNECTED")


async def test_it_closes_the_socket_of_an_outlet_that_is_deactivated():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        jakarta.is_active = False
        await jakarta.asave()
        row = await house.becomes(jakarta, "DISCONNECTED")
        assert row.cause == "inactive"
        assert house.simulator.counts(jakarta.whatsapp_number).sockets == 0
        jakarta.is_active = True
        await jakarta.asave()
        await house.becomes(jakarta, "CONNECTED")


async def test_it_pairs_anew_over_keys_that_a_crash_left_behind():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        await house.crash()
        await WhatsAppSession.objects.filter(pk=jakarta.pk).aupdate(jid="", intent="OFFLINE")
        await house.start()
        await house.ask(services.session_connect, jakarta)
        await house.scan(jakarta)
        await house.becomes(jakarta, "CONNECTED")
        assert house.simulator.counts(jakarta.whatsapp_number).pairings == 2


async def test_a_wish_that_interrupts_the_wiping_of_keys_does_not_undo_it(monkeypatch):
    may_wipe, wipe = asyncio.Event(), CredentialStore.wipe

    async def slow_wipe(store):
        await may_wipe.wait()
        await wipe(store)

    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        monkeypatch.setattr(CredentialStore, "wipe", slow_wipe)
        await house.ask(services.session_unlink, jakarta)
        await house.becomes(jakarta, "DISCONNECTED")
        await house.ask(services.session_connect, jakarta)
        await house.becomes(jakarta, "CONNECTING")
        await asyncio.sleep(0.2)  # it waits for the keys to be gone
        await house.ask(services.session_disconnect, jakarta)
        await house.becomes(jakarta, "DISCONNECTED")
        may_wipe.set()
        await house.until(lambda: not Credential.objects.filter(session_id=jakarta.pk).exists())
        await house.ask(services.session_connect, jakarta)
        await house.scan(jakarta)
        await house.becomes(jakarta, "CONNECTED")
