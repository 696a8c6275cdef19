"""What a client sees of each fault."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.credentials import Credentials
from whatsapp.exceptions import FrameError, NodeError
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.payload import DeviceDescription, login_payload
from whatsapp.simulator import Simulator, stanzas
from whatsapp.simulator.phone import Phone

SAID: list[tuple[dict[str, Any], tuple[str, str, int | None]]] = [
    ({"kind": "stream_end"}, ("xmlstreamend", "", 1000)),
    ({"kind": "stream_error", "code": 515}, ("stream:error", "515", 1000)),
    ({"kind": "stream_error", "code": 503}, ("stream:error", "503", 1000)),
    ({"kind": "stream_error", "conflict": "replaced"}, ("stream:error", "", 1000)),
]


@pytest.mark.parametrize(("order", "said"), SAID)
@pytest.mark.parametrize("live", [True, False])
async def test_last_words(
    simulator: Simulator,
    phone: Phone,
    linked: Credentials,
    order: dict[str, Any],
    said: tuple[str, str, int | None],
    live: bool,
) -> None:
    if live:
        client = await RawClient.log_in(simulator, linked)
        simulator.fault(number=phone.number, **order)
    else:
        simulator.fault(number=phone.number, times=1, **order)
        client = await RawClient.log_in(simulator, linked, active=False)
    word = await client.receive()
    assert (word.tag, word.attr("code"), await client.closed()) == said
    if order.get("conflict"):
        assert word.child("conflict").attrs == {"type": "replaced"}  # type: ignore[union-attr]
    await RawClient.log_in(simulator, linked)


@pytest.mark.parametrize(("order", "code"), [({"kind": "drop"}, None), ({"kind": "close", "code": 1011}, 1011)])
async def test_ends_without_a_word(
    simulator: Simulator, linked: Credentials, order: dict[str, Any], code: int | None
) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault(**order)
    assert await client.closed() == code


@pytest.mark.parametrize(
    ("which", "error"),
    [("frame", FrameError), ("text", FrameError), ("node", NodeError), ("deep", NodeError), ("bomb", NodeError)],
)
async def test_garbage(simulator: Simulator, linked: Credentials, which: str, error: type[Exception]) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("garbage", which=which)
    with pytest.raises(error):
        await client.receive()


async def test_a_frame_that_never_ends(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("garbage", which="cut")
    with pytest.raises(ConnectionClosed):
        await client.receive()


@pytest.mark.parametrize("code", [400, 401, 403, 405, 406, 409, 500, 503])
async def test_a_refused_login(simulator: Simulator, phone: Phone, linked: Credentials, code: int) -> None:
    simulator.fault("failure", phone.number, code=code)
    for _ in range(2):
        client = await RawClient.dial(simulator, linked)
        await client.shake(login_payload(linked, DeviceDescription()))
        failure = await client.receive()
        assert (failure.tag, failure.attr("reason")) == ("failure", str(code))
        assert await client.closed() == 1000
    assert simulator.counts(phone.number).failures == 2
    assert await simulator.lift() == 1
    await RawClient.log_in(simulator, linked)


async def test_a_temporary_ban_says_how_long(simulator: Simulator, linked: Credentials) -> None:
    simulator.fault("failure", code=402, ban_code=101, expire_s=840)
    client = await RawClient.dial(simulator, linked)
    await client.shake(login_payload(linked, DeviceDescription()))
    failure = await client.receive()
    assert (failure.attr("reason"), failure.attr("code"), failure.attr("expire")) == ("402", "101", "840")


async def test_http_answers_in_place_of_the_upgrade(simulator: Simulator, linked: Credentials) -> None:
    simulator.fault("http", code=429, times=1)
    with pytest.raises(InvalidStatus) as refused:
        await RawClient.dial(simulator)
    assert refused.value.response.status_code == 429
    await RawClient.log_in(simulator, linked)
    assert simulator.counts().dials == 2


async def test_a_refused_dial_is_counted_and_a_closed_port_is_not(simulator: Simulator, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("refuse")
    with pytest.raises(InvalidMessage):
        await RawClient.dial(simulator)
    assert simulator.counts().dials == 2
    simulator.fault("refuse", which="port")
    with pytest.raises(ConnectionRefusedError):
        await RawClient.dial(simulator)
    assert simulator.counts().dials == 2
    assert (await client.query("w:p", "get")).attr("type") == "result"
    url = simulator.url
    await simulator.lift()
    assert simulator.url == url
    await RawClient.log_in(simulator, linked)


async def test_a_black_hole_swallows_and_heals(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("black_hole", phone.number)
    await client.send("iq", {"to": SERVER_JID, "type": "get", "xmlns": "w:p", "id": "late"})
    assert await client.silent()
    await simulator.lift(phone.number)
    assert (await client.receive()).attr("id") == "late"


async def test_a_black_hole_notices_who_leaves(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("black_hole", phone.number)
    client.socket.transport.abort()
    async with asyncio.timeout(5):
        while simulator.counts(phone.number).sockets:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("stage", ["upgrade", "hello", "login"])
async def test_a_black_hole_can_be_at_every_stage(simulator: Simulator, linked: Credentials, stage: str) -> None:
    simulator.fault("black_hole", stage=stage)

    async def log_in() -> RawClient:
        return await RawClient.log_in(simulator, linked)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(log_in(), 0.3)
    await simulator.lift()
    await log_in()


async def test_deaf_answers_pings_only(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("deaf", phone.number)
    await client.send("iq", {"to": SERVER_JID, "type": "get", "xmlns": "encrypt", "id": "lost"}, [Node("count")])
    assert (await client.query("w:p", "get")).attr("type") == "result"
    assert simulator.counts(phone.number).pings == 1


async def test_slow_answers_come_late(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    client = await RawClient.log_in(simulator, linked)
    simulator.fault("slow", phone.number, delay_s=0.2)
    loop = asyncio.get_running_loop()
    asked = loop.time()
    await client.query("w:p", "get")
    assert loop.time() - asked >= 0.19


async def test_pings_tell_who_answers(simulator: Simulator, phone: Phone, linked: Credentials) -> None:
    assert not await stanzas.ping(simulator, phone.number)
    client = await RawClient.log_in(simulator, linked)
    asked = asyncio.create_task(stanzas.ping(simulator, phone.number))
    ping = await client.receive()
    assert (ping.attr("xmlns"), ping.attr("type"), ping.children()) == ("urn:xmpp:ping", "get", [])
    await client.send("iq", {"to": SERVER_JID, "type": "result", "id": ping.attr("id")})
    assert await asked
    assert simulator.mistakes == []
    assert not await stanzas.ping(simulator, phone.number, timeout_s=0.05)
    assert "not answered" in simulator.mistakes[0].reason


@pytest.mark.parametrize(("how", "count"), [("compressed", 1), ("pieces", 1), ("twice", 2)])
async def test_frames_come_in_odd_shapes(
    simulator: Simulator, phone: Phone, linked: Credentials, how: str, count: int
) -> None:
    client = await RawClient.log_in(simulator, linked)
    stanzas.send(simulator, phone.number, stanzas.dirty(), how)
    for _ in range(count):
        assert (await client.receive()).child("dirty") is not None
