"""Fan-out to real sockets: everybody is told, soon; nobody who does not listen is in the way."""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
import websockets

from wa_sessions import broadcast, consumers, hub, viewers
from wa_sessions.routing import websocket_application
from wa_sessions.visitors import Visitor

PAD = "x" * 20_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def _everybody_is_head_office(monkeypatch):
    """And no database: these tests are about sockets."""
    monkeypatch.setattr(consumers, "run_db", asyncio.to_thread)
    monkeypatch.setattr(hub, "run_db", asyncio.to_thread)
    monkeypatch.setattr(consumers, "visitor_of", lambda _headers: Visitor(1, "ADMIN", None, 0, session_key="key"))
    monkeypatch.setattr(hub, "verdicts", lambda _visitors: {})


@pytest.fixture
async def port(_everybody_is_head_office):
    """A real server on this loop."""
    config = uvicorn.Config(
        websocket_application, ws="websockets-sansio", lifespan="off", log_level="error", port=0, ws_ping_interval=None
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    listening = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.ensure_future(server._serve([listening]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving
    listening.close()


def open_page(port: int):
    origin = f"http://127.0.0.1:{port}"
    return websockets.connect(
        f"ws://127.0.0.1:{port}/ws/status", origin=origin, compression=None, ping_interval=None, max_queue=None
    )


@asynccontextmanager
async def pages(port: int, count: int):
    found = []
    try:
        for _ in range(count):
            page = await open_page(port)
            assert json.loads(await page.recv())["type"] == "hello"
            found.append(page)
        yield found
    finally:
        await asyncio.gather(*(page.close() for page in found))


async def hears(page, outlet_id: str | None) -> None:
    while True:
        message = json.loads(await page.recv())
        if message["type"] == "changed" and message["outletId"] == outlet_id:
            return


@asynccontextmanager
async def deaf_page(port: int):
    """A page that shakes hands and then reads nothing more, with small buffers on its side."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        handshake = (
            f"GET /ws/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await loop.sock_sendall(sock, handshake.encode())
        assert b"101" in await loop.sock_recv(sock, 12)
        yield sock
    finally:
        sock.close()


async def until(condition, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - counts of another task, without an event
            await asyncio.sleep(0.01)


async def test_every_page_is_told_from_any_thread(port):
    async with pages(port, 20) as open_pages, asyncio.timeout(5):
        told = asyncio.gather(*(hears(page, "outlet_7") for page in open_pages))
        threading.Thread(target=broadcast.session_changed, args=(7,)).start()
        await told


async def test_a_burst_reaches_each_page_as_a_few_messages(port):
    async with pages(port, 5) as open_pages:
        for _ in range(500):
            for pk in (1, 2, 3):
                broadcast.session_changed(pk)
        broadcast.session_changed(4)
        for page in open_pages:
            heard = []
            async with asyncio.timeout(5):
                while "outlet_4" not in heard:
                    heard.append(json.loads(await page.recv())["outletId"])
            assert sorted(heard) == ["outlet_1", "outlet_2", "outlet_3", "outlet_4"]


async def test_a_change_of_everything_is_one_message(port):
    async with pages(port, 3) as open_pages:
        for pk in range(1, 2001):
            broadcast.session_changed(pk)
        for page in open_pages:
            async with asyncio.timeout(5):
                assert json.loads(await page.recv())["outletId"] is None
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(page.recv(), 0.1)


async def test_writers_in_many_threads_lose_no_last_word(port):
    """Hints race with each other and with the telling; after the last one every page has been told of every outlet."""
    async with pages(port, 10) as open_pages:

        def write(pk: int) -> None:
            for _ in range(200):
                broadcast.session_changed(pk)
                time.sleep(0.0005)
            last[pk] = time.monotonic()

        last: dict[int, float] = {}
        heard: list[dict[str, float]] = [{} for _ in open_pages]

        async def listen(page, notes):
            while True:
                notes[json.loads(await page.recv())["outletId"]] = time.monotonic()

        listening = [asyncio.ensure_future(listen(*each)) for each in zip(open_pages, heard, strict=True)]
        await asyncio.gather(*(asyncio.to_thread(write, pk) for pk in range(1, 5)))
        await asyncio.sleep(0.5)
        for task in listening:
            task.cancel()
        for notes in heard:
            for pk, at in last.items():
                assert notes[f"outlet_{pk}"] >= at - 0.01


async def test_a_page_that_leaves_is_forgotten(port):
    async with pages(port, 3) as open_pages:
        await open_pages[0].close()
        open_pages[1].transport.abort()
        await until(lambda: hub.viewers_now() == 1)
        broadcast.session_changed(7)
        async with asyncio.timeout(2):
            await hears(open_pages[2], "outlet_7")
    await until(lambda: hub.viewers_now() == 0)


async def test_a_page_that_does_not_read_is_closed_and_nobody_else_notices(port, monkeypatch):
    monkeypatch.setattr(viewers, "SEND_TIMEOUT_S", 3.0)
    monkeypatch.setattr(hub, "SWEEP_S", 0.1)
    # Large messages, so that the kernel's buffers are soon full.
    monkeypatch.setattr(hub, "_changed_text", lambda pk: viewers.text_of("changed", outletId=f"outlet_{pk}", pad=PAD))
    async with pages(port, 3) as open_pages, deaf_page(port):
        await until(lambda: hub.viewers_now() == 4)
        worst = 0.0
        async with asyncio.timeout(20):
            while hub.viewers_now() == 4:
                for pk in range(1, 21):
                    broadcast.session_changed(pk)
                began = time.monotonic()
                await asyncio.gather(*(hears(page, "outlet_20") for page in open_pages))
                worst = max(worst, time.monotonic() - began)
        assert hub.viewers_now() == 3
        assert worst < viewers.SEND_TIMEOUT_S  # nobody waited for the one that does not read


@pytest.mark.usefixtures("_everybody_is_head_office")
async def test_a_thousand_pages_are_told_while_the_loop_stays_free():
    """Without a network, to count only what the hub costs: all told, and never the loop held for long."""
    told: set[int] = set()

    def line(number: int):
        async def send(message):
            if '"changed"' in message["text"]:
                told.add(number)

        return send

    here = hub.current()
    contexts = []
    for number in range(1000):
        contexts.append(here.viewing(viewers.Viewer(Visitor(1, "ADMIN", None, 0, session_key="key"), line(number))))
        contexts[-1].__enter__()
    await asyncio.sleep(0.1)
    lags: list[float] = []

    async def watch():
        while True:
            began = time.thread_time()  # what this thread computes; another process may take the core in between
            await asyncio.sleep(0)
            lags.append(time.thread_time() - began)

    watching = asyncio.ensure_future(watch())
    broadcast.session_changed(7)
    await until(lambda: len(told) == 1000)
    watching.cancel()
    for context in contexts:
        context.__exit__(None, None, None)
    assert max(lags) < 0.1


# Under Daphne, which neither waits for slow clients nor says goodbye when it is stopped.


@pytest.fixture
def daphne():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "tests.wa_sessions.daphne_pages"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.port = int(process.stdout.readline())  # type: ignore[attr-defined]
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def ask(daphne, path: str) -> int:
    async with httpx.AsyncClient() as client:
        return int((await client.get(f"http://127.0.0.1:{daphne.port}{path}")).text)


async def test_under_daphne_a_hundred_pages_are_told_soon(daphne):
    took = []
    async with pages(daphne.port, 100) as open_pages:
        for pk in range(1, 21):
            began = time.monotonic()
            told = asyncio.gather(*(hears(page, f"outlet_{pk}") for page in open_pages))
            await ask(daphne, f"/hint?{pk}")
            async with asyncio.timeout(5):
                await told
            took.append(time.monotonic() - began)
    assert statistics.median(took) < 1.0  # the figure itself is measured by the benchmark


async def test_under_daphne_a_page_that_does_not_read_is_closed(daphne):
    async with pages(daphne.port, 2) as open_pages, deaf_page(daphne.port):
        assert await ask(daphne, "/storm") == 3
        async with asyncio.timeout(20):
            while await ask(daphne, "/") == 3:
                await asyncio.gather(*(hears(page, "outlet_20") for page in open_pages))
        assert await ask(daphne, "/") == 2
        await asyncio.gather(*(hears(page, "outlet_20") for page in open_pages))


async def test_daphne_stops_though_pages_are_open(daphne):
    async with pages(daphne.port, 5) as open_pages:
        daphne.send_signal(signal.SIGTERM)
        for page in open_pages:
            async with asyncio.timeout(5):
                await page.wait_closed()
    assert await asyncio.to_thread(daphne.wait, 5) in (0, -signal.SIGTERM)
