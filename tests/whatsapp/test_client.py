"""The client against the simulator, over real sockets."""

import asyncio
import base64
import logging
import math

import pytest
import uvloop

from tests.whatsapp.device import Device, until
from tests.whatsapp.peer import MemoryStore
from whatsapp.client import Client
from whatsapp.ends import EndKind
from whatsapp.events import LoggedIn, Paired, QrCode, Ready
from whatsapp.exceptions import NotConnectedError, QueryError
from whatsapp.protocol import stanzas
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import Simulator

NUMBER = "6287788987745"


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
