"""The client against the simulator, over real sockets."""

import asyncio
import base64
import logging
import math
import time

import pytest
import uvloop

from tests.whatsapp.device import Device, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.client import Client
from whatsapp.ends import EndKind
from whatsapp.events import LoggedIn, Paired, QrCode, Ready
from whatsapp.exceptions import NotConnectedError, QueryError
from whatsapp.options import ClientOptions
from whatsapp.protocol import stanzas
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import Simulator

NUMBER = "6287788987745"


@pytest.fixture
def linked(simulator, device):
    """Makes a device that was linked before; `pre_keys` is how many the server still has."""

    def make(pre_keys=50, **options):
        simulator.add_phone(NUMBER, name="Toko Jakarta")
        return device(MemoryStore(simulator.link_directly(NUMBER, pre_keys=pre_keys)), **options)

    return make


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


class TestLogin:
    async def test_pre_keys_are_only_uploaded_when_few_are_left(self, linked):
        enough = linked(pre_keys=5)
        await enough.event(Ready)
        assert enough.store.uploaded == set()

    async def test_a_few_are_refilled_at_login(self, linked):
        few = linked(pre_keys=4, pre_keys_refill=7)
        await few.event(Ready)
        assert few.store.uploaded == set(range(1, 8))

    async def test_they_are_refilled_when_the_server_says_so(self, simulator, linked):
        idle = linked(pre_keys_refill=6)
        await idle.event(Ready)
        simulator.send(NUMBER, Node("notification", {"type": "encrypt"}, [Node("count", {"value": "2"})]))
        await until(lambda: len(idle.store.uploaded) == 6)

    async def test_a_failing_refill_ends_nothing(self, simulator, linked):
        idle = linked(pre_keys_refill=6)
        await idle.event(Ready)
        idle.store.failing.add("take_pre_keys")
        simulator.send(NUMBER, Node("notification", {"type": "encrypt"}, [Node("count", {"value": "2"})]))
        await asyncio.sleep(0.05)
        assert idle.client.is_open

    async def test_names_and_the_way_back_are_remembered(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        routing = Node("edge_routing", {}, [Node("routing_info", {}, b"this way")])
        simulator.send(NUMBER, Node("ib", {}, [routing]))
        await until(lambda: ready.store.credentials.routing_info == b"this way")
        assert ready.store.credentials.display_name == "Toko Jakarta"
        again = await self.again(ready)
        await again.event(Ready)

    async def again(self, ready):
        await ready.client.close()
        await ready.end()
        ready.events.clear()
        ready.client = Client(ready.store, ready._on_event, ready.client._options)
        ready.task = asyncio.create_task(ready.client.run())
        return ready

    async def test_what_is_acknowledged_does_not_come_again(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        for tag in ("message", "receipt", "notification", "call"):
            simulator.send(NUMBER, Node(tag, {"from": SERVER_JID, "type": "x"}))
        (found,) = simulator.phone(NUMBER).devices
        await until(lambda: found.pending is None)

    async def test_it_says_when_it_last_heard_something(self, linked):
        loop = asyncio.get_running_loop()
        ready = linked()
        assert ready.client.answered_at == -math.inf
        before = loop.time()
        await ready.event(Ready)
        assert before < ready.client.answered_at <= loop.time()

    async def test_before_login_there_is_no_user(self, simulator, linked):
        simulator.fault("slow", delay_s=0.1)
        slow = linked()
        await asyncio.sleep(0.15)
        assert slow.client.user is None
        assert not slow.client.is_open
        await slow.event(Ready)
        assert slow.client.is_open


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


class TestHandlers:
    async def test_one_that_raises_ends_the_connection(self, linked, caplog):
        async def broken(client, event):
            raise RuntimeError("with a secret in it")

        end = await linked(on_event=broken).end()
        assert (end.kind, end.reason) == (EndKind.TRANSIENT, "handler")
        assert "[WhatsApp Error] handler raised RuntimeError" in caplog.text
        assert "secret" not in caplog.text

    async def test_one_that_unlinks_at_once_is_no_dead_lock(self, simulator, linked):
        async def unlink(client, event):
            if isinstance(event, LoggedIn):
                await client.unlink()

        end = await linked(on_event=unlink).end()
        assert end.kind is EndKind.UNLINKED
        assert simulator.phone(NUMBER).devices == []

    async def test_one_that_closes_is_not_cut_off(self, linked):
        done = []

        async def close(client, event):
            await client.close()
            await asyncio.sleep(0.05)
            done.append(event)

        end = await linked(on_event=close).end()
        assert end.kind is EndKind.CLOSED
        assert [type(event) for event in done] == [LoggedIn]

    async def test_one_that_is_slow_keeps_no_ping_from_being_answered(self, simulator, linked):
        async def slow(client, event):
            if isinstance(event, LoggedIn):
                # The next one goes out only once the one before was answered.
                await until(lambda: simulator.counts(NUMBER).pings > 4)

        ready = linked(on_event=slow, ping_interval_s=0.05)
        await ready.event(Ready)
        assert ready.client.is_open

    async def test_one_that_hangs_does_not_hold_the_end_up_for_ever(self, simulator, linked):
        async def hang(client, event):
            await asyncio.Event().wait()

        stuck = linked(on_event=hang, drain_timeout_s=0.1)
        await stuck.event(LoggedIn)
        simulator.fault("drop", NUMBER)
        assert (await stuck.end()).reason == "closed"

    async def test_events_that_happened_are_told_before_the_end(self, simulator, device):
        async def slow(client, event):
            await asyncio.sleep(0.1)

        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True, on_event=slow)
        await phone.scan((await pairing.event(QrCode)).text)
        assert (await pairing.end()).kind is EndKind.RESTART
        assert [type(event) for event in pairing.events] == [QrCode, Paired]

    @pytest.mark.parametrize("method", ["load_credentials"])
    async def test_a_store_that_fails_at_the_start(self, simulator, device, method):
        store = MemoryStore()
        store.failing.add(method)
        end = await device(store).end()
        assert (end.kind, end.reason) == (EndKind.TRANSIENT, "store")
        assert simulator.counts().dials == 0

    @pytest.mark.parametrize("method", ["take_pre_keys", "mark_pre_keys_uploaded"])
    async def test_a_store_that_fails_while_settling(self, linked, method):
        failing = linked(pre_keys=0)
        failing.store.failing.add(method)
        assert (await failing.end()).reason == "store"
        assert failing.store.uploaded == set()


class TestQueries:
    async def test_an_answer_comes_back(self, linked):
        ready = linked(pre_keys=17)
        await ready.event(Ready)
        assert stanzas.count_of(await ready.client.query(stanzas.pre_key_count())) == 17

    async def test_an_error_raises(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        with pytest.raises(QueryError):
            await ready.client.query(stanzas.iq_get("no-such-thing"))
        assert len(simulator.mistakes) == 1
        simulator.ledger.mistakes.clear()

    async def test_no_answer_raises_in_time(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        simulator.fault("deaf")
        with pytest.raises(TimeoutError):
            await ready.client.query(stanzas.pre_key_count(), timeout_s=0.1)
        assert ready.client.is_open

    async def test_the_end_raises(self, simulator, linked):
        ready = linked()
        await ready.event(Ready)
        simulator.fault("deaf")
        query = asyncio.create_task(ready.client.query(stanzas.pre_key_count()))
        await asyncio.sleep(0.01)
        simulator.fault("drop", NUMBER)
        with pytest.raises(NotConnectedError):
            await query

    async def test_before_and_after_there_is_nothing_to_ask(self, linked):
        ready = linked()
        with pytest.raises(NotConnectedError):
            await ready.client.query(stanzas.ping())
        await ready.event(Ready)
        await ready.client.close()
        await ready.end()
        for ask in (ready.client.query(stanzas.ping()), ready.client.send_node(Node("x")), ready.client.unlink()):
            with pytest.raises(NotConnectedError):
                await ask


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


class TestLog:
    async def test_no_secret_is_in_any_line_of_a_whole_life(self, simulator, device, caplog):
        for name in ("", "whatsapp", "whatsapp.websocket", "websockets", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        phone = simulator.add_phone(NUMBER)
        pairing = device(pairing=True)
        code = await pairing.event(QrCode)
        number_code = await pairing.client.request_pairing_code(NUMBER)
        await phone.scan(code.text)
        await pairing.end()
        ready = device(pairing.store)
        await ready.event(Ready)
        await ready.client.unlink()
        await ready.end()

        credentials = pairing.store.credentials
        secrets = [credentials.noise_private, credentials.identity_private, credentials.adv_secret]
        secrets += [credentials.signed_pre_key_private, *(key.private for key in pairing.store.pre_keys.values())]
        words = [code.text, *code.text.partition("#")[2].split(",")[:4], number_code]
        words += [
            form for secret in secrets for form in (secret.hex(), base64.b64encode(secret).decode(), repr(secret))
        ]
        assert [word for word in words if word in caplog.text] == []

    async def test_a_conflict_is_named(self, simulator, linked, caplog):
        ready = linked()
        await ready.event(Ready)
        simulator.fault("stream_error", NUMBER, conflict="replaced")
        await ready.end()
        assert "[WhatsApp Error] Stream Errored (conflict)" in caplog.text


def test_it_lives_under_uvloop_too():
    async def life():
        async with Simulator() as simulator:
            phone = simulator.add_phone(NUMBER)
            pairing = Device(simulator, pairing=True)
            await phone.scan((await pairing.event(QrCode)).text)
            ends = [await pairing.end()]
            for order in (("drop", {}), ("black_hole", {}), ("stream_error", {"code": 503})):
                ready = Device(simulator, pairing.store, ping_interval_s=0.1, ping_timeout_s=0.1)
                await ready.event(Ready)
                simulator.fault(order[0], NUMBER, **order[1])
                ends.append(await ready.end())
                await simulator.lift()
            simulator.fault("refuse", which="port")
            ends.append(await Device(simulator, pairing.store).end())
            assert simulator.mistakes == []
            return [end.reason for end in ends]

    assert uvloop.run(life()) == ["stream_error", "closed", "keepalive", "stream_error", "connect"]
