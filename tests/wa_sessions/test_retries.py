"""How attempts are counted, when they stop, and what they never do: over real sockets."""

import asyncio

import pytest

from tests.wa_sessions.house import House, open_house
from wa_sessions import backoff, services
from wa_sessions.lifecycle_types import Policy
from wa_sessions.models import Credential, WhatsAppSession

pytestmark = pytest.mark.django_db(transaction=True)

WINDOW_S = 0.8


def dials(house: House) -> int:
    return house.simulator.counts().dials


async def stays(house: House, outlet, dials_now: int) -> None:
    """Nothing more is dialled in the window."""
    await asyncio.sleep(WINDOW_S)
    assert dials(house) == dials_now
    assert house.simulator.counts(outlet.whatsapp_number).max_sockets == 1
    assert house.simulator.mistakes == []


async def test_it_counts_retries_and_forgets_them_once_it_is_back():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        house.manager.policy = Policy(retry_delay_s=0.4, slow_retry=False)
        house.simulator.fault("failure", jakarta.whatsapp_number, code=503, times=2)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        seen = []
        for count in (1, 2, 3):
            await house.until(
                lambda count=count: WhatsAppSession.objects.filter(pk=jakarta.pk, retry_count=count).first()
            )
            row = await house.row(jakarta)
            seen.append((row["retry_count"], row["status"], row["cause"]))
        assert seen == [
            (1, "CONNECTING", "line_lost"),
            (2, "CONNECTING", "server_error"),
            (3, "CONNECTING", "server_error"),
        ]
        row = await house.becomes(jakarta, "CONNECTED")
        assert (row.retry_count, row.cause, row.retry_at) == (0, "", None)
        assert house.simulator.counts(jakarta.whatsapp_number).dials == 4
        assert [flip[:2] for flip in await house.flips(jakarta)][-2:] == [
            ("CONNECTED", "CONNECTING"),
            ("CONNECTING", "CONNECTED"),
        ]


async def test_it_restarts_at_once_and_never_counts_that():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        house.manager.policy = Policy(retry_delay_s=30, slow_retry=False)  # a counted retry would not be back in time
        before = dials(house)
        for number in range(1, 4):
            house.simulator.fault("stream_error", jakarta.whatsapp_number, code=515)
            await house.until(lambda number=number: dials(house) == before + number)
            row = await house.becomes(jakarta, "CONNECTED")
            assert row.retry_count == 0
            await house.until(lambda: house.simulator.sessions(jakarta.whatsapp_number))
        await stays(house, jakarta, before + 3)


async def test_it_does_not_let_endless_restarts_keep_it_dialling():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        before = dials(house)
        house.simulator.fault("stream_error", jakarta.whatsapp_number, code=515, times=10_000)
        row = await house.becomes(jakarta, "FAILED")
        assert (row.cause, row.retry_count) == ("restart", 3)
        made = dials(house) - before
        assert made <= 10
        await stays(house, jakarta, before + made)


async def test_it_does_not_spin_when_each_login_ends_in_a_restart():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        house.manager.policy = Policy(retry_delay_s=0.5, slow_retry=False)
        before = dials(house)

        async def restart_whatever_is_ready() -> None:
            while True:
                if (await house.row(jakarta))["status"] == "CONNECTED":
                    house.simulator.fault("stream_error", jakarta.whatsapp_number, code=515)
                await asyncio.sleep(0.005)

        task = asyncio.get_running_loop().create_task(restart_whatever_is_ready())
        await asyncio.sleep(3)
        task.cancel()
        assert dials(house) - before <= 5 + 7  # five at once, then one in half a second
        await house.becomes(jakarta, "CONNECTED")


async def test_it_says_failed_when_not_all_attempts_died_of_waiting():
    async with open_house(login_timeout_s=0.5) as house:
        jakarta, number = house.cast.jakarta, house.cast.jakarta.whatsapp_number
        await house.linked_directly(jakarta)
        house.simulator.fault("black_hole", number, stage="login", times=99)
        house.simulator.fault("failure", number, code=500, times=1)
        house.simulator.fault("drop", number)
        row = await house.becomes(jakarta, "FAILED")
        assert (row.retry_count, row.cause) == (3, "timed_out")


