"""The door to the channel layer: from any thread, never raising, one message for a burst, nothing to itself."""

import asyncio
import threading
import time

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers

from wa_sessions import broadcast
from wa_sessions.broadcast import GROUP, Hints


class Elsewhere(InMemoryChannelLayer):
    """A layer that leads out of the process, as far as the program can tell."""

    instances: list["Elsewhere"] = []

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.sent: list[dict] = []
        self.fails = False
        Elsewhere.instances.append(self)

    async def group_send(self, group, message):
        if self.fails:
            raise ConnectionError("no layer")
        self.sent.append(message)
        await super().group_send(group, message)

    async def receive(self, channel):
        if self.fails:
            raise ConnectionError("no layer")
        return await super().receive(channel)


@pytest.fixture
def far_layer(settings, monkeypatch):
    monkeypatch.setattr(broadcast, "LISTEN_RETRY_S", 0.1)
    monkeypatch.setitem(channel_layers.backends, "default", layer := Elsewhere())
    return layer


@pytest.fixture
def heard():
    found: list[Hints] = []
    broadcast.subscribe(found.append)
    yield found
    broadcast.unsubscribe(found.append)


def until(condition, timeout_s=2.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_nobody_listens_and_nothing_happens():
    broadcast.session_changed(7)
    broadcast.account_changed(7)


def test_it_never_raises_at_the_writer(caplog):
    def bad(_hints):
        raise RuntimeError("listener")

    broadcast.subscribe(bad)
    try:
        broadcast.session_changed(7)
    finally:
        broadcast.unsubscribe(bad)
    assert "A hint was lost" in caplog.text


def test_it_tells_this_process_from_any_thread(heard):
    thread = threading.Thread(target=broadcast.session_changed, args=(7,))
    thread.start()
    thread.join()
    broadcast.account_changed(3)
    assert heard == [Hints(outlets=frozenset({7})), Hints(users=frozenset({3}))]


def test_it_tells_other_processes_of_a_burst_in_one_message(far_layer):
    for pk in range(1, 101):
        broadcast.session_changed(pk % 50)
    broadcast.account_changed(3)
    until(lambda: far_layer.sent)
    time.sleep(3 * broadcast.RELAY_GAP_S)
    assert len(far_layer.sent) == 1
    assert far_layer.sent[0]["outlets"] == list(range(50))
    assert far_layer.sent[0]["users"] == [3]


def test_a_very_large_burst_leaves_in_parts(far_layer):
    for pk in range(1200):
        broadcast.session_changed(pk)
    until(lambda: sum(len(message["outlets"]) for message in far_layer.sent) == 1200)
    assert max(len(message["outlets"]) for message in far_layer.sent) <= broadcast.RELAY_MAX_IDS


async def test_it_tells_other_processes_while_a_loop_runs(far_layer):
    broadcast.session_changed(7)
    await asyncio.to_thread(until, lambda: far_layer.sent)


def test_a_layer_that_is_gone_costs_the_writer_nothing(far_layer, caplog):
    far_layer.fails = True
    began = time.monotonic()
    for pk in range(1000):
        broadcast.session_changed(pk)
    assert time.monotonic() - began < 0.5
    until(lambda: "a hint was not sent" in caplog.text)
    far_layer.fails = False
    broadcast.session_changed(7)
    until(lambda: far_layer.sent)


async def test_it_hears_other_processes_and_not_itself(far_layer):
    hints = broadcast.remote_hints()
    listening = asyncio.ensure_future(anext(hints))
    await asyncio.to_thread(until, lambda: far_layer.groups.get(GROUP))
    await far_layer.group_send(GROUP, {"type": "hints", "from": broadcast._process, "outlets": [1], "users": []})
    await far_layer.group_send(GROUP, {"type": "hints", "from": "other", "outlets": [7, 8], "users": [3]})
    async with asyncio.timeout(2):
        assert await listening == Hints(frozenset({7, 8}), frozenset({3}))
    await hints.aclose()
    assert not far_layer.groups.get(GROUP)


async def test_it_listens_again_after_an_outage(far_layer, caplog):
    far_layer.fails = True
    hints = broadcast.remote_hints()
    listening = asyncio.ensure_future(anext(hints))
    await asyncio.sleep(0.15)
    far_layer.fails = False
    async with asyncio.timeout(2):
        while not listening.done():
            await far_layer.group_send(GROUP, {"type": "hints", "from": "other", "outlets": [7], "users": []})
            await asyncio.sleep(0.05)
    assert listening.result().outlets == {7}
    assert "not listening" in caplog.text
    await hints.aclose()


async def test_there_is_nothing_to_hear_where_the_layer_stays_in_the_process():
    assert [hints async for hints in broadcast.remote_hints()] == []
