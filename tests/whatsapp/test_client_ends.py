"""How connections of the client end, and what it says of that: against the simulator, over real sockets."""

import asyncio
import time

import pytest

from tests.whatsapp.device import until
from tests.whatsapp.peer import MemoryStore
from whatsapp.client import Client
from whatsapp.ends import EndKind
from whatsapp.events import Ready
from whatsapp.options import ClientOptions

NUMBER = "6287788987745"


ORDERED = [
    (("drop", {}), EndKind.TRANSIENT, 428, "closed"),
    (("close", {}), EndKind.TRANSIENT, 428, "closed"),
    (("close", {"code": 1011}), EndKind.TRANSIENT, 428, "closed"),
    (("stream_end", {}), EndKind.TRANSIENT, 428, "stream_end"),
    (("stream_error", {"code": 515}), EndKind.RESTART, 515, "stream_error"),
    (("stream_error", {"code": 503}), EndKind.TRANSIENT, 503, "stream_error"),
    (("stream_error", {"code": 500}), EndKind.TRANSIENT, 500, "stream_error"),
    (("stream_error", {"code": 401, "conflict": "device_removed"}), EndKind.UNLINKED, 401, "stream_error"),
    (("stream_error", {"conflict": "replaced"}), EndKind.REPLACED, 440, "stream_error"),
    (("garbage", {"which": "frame"}), EndKind.TRANSIENT, None, "bad_frame"),
    (("garbage", {"which": "node"}), EndKind.TRANSIENT, None, "bad_node"),
    (("garbage", {"which": "deep"}), EndKind.TRANSIENT, None, "bad_node"),
    (("garbage", {"which": "bomb"}), EndKind.TRANSIENT, None, "bad_node"),
    (("garbage", {"which": "text"}), EndKind.TRANSIENT, None, "bad_frame"),
    (("garbage", {"which": "cut"}), EndKind.TRANSIENT, 428, "closed"),
]


class TestEnds:
    @pytest.mark.parametrize(("order", "kind", "code", "reason"), ORDERED, ids=str)
    async def test_of_a_line_that_stood(self, simulator, linked, order, kind, code, reason):
        ready = linked()
        await ready.event(Ready)
        simulator.fault(order[0], NUMBER, **order[1])
        end = await ready.end()
        assert (end.kind, end.code, end.reason, end.network) == (kind, code, reason, False)
        assert ready.client.user is None
        assert not ready.client.is_open

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (401, EndKind.UNLINKED),
            (403, EndKind.LOCKED),
            (405, EndKind.OUTDATED),
            (406, EndKind.BANNED),
            (409, EndKind.REFUSED),
            (499, EndKind.REFUSED),
            (500, EndKind.TRANSIENT),
            (503, EndKind.TRANSIENT),
        ],
    )
    async def test_of_a_refused_login(self, simulator, linked, code, kind):
        simulator.add_phone(NUMBER)
        simulator.fault("failure", NUMBER, code=code)
        end = await linked().end()
        assert (end.kind, end.code, end.reason) == (kind, code, "failure")

    async def test_of_a_temporary_ban(self, simulator, linked):
        simulator.fault("failure", code=402, ban_code=104, expire_s=840)
        end = await linked().end()
        assert (end.kind, end.expires_in_s, end.detail) == (EndKind.TEMPORARY_BAN, 840, "104")

    @pytest.mark.parametrize(
        ("order", "code", "reason"),
        [
            (("http", {}), 503, "http"),
            (("http", {"code": 429}), 429, "http"),
            (("refuse", {}), None, "upgrade"),
            (("refuse", {"which": "port"}), None, "connect"),
            (("certificate", {}), None, "certificate"),
            (("black_hole", {"stage": "upgrade"}), 408, "upgrade_timeout"),
            (("black_hole", {"stage": "hello"}), 408, "hello_timeout"),
        ],
        ids=str,
    )
    async def test_of_a_dial_that_never_reached_the_account(self, simulator, linked, order, code, reason):
        simulator.fault(order[0], **order[1])
        end = await linked(upgrade_timeout_s=0.2, hello_timeout_s=0.2).end()
        assert (end.kind, end.code, end.reason, end.network) == (EndKind.TRANSIENT, code, reason, True)

    async def test_of_a_login_that_nobody_answers(self, simulator, linked):
        simulator.add_phone(NUMBER)
        simulator.fault("black_hole", NUMBER)
        end = await linked(login_timeout_s=0.2).end()
        assert (end.reason, end.code, end.network) == ("login_timeout", 408, False)

    async def test_of_a_server_that_answers_pings_only(self, simulator, linked):
        simulator.fault("deaf")
        deaf = linked(query_timeout_s=0.3, ping_interval_s=0.1)
        end = await deaf.end()
        assert (end.kind, end.reason) == (EndKind.TRANSIENT, "query_timeout")
        assert not [event for event in deaf.events if isinstance(event, Ready)]

    async def test_of_a_dead_peer_that_still_acknowledges_tcp(self, simulator, linked):
        ready = linked(ping_interval_s=0.3, ping_timeout_s=0.2)
        await ready.event(Ready)
        started = time.monotonic()
        simulator.fault("black_hole", NUMBER)
        end = await ready.end()
        assert (end.kind, end.reason, end.network) == (EndKind.TRANSIENT, "keepalive", False)
        assert 0.2 < time.monotonic() - started < 0.8

    async def test_a_quiet_line_lives_as_long_as_it_answers(self, linked):
        ready = linked(ping_interval_s=0.05, ping_timeout_s=0.1)
        await ready.event(Ready)
        first = ready.client.answered_at
        await asyncio.sleep(0.5)
        assert ready.client.is_open
        assert ready.client.answered_at > first + 0.3


class TestClosing:
    async def test_closing_is_an_end_of_its_own(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        await ready.client.close()
        await ready.client.close()
        end = await ready.end()
        assert (end.kind, end.reason) == (EndKind.CLOSED, "closed_by_us")
        await until(lambda: simulator.counts(NUMBER).sockets == 0)

    async def test_before_the_dial(self, simulator):
        client = Client(MemoryStore(), lambda event: None, ClientOptions(url=simulator.url))
        await client.close()
        assert (await client.run()).kind is EndKind.CLOSED

    @pytest.mark.parametrize("stage", ["upgrade", "hello"])
    async def test_in_the_middle_of_a_dial(self, simulator, linked, stage):
        simulator.fault("black_hole", stage=stage)
        dialling = linked()
        await asyncio.sleep(0.05)
        await dialling.client.close()
        assert (await dialling.end()).kind is EndKind.CLOSED

    async def test_a_cancelled_run_leaves_no_socket(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        ready.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ready.task
        await until(lambda: simulator.counts(NUMBER).sockets == 0)
        ready.task = asyncio.create_task(asyncio.sleep(0))

    async def test_a_client_runs_once(self, linked):
        ready = linked()
        await ready.event(Ready)
        with pytest.raises(RuntimeError, match="once"):
            await ready.client.run()

    async def test_unlinking_removes_the_device(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        await ready.client.unlink()
        assert simulator.phone(NUMBER).devices == []
        assert (await ready.end()).kind is EndKind.UNLINKED

    async def test_the_phone_can_unlink_too(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        phone = simulator.phone(NUMBER)
        await phone.unlink(phone.devices[0])
        end = await ready.end()
        assert end.kind is EndKind.UNLINKED
        assert end.keys_worthless
