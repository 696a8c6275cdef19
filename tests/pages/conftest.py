"""A browser for the pages: the system's Chromium, on a desk and on a phone."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect, sync_playwright

from accounts.models import User
from tests.cast import Cast
from tests.pages.scene import Scene
from wa_sessions import manager

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
PATIENCE_MS = 20_000  # where no time is promised: the machine may be busy
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture
def scene(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The seeds' picture, and a manager that proves it."""
    scene = Scene(cast)
    monkeypatch.setattr(manager, "_current", scene.manager)
    return scene


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module. Not for the session: its loop would stand in the way of the tests with loops."""
    if not os.access(CHROMIUM, os.X_OK):
        warnings.warn("CHROMIUM IS MISSING: the pages are not tested in a browser", UserWarning, stacklevel=1)
        pytest.skip("Chromium is missing")
    # Playwright's loop runs in this thread, though not while Django's code does.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visitor:
    """Somebody in front of a browser. `complaints` has what the browser objected to: CSP, errors of scripts."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._refuse)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "WebSocket" not in message.text:  # the test server has none
            self.complaints.append(message.text)

    def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def width_beyond(self) -> int:
        """How far the page can be scrolled to the side, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture
def visit(browser: Browser, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """`visit(cast.jaka, phone=True, language="en", dark=True, scripts=False)`: a logged-in visitor; None is nobody."""
    contexts = []

    def visit(
        user: User | None, *, phone: bool = False, language: str = "", dark: bool = False, scripts: bool = True
    ) -> Visitor:
        context = browser.new_context(
            viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            service_workers="block",
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        if language:
            name = settings.LANGUAGE_COOKIE_NAME
            context.add_cookies([{"name": name, "value": language, "url": live_server.url}])
        return Visitor(context, live_server.url)

    yield visit
    for context in contexts:
        context.close()