async def test_it_goes_on_quietly_and_comes_back(monkeypatch):
    for name, value in (("SLOW_BASE_S", 0.2), ("SLOW_CAP_S", 0.4), ("SLOW_FLOOR_S", 0.1)):
        monkeypatch.setattr(backoff, name, value)
    async with open_house() as house:
        jakarta, number = house.cast.jakarta, house.cast.jakarta.whatsapp_number
        await house.linked_directly(jakarta)
        house.manager.policy = Policy(retry_delay_s=0.05, slow_retry=True)
        fault = house.simulator.fault("failure", number, code=503)
        house.simulator.fault("drop", number)
        await house.becomes(jakarta, "FAILED")
        before = dials(house)
        await asyncio.sleep(1.5)
        assert 3 <= dials(house) - before <= 16
        row = await house.row(jakarta)
        assert (row["status"], row["retry_count"], row["cause"]) == ("FAILED", 3, "server_error")
        assert row["retry_at"] is not None
        assert len(await house.flips(jakarta)) == 4  # CONNECTING, CONNECTED, CONNECTING, FAILED: no noise since then
        await house.simulator.lift(fault_id=fault.fault_id)
        row = await house.becomes(jakarta, "CONNECTED")
        assert (row.retry_count, row.cause, row.retry_at) == (0, "", None)
        assert (await house.flips(jakarta))[-1][:2] == ("FAILED", "CONNECTED")


async def test_it_tries_nothing_by_itself_where_auto_reconnect_is_off():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        await house.ask(services.session_configure, jakarta, auto_reconnect=False)
        await house.until(lambda: not house.manager._runners[jakarta.pk].state.auto_reconnect)
        before = dials(house)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        row = await house.becomes(jakarta, "DISCONNECTED")
        assert (row.retry_count, row.cause, row.intent) == (0, "line_lost", "ONLINE")
        await stays(house, jakarta, before)
        await house.ask(services.session_connect, jakarta)
        await house.becomes(jakarta, "CONNECTED")


async def test_it_gives_up_at_once_where_no_retries_are_wanted():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        await house.ask(services.session_configure, jakarta, max_retries=0)
        await house.until(lambda: house.manager._runners[jakarta.pk].state.max_retries == 0)
        before = dials(house)
        house.simulator.fault("drop", jakarta.whatsapp_number)
        row = await house.becomes(jakarta, "FAILED")
        assert (row.retry_count, row.cause) == (0, "line_lost")
        await stays(house, jakarta, before)


async def test_it_comes_back_paused_when_it_was_paused():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        await house.ask(services.session_pause, jakarta)
        await house.becomes(jakarta, "PAUSED")
        for fault in ({"kind": "drop"}, {"kind": "stream_error", "code": 515}, {"kind": "stream_error", "code": 503}):
            before = dials(house)
            house.simulator.fault(number=jakarta.whatsapp_number, **fault)
            await house.until(lambda before=before: dials(house) == before + 1)
            await house.becomes(jakarta, "PAUSED")
            await house.until(lambda: house.simulator.sessions(jakarta.whatsapp_number))
        assert "CONNECTED" not in [flip[1] for flip in (await house.flips(jakarta))[3:]]
        assert (await house.row(jakarta))["intent"] == "PAUSED"


async def test_it_waits_for_the_end_of_a_ban_and_dials_then():
    async with open_house() as house:
        jakarta, number = house.cast.jakarta, house.cast.jakarta.whatsapp_number
        await house.linked_directly(jakarta)
        house.simulator.fault("failure", number, code=402, ban_code=101, expire_s=2, times=1)
        house.simulator.fault("drop", number)
        row = await house.becomes(jakarta, "FAILED")
        assert row.cause == "temporary_ban"
        before = dials(house)
        with pytest.raises(services.WishRefused):
            await house.ask(services.session_connect, jakarta)
        await stays(house, jakarta, before)
        await house.becomes(jakarta, "CONNECTED")
        assert dials(house) == before + 1


async def test_it_fights_for_no_connection_that_somebody_else_has_taken():
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        house.simulator.fault("stream_error", jakarta.whatsapp_number, conflict="replaced")
        await house.becomes(jakarta, "FAILED")
        before = dials(house)
        await house.stop()
        await house.start()  # not even a new start of the server takes it back
        await stays(house, jakarta, before)
        assert (await house.row(jakarta))["cause"] == "replaced"
        await house.ask(services.session_connect, jakarta)
        await house.becomes(jakarta, "CONNECTED")


