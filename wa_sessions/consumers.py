"""`/ws/status`: tells a page which outlets changed. What it says is a hint with an id; the page asks the status again.

Server: `{"type":"hello","at":…}` first, which promises that no later change is missed: ask once more when it comes;
`{"type":"changed","outletId":"outlet_7"}` for each change (`outletId` null: so many that all should be asked again),
`{"type":"blast","blastId":"blast_3"}` when a blast changed (null likewise), `{"type":"tick","at":…}` every 15 s. What
clients say is ignored, as long as it is little.

Close codes: 4401 nobody is logged in (any more); 4403 the account's role or outlet changed: load the page again; 4408
the client did not read; 1008 or 1009 it said too much; 1013 try again later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from wa_sessions import hub
from wa_sessions.db import run_db
from wa_sessions.viewers import CLOSE_GONE, CLOSE_STALLED, Send, Viewer, abort
from wa_sessions.visitors import CLOSE_UNAUTHENTICATED, Visitor, visitor_of

logger = logging.getLogger("wa_sessions")

Receive = Callable[[], Awaitable[dict[str, Any]]]

LOGIN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 2.0
MAX_MESSAGE = 1024  # characters or bytes
MAX_MESSAGES = 20  # in each
MESSAGES_WINDOW_S = 60.0

_TRY_LATER = 1013
_TOO_LARGE = 1009
_TOO_OFTEN = 1008


async def status_socket(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application of one connection."""
    if (await receive())["type"] != "websocket.connect":
        return
    headers = dict(scope["headers"])
    if not is_origin_ours(headers):
        await send({"type": "websocket.close"})  # before the handshake is done: HTTP 403
        return
    visitor, refused = await _login(headers)
    # Accepted first: a browser learns the code of a close, but not of a refused handshake.
    await send({"type": "websocket.accept"})
    if visitor is not None and hub.is_full():
        visitor, refused = None, _TRY_LATER
    if visitor is None:
        await send({"type": "websocket.close", "code": refused})
        return
    viewer = Viewer(visitor, send)
    with hub.current().viewing(viewer):
        code = await _until_end(viewer, receive)
        if code is not None:
            await _close(send, code)


async def refused_socket(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """For paths that are none: the handshake is answered with HTTP 403."""
    if (await receive())["type"] == "websocket.connect":
        await send({"type": "websocket.close"})


async def _login(headers: Mapping[bytes, bytes]) -> tuple[Visitor | None, int]:
    """The visitor, or None and the close code that says why."""
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT_S):
            return await run_db(visitor_of, headers), CLOSE_UNAUTHENTICATED
    except Exception as error:
        logger.warning("A page's WebSocket was put off (%s)", type(error).__name__)
        return None, _TRY_LATER


async def _until_end(viewer: Viewer, receive: Receive) -> int | None:
    """Wait until either side ends it; the close code to send, None where the client is gone already."""
    loop = asyncio.get_running_loop()
    window_ends, count = 0.0, 0
    while True:
        message = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((message, viewer.closed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not message.done():
                message.cancel()
        if viewer.closed.done():
            return viewer.closed.result()
        said = message.result()
        if said["type"] != "websocket.receive":
            return None
        if len(said.get("text") or said.get("bytes") or "") > MAX_MESSAGE:
            return _TOO_LARGE
        if loop.time() > window_ends:
            window_ends, count = loop.time() + MESSAGES_WINDOW_S, 0
        count += 1
        if count > MAX_MESSAGES:
            return _TOO_OFTEN


async def _close(send: Send, code: int) -> None:
    if code == CLOSE_STALLED:
        abort(send)  # it would not read the closing handshake either
    if code == CLOSE_GONE:
        return
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await send({"type": "websocket.close", "code": code})


def is_origin_ours(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of ours opened this socket.

    Browsers always say where a page came from, and always send its cookies along: so a cookie counts only with an
    origin of ours. Programs come without one and with a Bearer token, which no foreign page can make a browser send.
    """
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    if not origin:
        return b"authorization" in headers
    if origin in (trusted.lower() for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    name = b"x-forwarded-host" if settings.USE_X_FORWARDED_HOST and b"x-forwarded-host" in headers else b"host"
    host = headers.get(name, b"").decode("latin-1").lower()
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    try:
        parts = urlsplit(origin)
        # A host of ours, or a foreign name that was made to point here.
        is_allowed = validate_host(split_domain_port(host)[0], allowed)
    except ValueError:
        return False
    return is_allowed and parts.scheme in ("http", "https") and parts.netloc == host
