"""HTTP on lasting threads, spoken to as an ASGI server does."""

import asyncio
import io
import json
import threading
import time

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_finished, request_started
from django.db import OperationalError, connection
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.translation import activate, get_language
from django.views.decorators.csrf import csrf_exempt

from config import errors
from config.handler import ThreadedHandler

closed: list[str] = []


@csrf_exempt
def echo(request):
    return JsonResponse(
        {
            "method": request.method,
            "path": request.get_full_path(),
            "body": request.body.decode(),
            "thread": threading.current_thread().name,
            "language": get_language(),
        }
    )


@csrf_exempt
def seen(request):
    return HttpResponse("ok", headers={"X-Has-Session": str(hasattr(request, "session"))})


def speak_english(request):
    activate("en")
    return HttpResponse("ok")


def crash(request):
    raise ValueError("a secret")


def locked(request):
    time.sleep(0.3)
    raise OperationalError("database is locked")


def big_file(request):
    return FileResponse(io.BytesIO(b"x" * 3_000_000), filename="big.bin")


def small_file(request):
    return FileResponse(io.BytesIO(b"small"), filename="small.txt")


def stream(request):
    def pieces():
        try:
            for number in range(3):
                yield f"{number};"
        finally:
            closed.append("sync")

    return StreamingHttpResponse(pieces())


def async_stream(request):
    async def pieces():
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number};"

    return StreamingHttpResponse(pieces())


def endless(request):
    def pieces():
        try:
            while True:
                time.sleep(0.005)
                yield b"x"
        finally:
            closed.append("endless")

    return StreamingHttpResponse(pieces())


def cookies(request):
    response = HttpResponse("ok")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


def count(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"connection": id(connection.connection), "thread": threading.get_ident()})


def sleep(request):
    time.sleep(0.2)
    return HttpResponse("ok")


views = [
    echo, seen, speak_english, crash, locked, big_file, small_file, stream, async_stream, endless, cookies, count, sleep
]  # fmt: skip
urlpatterns = [path(view.__name__, view) for view in views]
urlpatterns += [path(f"api/{view.__name__}", view) for view in (echo, seen, crash, locked)]
handler404 = errors.not_found
handler500 = errors.server_error
handler400 = errors.bad_request

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def handler():
    handler = ThreadedHandler(2)
    yield handler
    handler.close()


class Answer:
    def __init__(self, messages):
        self.status = messages[0]["status"]
        self.headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
        self.body = b"".join(message.get("body", b"") for message in messages[1:])
        assert [message.get("more_body", False) for message in messages[1:]][-1] is False

    @property
    def json(self):
        return json.loads(self.body)


def scope(path, method="GET", headers=()):
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }


async def ask(handler, path, method="GET", body=(b"",), headers=()):
    speaker = ApplicationCommunicator(handler, scope(path, method, headers))
    for number, piece in enumerate(body, start=1):
        await speaker.send_input({"type": "http.request", "body": piece, "more_body": number < len(body)})
    messages = [await speaker.receive_output(5)]
    while len(messages) == 1 or messages[-1].get("more_body"):
        messages.append(await speaker.receive_output(5))
    await speaker.wait(5)
    return Answer(messages)


async def test_it_answers(handler):
    answer = await ask(handler, "/echo?a=1")
    assert answer.status == 200
    assert answer.json["path"] == "/echo?a=1"
    assert answer.json["thread"].startswith("request")
    assert ("Content-Type", "application/json") in answer.headers


TOKEN = (b"authorization", b"bearer of-a-program")


async def test_a_read_with_a_token_is_spared_what_is_for_browsers(handler):
    for method, address, headers, found in [
        ("GET", "/api/seen", (TOKEN,), False),
        ("HEAD", "/api/seen", (TOKEN,), False),
        ("GET", "/api/seen", (), True),
        ("GET", "/api/seen", ((b"authorization", b"Basic YTpi"),), True),
        ("POST", "/api/seen", (TOKEN,), True),
        ("GET", "/seen", (TOKEN,), True),
    ]:
        answer = await ask(handler, address, method, headers=headers)
        assert dict(answer.headers)["X-Has-Session"] == str(found), (method, address, headers)


async def test_a_read_with_a_token_is_as_safe_as_any(handler):
    def kept(answer):
        return sorted(header for header in answer.headers if header[0] not in ("X-Has-Session", "Vary"))

    by_token, by_cookie = await ask(handler, "/api/seen", headers=[TOKEN]), await ask(handler, "/api/seen")
    assert kept(by_token) == kept(by_cookie)
    names = {name for name, _ in by_token.headers}
    assert {"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Content-Language"} <= names
    assert (await ask(handler, "/api/locked", headers=[TOKEN])).json["error"]["code"] == "database_unavailable"
    assert (await ask(handler, "/api/crash", headers=[TOKEN])).json["error"]["code"] == "internal_error"
    elsewhere = await ask(handler, "/api/seen", headers=[TOKEN, (b"host", b"evil.example")])
    assert elsewhere.status == 400


async def test_it_puts_bodies_together(handler):
    assert (await ask(handler, "/echo", "POST", [b"one ", b"two ", b"three"])).json["body"] == "one two three"
    assert (await ask(handler, "/echo", "POST", [b"one"])).json["body"] == "one"


