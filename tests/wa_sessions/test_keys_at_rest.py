"""Keys that change or get lost, as the people who run the server meet them."""

from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet
from django.core.management import call_command

from tests.wa_sessions.house import open_house
from wa_sessions import manager as manager_module, services
from wa_sessions.models import WhatsAppSession

pytestmark = pytest.mark.django_db(transaction=True)


@sync_to_async
def rotate() -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("rotate_credential_keys", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


async def test_it_takes_a_new_key_and_lets_the_old_one_go(settings):
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        await house.stop()
        old, new = settings.CREDENTIAL_KEYS, Fernet.generate_key().decode()
        settings.CREDENTIAL_KEYS = [new, *old]
        said, complaints = await rotate()
        assert "1" in said
        assert complaints == ""
        settings.CREDENTIAL_KEYS = [new]
        await house.start()
        await house.becomes(jakarta, "CONNECTED")
        assert house.simulator.counts(jakarta.whatsapp_number).pairings == 1


async def test_it_asks_for_a_new_scan_when_the_key_is_lost(settings):
    async with open_house() as house:
        jakarta, bandung = house.cast.jakarta, house.cast.bandung
        await house.linked(jakarta)
        await house.stop()
        settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
        await house.start()
        row = await house.becomes(jakarta, "FAILED")
        assert row.cause == "key_lost"
        status = await house.status(jakarta)
        assert status["cause"]["message"]
        assert "connect" in status["actions"]
        assert f"outlet_{jakarta.pk}" in (await rotate())[1]
        await house.linked(bandung)  # nobody else is concerned
        await house.ask(services.session_connect, jakarta)
        await house.scan(jakarta)
        await house.becomes(jakarta, "CONNECTED")


async def test_it_moves_last_seen_when_the_server_answers(monkeypatch):
    monkeypatch.setattr(manager_module, "LAST_SEEN_S", 0.3)
    async with open_house(ping_interval_s=0.2) as house:
        jakarta = house.cast.jakarta
        await house.linked(jakarta)
        first = (await house.row(jakarta))["last_seen"]
        await house.until(lambda: WhatsAppSession.objects.get(pk=jakarta.pk).last_seen > first)
        house.simulator.fault("black_hole", jakarta.whatsapp_number)
        silent = (await house.row(jakarta))["last_seen"]
        await house.until(lambda: WhatsAppSession.objects.get(pk=jakarta.pk).status != "CONNECTED", 20)
        last = (await house.row(jakarta))["last_seen"]
        assert (last - silent).total_seconds() < 1.0  # nothing was heard after the silence began
