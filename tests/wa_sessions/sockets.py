"""Open pages for tests: a communicator on the real consumer, logged in as somebody of the cast."""

import asyncio
import json
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import User
from wa_sessions.routing import websocket_application

OURS = b"http://testserver"


def session_of(user: User) -> str:
    """Log this person in; the session key that a browser would keep."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    key: str = session.session_key
    return key


def headers_of(*, session: str = "", token: str = "", origin: bytes = OURS) -> list[tuple[bytes, bytes]]:
    headers = [(b"host", b"testserver")]
    if origin:
        headers.append((b"origin", origin))
    if session:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()))
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return headers


class Page(WebsocketCommunicator):
    """A page with `/ws/status` open."""

    def __init__(self, headers: list[tuple[bytes, bytes]], path: str = "/ws/status") -> None:
        super().__init__(websocket_application, path, headers=headers)

    async def hears(self, timeout_s: float = 1.0) -> dict[str, Any]:
        """The next message that is no tick."""
        while True:
            message = json.loads(await self.receive_from(timeout_s))
            if message["type"] != "tick":
                return message  # type: ignore[no-any-return]

    async def hears_all(self, quiet_s: float = 0.2) -> list[dict[str, Any]]:
        """All messages until it has been quiet for a while."""
        heard = []
        while not await self.receive_nothing(quiet_s, interval=0.02):
            heard.append(await self.hears())
        return heard

    async def is_closed_with(self, timeout_s: float = 2.0) -> int:
        """The close code that comes within the time; messages before it are read past."""
        async with asyncio.timeout(timeout_s):
            while True:
                output = await self.receive_output(timeout_s)
                if output["type"] == "websocket.close":
                    return int(output.get("code", 1000))


@asynccontextmanager
async def page_of(user: User | None, **kwargs: Any):
    """This person's open page, its hello already heard."""
    session = await sync_to_async(session_of)(user) if user is not None else ""
    async with open_page(headers_of(session=session, **kwargs)) as page:
        hello = await page.hears()
        assert hello["type"] == "hello", hello
        yield page


@asynccontextmanager
async def open_page(headers: list[tuple[bytes, bytes]], path: str = "/ws/status"):
    """A page whose handshake was accepted, whatever comes after."""
    page = Page(headers, path)
    connected, _ = await page.connect()
    assert connected
    try:
        yield page
    finally:
        await page.disconnect()