async def test_it_keeps_requests_apart(handler):
    for _ in range(4):
        await ask(handler, "/speak_english")
    for _ in range(4):
        assert (await ask(handler, "/echo")).json["language"] == "id"


async def test_it_sends_each_cookie(handler):
    answer = await ask(handler, "/cookies")
    assert sorted(value for name, value in answer.headers if name == "Set-Cookie") == [
        "a=1; Path=/",
        "b=2; HttpOnly; Path=/",
    ]


async def test_it_answers_head_without_a_body(handler):
    for name in ("echo", "small_file", "big_file", "stream"):
        answer = await ask(handler, f"/{name}", "HEAD")
        assert (answer.status, answer.body) == (200, b"")
    assert ("Content-Length", "3000000") in (await ask(handler, "/big_file", "HEAD")).headers


async def test_it_sends_files(handler):
    assert (await ask(handler, "/small_file")).body == b"small"
    assert len((await ask(handler, "/big_file")).body) == 3_000_000


async def test_it_sends_streams(handler):
    closed.clear()
    assert (await ask(handler, "/stream")).body == b"0;1;2;"
    assert (await ask(handler, "/async_stream")).body == b"0;1;2;"
    assert closed == ["sync"]


async def test_it_stops_a_stream_that_nobody_reads(handler):
    closed.clear()
    speaker = ApplicationCommunicator(handler, scope("/endless"))
    await speaker.send_input({"type": "http.request"})
    await speaker.receive_output(5)
    assert (await speaker.receive_output(5))["body"] == b"x"
    await speaker.send_input({"type": "http.disconnect"})
    await speaker.wait(5)
    assert closed == ["endless"]


async def test_it_forgets_who_leaves_before_the_body_is_there(handler):
    speaker = ApplicationCommunicator(handler, scope("/echo", "POST"))
    await speaker.send_input({"type": "http.request", "body": b"half", "more_body": True})
    await speaker.send_input({"type": "http.disconnect"})
    await speaker.wait(5)
    assert await speaker.receive_nothing()


@pytest.mark.parametrize(
    ("body", "headers"),
    [([b""], [(b"content-length", b"101")]), ([b"x" * 101], []), ([b"x" * 60, b"x" * 60], [])],
)
async def test_it_refuses_large_bodies(handler, settings, body, headers):
    settings.REQUEST_BODY_LIMIT = 100
    answer = await ask(handler, "/api/echo", "POST", body, headers)
    assert answer.status == 413
    assert answer.json["error"]["code"] == "payload_too_large"


async def test_it_says_that_it_crashed_and_no_more(handler, caplog):
    answer = await ask(handler, "/api/crash")
    assert answer.status == 500
    assert answer.json["error"]["code"] == "internal_error"
    assert b"secret" not in answer.body
    page = await ask(handler, "/crash")
    assert page.status == 500
    assert b"secret" not in page.body
    assert "<html" in page.body.decode()
    assert "ValueError" in caplog.text


async def test_it_answers_what_is_not_there(handler):
    assert (await ask(handler, "/api/nothing")).json["error"]["code"] == "not_found"
    assert "<html" in (await ask(handler, "/nothing")).body.decode()


async def test_it_refuses_a_post_without_its_csrf_token(handler):
    assert (await ask(handler, "/cookies", "POST")).status == 403


async def test_it_survives_paths_that_are_no_text(handler):
    broken = scope("/")
    broken["path"], broken["raw_path"], broken["query_string"] = "/\udcff", b"/\xff", b"\xff"
    speaker = ApplicationCommunicator(handler, broken)
    await speaker.send_input({"type": "http.request"})
    assert (await speaker.receive_output(5))["status"] in (400, 404)


async def test_it_signals_start_and_end_once(handler):
    seen = []

    def note(sender, signal, **kwargs):
        seen.append((signal is request_finished, threading.current_thread().name.startswith("request")))

    request_started.connect(note)
    request_finished.connect(note)
    try:
        for name in ("echo", "big_file", "crash", "nothing"):
            seen.clear()
            await ask(handler, f"/{name}")
            assert seen == [(False, True), (True, True)]
    finally:
        request_started.disconnect(note)
        request_finished.disconnect(note)


@pytest.mark.django_db(transaction=True)
async def test_it_keeps_threads_and_their_connections(handler):
    answers = [(await ask(handler, "/count")).json for _ in range(6)]
    assert len({answer["thread"] for answer in answers}) <= 2
    if connection.vendor == "sqlite":
        assert len({answer["connection"] for answer in answers}) <= 2


async def test_it_serves_several_at_once(handler):
    began = time.perf_counter()
    await asyncio.gather(*(ask(handler, "/sleep") for _ in range(4)))
    assert 0.35 < time.perf_counter() - began < 1.5


async def test_it_refuses_early_what_waited_for_a_lost_database(handler):
    answers = await asyncio.gather(*(ask(handler, "/locked") for _ in range(10)))
    assert {answer.status for answer in answers} == {503}
    began = time.perf_counter()
    answers = await asyncio.gather(*(ask(handler, "/locked") for _ in range(40)))
    assert {answer.status for answer in answers} == {503}
    assert time.perf_counter() - began < 1.9  # 20 turns of 0.3 s each else