async def test_it_finds_a_dead_line_and_connects_anew():
    async with open_house(ping_interval_s=0.4, ping_timeout_s=0.6) as house:
        jakarta, number = house.cast.jakarta, house.cast.jakarta.whatsapp_number
        await house.linked_directly(jakarta)
        house.simulator.fault("black_hole", number, times=None)
        await house.becomes(jakarta, "CONNECTING", patience_s=5)
        assert (await house.row(jakarta))["cause"] == "timed_out"
        await house.simulator.lift()
        await house.becomes(jakarta, "CONNECTED")
        assert house.simulator.counts(number).max_sockets == 1


async def test_it_stays_on_a_line_that_answers_its_pings():
    async with open_house(ping_interval_s=0.3, ping_timeout_s=1.0) as house:
        jakarta, number = house.cast.jakarta, house.cast.jakarta.whatsapp_number
        await house.linked_directly(jakarta)
        before = dials(house)
        house.simulator.fault("deaf", number)
        house.simulator.fault("slow", number, delay_s=0.3)
        await asyncio.sleep(1.5)
        await stays(house, jakarta, before)
        assert (await house.status(jakarta))["healthy"]


# Pairing: a QR is opened only when a person asks.


@pytest.mark.parametrize(
    ("fault", "status", "cause"),
    [
        ({"kind": "drop"}, "FAILED", "pairing_interrupted"),
        ({"kind": "close"}, "FAILED", "pairing_interrupted"),
        ({"kind": "stream_end"}, "FAILED", "pairing_interrupted"),
        ({"kind": "stream_error", "code": 515}, "FAILED", "pairing_interrupted"),
        ({"kind": "stream_error", "code": 503}, "FAILED", "pairing_interrupted"),
        ({"kind": "stream_error", "code": 405}, "FAILED", "outdated"),
        ({"kind": "garbage", "which": "frame"}, "FAILED", "pairing_interrupted"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else value,
)
async def test_it_never_opens_a_qr_again_by_itself(fault, status, cause):
    async with open_house() as house:
        medan = house.cast.medan
        await house.ask(services.session_connect, medan)
        await house.until(lambda: WhatsAppSession.objects.filter(pk=medan.pk, qr__isnull=False).exists())
        before = dials(house)
        house.simulator.fault(**fault)
        row = await house.becomes(medan, status)
        assert (row.cause, row.intent, row.retry_count, row.qr) == (cause, "ONLINE", 0, None)
        await asyncio.sleep(WINDOW_S)
        assert dials(house) == before
        assert house.simulator.counts().sockets == 0
        assert (await house.status(medan))["liveStatus"] == {"status": "DISCONNECTED", "qrCode": None, "name": None}


async def test_it_rests_when_nobody_scanned_until_somebody_asks_again():
    async with open_house(qr_first_s=0.3, qr_next_s=0.1) as house:
        medan = house.cast.medan
        await house.ask(services.session_connect, medan)
        row = await house.becomes(medan, "TIMEOUT")
        assert (row.cause, row.qr, row.retry_count, row.intent) == ("not_scanned", None, 0, "ONLINE")
        assert house.simulator.counts().sockets == 0
        before = dials(house)
        await asyncio.sleep(WINDOW_S)
        assert dials(house) == before
        await house.link(medan)
        await house.becomes(medan, "CONNECTED")


@pytest.mark.parametrize(
    ("code", "cause"), [(405, "outdated"), (403, "locked"), (409, "refused"), (503, "pairing_interrupted")]
)
async def test_it_rests_when_a_registration_is_refused(code, cause):
    async with open_house() as house:
        medan = house.cast.medan
        house.simulator.fault("failure", code=code)
        await house.ask(services.session_connect, medan)
        row = await house.becomes(medan, "FAILED")
        assert (row.cause, row.jid) == (cause, "")
        before = dials(house)
        await asyncio.sleep(WINDOW_S)
        assert dials(house) == before == 1


async def test_it_logs_in_when_the_line_breaks_between_the_scan_and_the_restart(monkeypatch):
    """Pair-success is on disk, 515 never came."""
    from whatsapp.simulator.session import Session

    send = Session.stream_error

    def break_instead(self, code=None, conflict=None):
        if code == 515:
            self.wire.reset()
        else:
            send(self, code, conflict)

    monkeypatch.setattr(Session, "stream_error", break_instead)
    async with open_house() as house:
        medan = house.cast.medan
        await house.link(medan)
        await house.becomes(medan, "CONNECTED")
        assert await Credential.objects.filter(session_id=medan.pk).aexists()
        counts = house.simulator.counts(medan.whatsapp_number)
        assert (counts.pairings, counts.max_sockets) == (1, 1)
