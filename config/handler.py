"""HTTP on a few lasting threads.

Under ASGI Django makes a thread, and with it a database connection, for each synchronous request, and hops between
loop and thread several times. All our views are synchronous. So one hop takes the request to a thread of a small pool,
which runs the whole chain of middleware and view there and brings back a finished answer; the thread and its database
connection stay.
"""

import asyncio
import contextvars
import functools
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.module_loading import import_string

from config import errors

P = ParamSpec("P")
T = TypeVar("T")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SMALL_FILE = 1024 * 1024  # bytes; files up to here are read whole, in the same hop


class ClientGoneError(Exception):
    """The client went away before its request was complete."""


class BodyTooLargeError(Exception):
    """The body is larger than `REQUEST_BODY_LIMIT`."""


@dataclass(slots=True)
class Answer:
    """What goes back to the server: either all of `content`, or what `stream` still gives."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes = b""
    stream: StreamingHttpResponse | None = None


class TokenReadHandler(BaseHandler):
    """For programs that read the API with a token: all middleware but what there is for browsers.

    Such a request brings no cookie that counts and changes nothing: the token decides, before any session is looked at.
    """

    def __init__(self) -> None:
        # What BaseHandler makes of all middleware in `load_middleware`, which takes no list.
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        chain = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for name in reversed(settings.MIDDLEWARE):
            if name not in settings.MIDDLEWARE_FOR_BROWSERS:
                middleware = import_string(name)(chain)
                if hasattr(middleware, "process_exception"):
                    self._exception_middleware.append(middleware.process_exception)
                chain = convert_exception_to_response(middleware)
        self._middleware_chain = chain

    @staticmethod
    def takes(scope: Scope) -> bool:
        """Whether this request is one of those."""
        if scope["method"] not in ("GET", "HEAD") or not scope["path"].startswith("/api/"):
            return False
        return any(name == b"authorization" and value[:7].lower() == b"bearer " for name, value in scope["headers"])


class ThreadedHandler(ASGIHandler):
    """The ASGI application for HTTP. Made once per process; `close()` ends its threads."""

    def __init__(self, threads: int) -> None:
        # Not ASGIHandler's own __init__: it would build the chain of middleware for the loop.
        self.load_middleware(is_async=False)
        self.token_reads = TokenReadHandler()
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read_body(scope, receive)
        except ClientGoneError:
            return
        except BodyTooLargeError:
            answer = await self._in_thread(self._refuse, scope, 413)
        else:
            try:
                answer = await self._in_thread(self._respond, scope, body, time.perf_counter())
            finally:
                body.close()
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.stream is None:
            await send({"type": "http.response.body", "body": answer.content})
        else:
            await self._stream(answer.stream, receive, send, is_head=scope["method"] == "HEAD")

    async def _in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        # In a context of its own: a language switched on for one request must not reach the next one.
        call: Callable[[], T] = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    # In a thread

    def _respond(self, scope: Scope, body: IO[bytes], queued_at: float) -> Answer:
        """The whole way of one request. Only a stream's content is left for later."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, error = self.create_request(scope, body)
        if request is None:
            response = cast(HttpResponseBase, error)
        else:
            request.waited_s = time.perf_counter() - queued_at  # type: ignore[attr-defined]  # for the middleware
            response = (self.token_reads if TokenReadHandler.takes(scope) else self).get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # the sender of `request_finished`
        is_head = scope["method"] == "HEAD"
        if response.streaming:
            stream = cast(StreamingHttpResponse, response)
            if not _is_small_file(stream):
                return Answer(stream.status_code, _headers(stream), stream=stream)
            content = b"" if is_head else b"".join(cast(Iterator[bytes], stream))
        else:
            content = b"" if is_head else cast(HttpResponse, response).content
        answer = Answer(response.status_code, _headers(response), content)
        response.close()  # sends `request_finished`, here where the database connection is
        return answer

    def _refuse(self, scope: Scope, status: int) -> Answer:
        response = errors.answer(ASGIRequest(scope, BytesIO()), status)
        response["Connection"] = "close"
        return Answer(response.status_code, _headers(response), response.content)

    # On the loop

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send, *, is_head: bool) -> None:
        """Send a long answer piece by piece, until its end or until nobody listens."""
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            if not is_head:
                async for piece in self._pieces(response):
                    if gone.done():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            await self._in_thread(response.close)

    async def _pieces(self, response: StreamingHttpResponse) -> AsyncIterator[bytes]:
        if response.is_async:
            async for piece in response:
                yield piece
            return
        pieces = iter(cast(Iterator[bytes], response))
        while True:
            next_piece = await self._in_thread(_next, pieces)
            if next_piece is None:
                return
            yield next_piece


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


def _is_small_file(response: StreamingHttpResponse) -> bool:
    length = response.headers.get("Content-Length", "")
    return isinstance(response, FileResponse) and length.isdigit() and int(length) <= SMALL_FILE


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    cookies = [(b"Set-Cookie", morsel.OutputString().encode("ascii")) for morsel in response.cookies.values()]
    return headers + cookies


async def _read_body(scope: Scope, receive: Receive) -> IO[bytes]:
    """The whole body, on disk where it is large. Raises `ClientGoneError` or `BodyTooLargeError`."""
    limit: int = settings.REQUEST_BODY_LIMIT
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise BodyTooLargeError
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(message.get("body", b"")) > limit:
            raise BodyTooLargeError
        return BytesIO(message.get("body", b""))
    file = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115
    try:
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise BodyTooLargeError
            file.write(piece)
            if not message.get("more_body", False):
                file.seek(0)
                return cast(IO[bytes], file)
            message = await receive()
    except BaseException:
        file.close()
        raise


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
