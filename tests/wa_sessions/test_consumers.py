"""Who may open `/ws/status`, for how long, and what it says. The real consumer, the real hub, real rows."""

import asyncio
from datetime import timedelta
from importlib import import_module

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import OperationalError, connections
from django.utils import timezone

from accounts.models import ApiToken, Role
from tests.cast import Cast
from tests.wa_sessions.sockets import Page, headers_of, open_page, page_of, session_of
from wa_sessions import broadcast, consumers, hub

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def cast(transactional_db: None):
    yield await sync_to_async(Cast)()
    await sync_to_async(connections.close_all)()  # that thread's connection would keep the database from being dropped


async def changed(outlet) -> dict[str, str]:
    return {"type": "changed", "outletId": outlet.public_id}


async def test_it_says_hello_with_the_servers_time_and_then_what_changed(cast):
    session = await sync_to_async(session_of)(cast.adi)
    async with open_page(headers_of(session=session)) as page:
        hello = await page.hears()
        assert hello["type"] == "hello"
        assert hello["at"].endswith("Z")
        broadcast.session_changed(cast.bandung.pk)
        assert await page.hears() == {"type": "changed", "outletId": f"outlet_{cast.bandung.pk}"}


async def test_it_takes_both_spellings_of_the_path(cast):
    session = await sync_to_async(session_of)(cast.adi)
    async with open_page(headers_of(session=session), "/ws/status/") as page:
        assert (await page.hears())["type"] == "hello"


async def test_it_closes_on_nobody(cast):
    async with open_page(headers_of()) as page:
        assert await page.is_closed_with() == 4401
    assert hub.viewers_now() == 0


@pytest.mark.parametrize("session", ["nonsense", "x" * 32])
async def test_it_closes_on_a_session_that_does_not_exist(cast, session):
    async with open_page(headers_of(session=session)) as page:
        assert await page.is_closed_with() == 4401


async def test_it_closes_on_a_deactivated_account(cast):
    session = await sync_to_async(session_of)(cast.adi)
    cast.adi.is_active = False
    await cast.adi.asave()
    async with open_page(headers_of(session=session)) as page:
        assert await page.is_closed_with() == 4401


async def test_it_tells_an_outlets_user_of_their_own_outlet_only(cast):
    async with page_of(cast.jaka) as page:
        broadcast.session_changed(cast.bandung.pk)
        broadcast.session_changed(cast.jakarta.pk)
        broadcast.session_changed(cast.medan.pk)
        assert await page.hears_all() == [await changed(cast.jakarta)]


async def test_it_tells_a_user_without_an_outlet_nothing(cast):
    async with page_of(cast.nina) as page:
        for outlet in cast.outlets:
            broadcast.session_changed(outlet.pk)
        assert await page.hears_all() == []


@pytest.mark.parametrize("name", ["adi", "sari"])
async def test_it_tells_head_office_of_every_outlet(cast, name):
    async with page_of(getattr(cast, name)) as page:
        for outlet in cast.outlets:
            broadcast.session_changed(outlet.pk)
        heard = {message["outletId"] for message in await page.hears_all()}
        assert heard == {outlet.public_id for outlet in cast.outlets}


# Origins


@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example", b"http://testserver.evil.example", b"http://testserver:81", b"null", b"file://", b""],
)
async def test_it_refuses_a_cookie_from_a_foreign_origin(cast, origin):
    session = await sync_to_async(session_of)(cast.adi)
    page = Page(headers_of(session=session, origin=origin))
    assert await page.connect() == (False, 1000)


async def test_it_refuses_a_host_that_is_not_ours_though_the_origin_agrees(cast):
    session = await sync_to_async(session_of)(cast.adi)
    headers = [(b"host", b"evil.example"), *headers_of(session=session, origin=b"http://evil.example")[1:]]
    assert await Page(headers).connect() == (False, 1000)


