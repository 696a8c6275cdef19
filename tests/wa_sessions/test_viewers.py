"""One client's outbox: bounded, newest first to go, never in the way of others. No server, no database."""

import asyncio
import json

import pytest

from wa_sessions import viewers
from wa_sessions.viewers import MANY, Viewer, held_back, text_of
from wa_sessions.visitors import Visitor


def visitor(sees: frozenset[int] | None = None) -> Visitor:
    return Visitor(user_pk=1, role="ADMIN", outlet_pk=None, password=0, session_key="key", sees=sees)


def changed(*pks: int) -> dict[int, str]:
    return {pk: text_of("changed", outletId=f"outlet_{pk}") for pk in pks}


class Line:
    """The server's side of a socket whose client reads only while `reads` is set."""

    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message):
        await self.reads.wait()
        self.heard.append(json.loads(message["text"]))

    @property
    def outlets(self) -> list[str | None]:
        return [said["outletId"] for said in self.heard if said["type"] == "changed"]


async def settle():
    for _ in range(200):
        await asyncio.sleep(0)


async def test_it_says_hello_first_even_when_changes_came_before():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    viewer.tell_changed(changed(7))
    await settle()
    assert [said["type"] for said in line.heard] == ["hello", "changed"]


async def test_it_says_a_change_once_however_often_it_came():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    line.reads.clear()
    for _ in range(1000):
        viewer.tell_changed(changed(7))
        viewer.tell_changed(changed(8, 9))
    line.reads.set()
    await settle()
    assert line.outlets == ["outlet_7", "outlet_8", "outlet_9"]


async def test_it_says_a_change_again_that_came_while_the_first_was_on_its_way():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    await settle()
    line.reads.clear()
    viewer.tell_changed(changed(7))
    await settle()  # outlet_7 is on its way
    viewer.tell_changed(changed(7))
    line.reads.set()
    await settle()
    assert line.outlets == ["outlet_7", "outlet_7"]


async def test_it_names_no_outlet_when_there_are_many():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    viewer.tell_changed(changed(*range(1, MANY + 2)))
    viewer.tell_changed(changed(5000))
    await settle()
    assert line.outlets == [None]
    viewer.tell_changed(changed(5000))
    await settle()
    assert line.outlets == [None, "outlet_5000"]


async def test_it_names_few_outlets_of_many_to_those_who_see_few():
    line = Line()
    viewer = Viewer(visitor(sees=frozenset({3})), line.send)
    assert viewer.tell_changed(changed(*range(1, 1000)))
    assert not viewer.tell_changed(changed(4))
    await settle()
    assert line.outlets == ["outlet_3"]


async def test_it_keeps_one_tick_for_who_does_not_read():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    await settle()
    line.reads.clear()
    for number in range(50):
        viewer.tell("tick", text_of("tick", at=str(number)))
    line.reads.set()
    await settle()
    assert [said["at"] for said in line.heard if said["type"] == "tick"] == ["49"]


async def test_it_knows_a_client_that_does_not_read(monkeypatch):
    line = Line()
    line.reads.clear()
    viewer = Viewer(visitor(), line.send)
    await settle()
    now = asyncio.get_running_loop().time()
    assert not viewer.is_stalled(now + viewers.SEND_TIMEOUT_S - 0.5)
    assert viewer.is_stalled(now + viewers.SEND_TIMEOUT_S + 0.5)
    line.reads.set()
    await settle()
    assert not viewer.is_stalled(now + 1000)


async def test_it_ends_when_the_server_finds_the_line_gone():
    async def send(_message):
        raise ConnectionResetError

    viewer = Viewer(visitor(), send)
    assert await viewer.closed == viewers.CLOSE_GONE


async def test_it_says_nothing_once_it_is_closed():
    line = Line()
    viewer = Viewer(visitor(), line.send)
    viewer.close(4401)
    viewer.close(4403)
    viewer.tell_changed(changed(7))
    await settle()
    assert line.heard == []
    assert viewer.closed.result() == 4401


async def test_it_waits_for_a_server_that_buffers_without_end(monkeypatch):
    monkeypatch.setattr(viewers, "BACKLOG_POLL_S", 0.001)
    buffer = [0]
    monkeypatch.setattr(viewers, "held_back", lambda _send: buffer[0])
    line = Line()
    viewer = Viewer(visitor(), line.send)
    await settle()
    buffer[0] = viewers.MAX_BACKLOG + 1
    viewer.tell_changed(changed(7))
    await settle()
    viewer.tell_changed(changed(8))
    await settle()
    assert line.outlets == ["outlet_7"]
    buffer[0] = 0
    await asyncio.sleep(0.02)
    assert line.outlets == ["outlet_7", "outlet_8"]


@pytest.mark.parametrize("send", [None, object(), lambda message: None])
def test_it_asks_no_other_server_for_its_buffer(send):
    assert held_back(send) == 0
