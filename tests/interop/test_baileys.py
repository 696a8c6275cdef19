"""The simulator satisfies an independent client, which sees in it what it would see in WhatsApp."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.baileys import MISSING, Baileys
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.nodes import Node
from whatsapp.simulator import PhoneError, Simulator, stanzas
from whatsapp.simulator.phone import Phone

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="package"),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110  # nothing tells of every state that is asked for here
            await asyncio.sleep(0.02)


async def test_it_pairs_by_qr_restarts_and_logs_in(baileys: Baileys, simulator: Simulator, phone: Phone) -> None:
    baileys.connect(simulator.url)
    device = await phone.scan((await baileys.until("qr"))["qr"])
    assert (await baileys.until("close"))["code"] == 515
    baileys.connect(simulator.url)
    opened = await baileys.until("open")

    assert opened["me"]["id"] == str(device.jid) == "6287788987745:1@s.whatsapp.net"
    assert opened["me"]["lid"] == str(device.lid)
    assert opened["platform"] == "android"
    assert device.pre_key_count == 812
    counts = simulator.counts(phone.number)
    assert (counts.pairings, counts.dials, counts.logins, counts.sockets, counts.max_sockets) == (1, 2, 1, 1, 1)
    assert simulator.mistakes == []


async def test_it_pairs_by_code(baileys: Baileys, simulator: Simulator, phone: Phone) -> None:
    baileys.connect(simulator.url)
    await baileys.until("qr")
    baileys.order("code", number=phone.number)
    code = (await baileys.until("code"))["code"]
    await eventually(lambda: simulator.session_waiting_for_code(phone.account) is not None)
    await phone.enter_code(f"{code[:4]}-{code[4:]}")
    assert (await baileys.until("close"))["code"] == 515
    await baileys.log_in(simulator.url)
    assert phone.devices[0].session is not None
    assert simulator.mistakes == []


async def test_a_wrong_code_links_nothing(baileys: Baileys, simulator: Simulator, phone: Phone) -> None:
    baileys.connect(simulator.url)
    await baileys.until("qr")
    baileys.order("code", number=phone.number)
    code = (await baileys.until("code"))["code"]
    await eventually(lambda: simulator.session_waiting_for_code(phone.account) is not None)
    with pytest.raises(PhoneError, match="code is wrong"):
        await phone.enter_code("1" * 8 if code != "1" * 8 else "2" * 8)
    assert phone.devices == []


async def test_its_qr_codes_end(baileys: Baileys, simulator: Simulator, phone: Phone) -> None:
    baileys.connect(simulator.url, qrTimeout=200)
    texts = {(await baileys.until("qr"))["qr"] for _ in range(3)}
    assert len(texts) == 3
    assert (await baileys.until("close"))["code"] == 408
    with pytest.raises(PhoneError, match="no longer valid"):
        await phone.scan(texts.pop())


async def test_no_scan_links_nothing(baileys: Baileys, simulator: Simulator, phone: Phone) -> None:
    simulator.fault("no_scan")
    baileys.connect(simulator.url)
    with pytest.raises(PhoneError, match="camera"):
        await phone.scan((await baileys.until("qr"))["qr"])
    assert phone.devices == []


async def test_the_phone_unlinks_it(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    await phone.unlink(1)
    assert (await linked.until("close"))["code"] == 401
    linked.connect(simulator.url)
    assert (await linked.until("close"))["code"] == 401
    assert phone.devices == []


async def test_it_unlinks_itself(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    linked.order("logout")
    assert (await linked.until("close"))["code"] == 401
    linked.connect(simulator.url)
    assert (await linked.until("close"))["code"] == 401
    assert phone.devices == []
    assert simulator.mistakes == []


LIVE_FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"kind": "drop"}, 428),
    ({"kind": "close"}, 428),
    ({"kind": "close", "code": 1011}, 428),
    ({"kind": "stream_end"}, 428),
    ({"kind": "stream_error", "conflict": "replaced"}, 440),
    ({"kind": "stream_error", "code": 515}, 515),
    ({"kind": "stream_error", "code": 401, "conflict": "device_removed"}, 401),
    ({"kind": "stream_error", "code": 403}, 403),
    ({"kind": "stream_error", "code": 500}, 500),
    ({"kind": "stream_error", "code": 503}, 503),
]


async def test_each_end_of_a_live_connection_has_its_code(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    for fault, code in LIVE_FAULTS:
        simulator.fault(number=phone.number, **fault)
        assert (await linked.until("close"))["code"] == code, fault
        await linked.log_in(simulator.url)
    counts = simulator.counts(phone.number)
    assert counts.max_sockets == 1
    assert counts.logins == 1 + len(LIVE_FAULTS)
    assert simulator.mistakes == []


DIAL_FAULTS: list[tuple[dict[str, Any], int]] = [
    *(
        ({"kind": "failure", "code": code}, code)
        for code in (400, 401, 402, 403, 405, 406, 409, 415, 418, 500, 501, 503)
    ),
    ({"kind": "failure", "code": 402, "ban_code": 101, "expire_s": 60}, 402),
    ({"kind": "certificate", "which": "missing"}, 400),
    ({"kind": "refuse"}, 408),
    ({"kind": "refuse", "which": "port"}, 408),
    ({"kind": "black_hole"}, 408),
    ({"kind": "drop", "stage": "login", "times": 1}, 428),
    ({"kind": "drop", "stage": "hello", "times": 1}, 428),
]


async def test_each_refused_dial_has_its_code(linked: Baileys, simulator: Simulator) -> None:
    await linked.leave()
    for fault, code in DIAL_FAULTS:
        simulator.fault(**fault)
        linked.connect(simulator.url, connectTimeoutMs=700)
        assert (await linked.until("close"))["code"] == code, fault
        await simulator.lift()
    await linked.log_in(simulator.url)


async def test_it_waits_without_end_where_the_upgrade_is_refused(linked: Baileys, simulator: Simulator) -> None:
    await linked.leave()
    simulator.fault("http", code=503)
    dials = simulator.counts().dials
    linked.connect(simulator.url, connectTimeoutMs=300)
    await linked.nothing(1.5)
    assert simulator.counts().dials == dials + 1


async def test_it_takes_a_certificate_that_ours_refuses(linked: Baileys, simulator: Simulator) -> None:
    await linked.leave()
    for which in ("root", "leaf_issuer", "leaf_key", "expired"):
        fault = simulator.fault("certificate", which=which)
        await linked.log_in(simulator.url)
        await linked.leave()
        await simulator.lift(fault_id=fault.fault_id)


async def test_a_second_connection_replaces_the_first(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    linked.connect(simulator.url)
    assert (await linked.until("close", of_older=True))["code"] == 440
    await linked.until("open")
    assert simulator.counts(phone.number).max_sockets == 2


async def test_silence_is_found_by_its_keepalive(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    await linked.leave()
    await linked.log_in(simulator.url, keepAliveIntervalMs=200)
    simulator.fault("black_hole", phone.number)
    await asyncio.sleep(6.5)  # its interval, and the five seconds that it adds
    await simulator.lift()  # it tells only once its WebSocket is closed properly
    assert (await linked.until("close"))["code"] == 408


async def test_a_deaf_server_answers_its_keepalive_only(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    await linked.leave()
    await linked.log_in(simulator.url, keepAliveIntervalMs=150, defaultQueryTimeoutMs=300)
    linked.order("number", number=phone.number)
    assert (await linked.until("number"))["found"] == [{"jid": f"{phone.number}@s.whatsapp.net", "exists": True}]
    simulator.fault("deaf", phone.number)
    pings = simulator.counts(phone.number).pings
    await linked.nothing(1)
    assert simulator.counts(phone.number).pings > pings + 3


async def test_slow_answers_only_take_longer(linked: Baileys, simulator: Simulator) -> None:
    await linked.leave()
    simulator.fault("slow", delay_s=0.2)
    await linked.log_in(simulator.url)


async def test_what_it_did_not_acknowledge_comes_again(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    (device,) = phone.devices
    simulator.send(phone.number, stanzas.notification("account_sync", [Node("devices")]))
    simulator.send(phone.number, stanzas.receipt(Jid("6281234567890"), "3EB0AA", "read"))
    simulator.send(phone.number, stanzas.message(Jid("6281234567890")))
    await eventually(lambda: not device.pending)
    await linked.leave()
    simulator.send(phone.number, stanzas.notification("account_sync", [Node("devices")]))
    assert device.pending
    await linked.log_in(simulator.url)
    await eventually(lambda: not device.pending)
    assert simulator.mistakes == []


@pytest.mark.parametrize("how", ["compressed", "pieces", "twice"])
async def test_it_reads_frames_of_every_shape(how: str, linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    stanzas.send(simulator, phone.number, Node("stream:error", {"code": "503"}), how)
    assert (await linked.until("close"))["code"] == 503


async def test_edge_routing_is_taken_up(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    simulator.send(phone.number, stanzas.edge_routing(b"\x08\x0e\x08\x05"))
    await asyncio.sleep(0.3)
    await linked.leave()
    await linked.log_in(simulator.url)
    assert simulator.mistakes == []


async def test_it_refills_pre_keys_when_told(linked: Baileys, simulator: Simulator, phone: Phone) -> None:
    stanzas.pre_keys_taken(simulator, phone.number, left=2)
    await eventually(lambda: phone.devices[0].pre_key_count >= 5)
    assert simulator.mistakes == []