async def test_it_takes_a_trusted_origin(cast, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://gerai.example"]
    async with page_of(cast.adi, origin=b"https://gerai.example"):
        pass


async def test_it_refuses_paths_that_are_none(cast):
    session = await sync_to_async(session_of)(cast.adi)
    assert await Page(headers_of(session=session), "/ws/statuses").connect() == (False, 1000)


# Programs


async def test_it_takes_a_bearer_token_without_an_origin(cast):
    text, token = await sync_to_async(ApiToken.objects.issue)(cast.jaka, lifetime=timedelta(days=1))
    async with open_page(headers_of(token=text, origin=b"")) as page:
        await page.hears()
        broadcast.session_changed(cast.bandung.pk)
        broadcast.session_changed(cast.jakarta.pk)
        assert await page.hears_all() == [await changed(cast.jakarta)]
        token.revoked_at = timezone.now()
        await token.asave()
        assert await page.is_closed_with() == 4401


async def test_it_closes_on_a_wrong_token_even_with_a_good_cookie(cast):
    session = await sync_to_async(session_of)(cast.adi)
    async with open_page(headers_of(session=session, token="wrong")) as page:
        assert await page.is_closed_with() == 4401


async def test_it_closes_when_a_token_expires(cast):
    text, _token = await sync_to_async(ApiToken.objects.issue)(cast.adi, lifetime=timedelta(seconds=0.5))
    async with open_page(headers_of(token=text, origin=b"")) as page:
        assert await page.is_closed_with(3.0) == 4401


# While it is open


async def deactivate(cast):
    cast.jaka.is_active = False
    await cast.jaka.asave()


async def delete(cast):
    await cast.jaka.adelete()


async def change_password(cast):
    cast.jaka.set_password("sandi-yang-lain-7")
    await cast.jaka.asave()


async def promote(cast):
    cast.jaka.role = Role.ADMIN
    await cast.jaka.asave()


async def move(cast):
    cast.jaka.outlet = cast.bandung
    await cast.jaka.asave()


async def close_shop(cast):
    await cast.jakarta.adelete()


@pytest.mark.parametrize(
    ("event", "code"),
    [(deactivate, 4401), (delete, 4401), (change_password, 4401), (promote, 4403), (move, 4403), (close_shop, 4403)],
)
async def test_it_closes_within_two_seconds_of(cast, event, code):
    async with page_of(cast.jaka) as page, page_of(cast.budi) as bystander:
        await event(cast)
        assert await page.is_closed_with(2.0) == code
        broadcast.session_changed(cast.bandung.pk)
        assert await bystander.hears() == await changed(cast.bandung)


async def test_it_closes_within_two_seconds_of_a_logout(cast):
    session = await sync_to_async(session_of)(cast.jaka)
    async with open_page(headers_of(session=session)) as page, page_of(cast.jaka) as elsewhere:
        await page.hears()
        await import_module(settings.SESSION_ENGINE).SessionStore(session).aflush()
        assert await page.is_closed_with(2.0) == 4401
        broadcast.session_changed(cast.jakarta.pk)
        assert await elsewhere.hears() == await changed(cast.jakarta)


async def test_it_closes_at_once_when_told_that_the_account_changed(cast, monkeypatch):
    monkeypatch.setattr(hub, "CHECK_S", 60.0)
    async with page_of(cast.jaka) as page:
        await deactivate(cast)
        broadcast.account_changed(cast.jaka.pk)
        assert await page.is_closed_with(0.5) == 4401


async def test_it_stays_open_while_the_database_does_not_answer(cast, monkeypatch, caplog):
    def gone(_visitors):
        raise OperationalError("no")

    async with page_of(cast.jaka) as page:
        with monkeypatch.context() as patched:
            patched.setattr(hub, "verdicts", gone)
            patched.setattr(hub, "CHECK_S", 0.05)
            await asyncio.sleep(1.3)
        broadcast.session_changed(cast.jakarta.pk)
        assert await page.hears() == await changed(cast.jakarta)
        assert sum("cannot be checked" in record.message for record in caplog.records) == 1
        await deactivate(cast)
        assert await page.is_closed_with(2.0) == 4401


async def test_it_asks_to_come_again_while_the_database_does_not_answer(cast, monkeypatch):
    def gone(_headers):
        raise OperationalError("no")

    monkeypatch.setattr(consumers, "visitor_of", gone)
    async with open_page(headers_of(session="x")) as page:
        assert await page.is_closed_with() == 1013


async def test_it_asks_to_come_again_when_there_are_too_many(cast, monkeypatch):
    monkeypatch.setattr(hub, "MAX_VIEWERS", 1)
    session = await sync_to_async(session_of)(cast.jaka)
    async with page_of(cast.adi), open_page(headers_of(session=session)) as page:
        assert await page.is_closed_with() == 1013


async def test_it_ticks(cast, monkeypatch):
    monkeypatch.setattr(hub, "TICK_S", 0.1)
    async with page_of(cast.nina) as page:
        tick = await page.receive_json_from(0.5)
        assert tick["type"] == "tick"
        assert tick["at"].endswith("Z")


# What clients say


async def test_it_ignores_a_little_talk(cast):
    async with page_of(cast.jaka) as page:
        await page.send_to(text_data="hello?")
        await page.send_to(bytes_data=b"\x00\xff")
        broadcast.session_changed(cast.jakarta.pk)
        assert await page.hears() == await changed(cast.jakarta)


async def test_it_closes_on_large_messages(cast):
    async with page_of(cast.jaka) as page:
        await page.send_to(text_data="x" * 2000)
        assert await page.is_closed_with() == 1009


async def test_it_closes_on_much_talk(cast):
    async with page_of(cast.jaka) as page:
        for _ in range(30):
            await page.send_to(text_data="x")
        assert await page.is_closed_with() == 1008


async def test_it_leaves_nothing_behind(cast):
    async with page_of(cast.jaka), page_of(cast.adi):
        assert hub.viewers_now() == 2
    assert hub.viewers_now() == 0
    assert not broadcast._listeners
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
    assert left == []
