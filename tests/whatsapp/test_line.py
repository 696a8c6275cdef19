"""What a line does that no honest server ever makes it do."""

import asyncio

import pytest
from websockets.protocol import State

from tests.whatsapp.peer import ROOT_KEY, WALL_TIME, Peer, linked_credentials, success
from whatsapp.line import Line
from whatsapp.protocol import stanzas
from whatsapp.protocol.connection import Connection
from whatsapp.protocol.settings import Settings


class Socket:
    """An open WebSocket that takes everything and sends nothing."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.state = State.OPEN
        self.transport = self
        self.unsent = 0
        self.aborted = False

    def get_write_buffer_size(self):
        return self.unsent

    def abort(self):
        self.aborted = True

    async def close(self):
        self.state = State.CLOSED


class TalkativeLine(Line):
    """Keeps what it told: `ends` and `taken`."""

    def __init__(self, socket, core):
        self.ends, self.taken = [], []
        super().__init__(socket, core, take=self.taken.append, finish=self.ends.append, query_timeout_s=1)


@pytest.fixture
def written(monkeypatch):
    """What was written, message by message."""
    messages = []
    monkeypatch.setattr("whatsapp.line.broadcast", lambda _, data: messages.append(data))
    return messages


@pytest.fixture
async def line(written):
    """Logged in."""
    settings = Settings(root_key=ROOT_KEY, ping_interval_s=0.05, ping_timeout_s=0.05)
    socket = Socket()
    core = Connection(linked_credentials(), settings, now=socket.loop.time(), wall_time=WALL_TIME)
    found = TalkativeLine(socket, core)
    peer = Peer()
    core.receive_data(peer.receive(core.data_to_send()), 0)
    peer.receive(core.data_to_send())
    core.receive_data(peer.write(success()), socket.loop.time())
    found.flush()
    yield found
    found.let_go()


async def test_a_peer_that_does_not_read_ends_it(line):
    line._socket.unsent = 1 << 21
    line.send(stanzas.offline_batch())
    (end,) = line.ends
    assert end.reason == "write_blocked"
    await line.close(end)
    assert line._socket.aborted


async def test_a_mistake_of_ours_in_the_timer_ends_it_instead_of_leaving_it_without_one(line, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(Connection, "tick", broken)
    await asyncio.sleep(0.1)
    assert [end.reason for end in line.ends] == ["internal"]


async def test_each_write_is_one_message_in_the_order_of_the_seals(line, written):
    written.clear()
    for _ in range(3):
        line.send(stanzas.offline_batch())
    assert len(written) == 3


async def test_it_is_found_dead_by_its_own_timer(line):
    await asyncio.sleep(0.2)
    assert [end.reason for end in line.ends] == ["keepalive"]


async def test_after_letting_go_no_timer_is_left(line):
    line.let_go()
    await asyncio.sleep(0.2)
    assert line.ends == []
    assert line._timer is None
    assert not line.is_open
