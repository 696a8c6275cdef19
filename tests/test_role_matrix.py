"""Who may do what: every URL and every WebSocket times everybody, against the table of `tests.roles`.

A new URL needs a row there. What is not theirs and what is not there is the same answer, byte for byte.
"""

import re
from collections.abc import Mapping
from types import ModuleType

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse

from config import urls as urlconf
from tests.roles import LOGIN, METHODS, PEOPLE, REFUSALS, ROWS, Expected, Outcome, Row, Scene, of, public, urls
from tests.wa_sessions.sockets import Page, headers_of
from wa_sessions.page_urls import simulator_urlpatterns
from wa_sessions.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_url(settings):
    """All addresses that there can be, those of the simulator's pages among them."""
    everywhere = ModuleType("every_url")
    everywhere.__dict__.update(vars(urlconf), urlpatterns=[*urlconf.urlpatterns, *simulator_urlpatterns])
    settings.WA_SIMULATOR_CONTROL = "ws://127.0.0.1:1/control"
    settings.ROOT_URLCONF = everywhere


@pytest.fixture
def scene(db) -> Scene:
    return Scene()


def outcome_of(response: HttpResponse) -> Outcome:
    place = response.headers.get("Location", "")
    return LOGIN if response.status_code == 302 and re.match(r"/(admin/)?login\b", place) else response.status_code


def test_every_url_has_its_row_and_every_row_its_url():
    there = set(urls())
    assert there - set(ROWS) == set(), "these URLs need a row"
    assert set(ROWS) - there == set(), "these rows have no URL"


def ways(row: Row) -> tuple[bool, ...]:
    """By token or not: pages know sessions only, the API takes both."""
    return (False, True) if row.is_api else (False,)


@pytest.mark.parametrize("url", ROWS)
def test_everybody_gets_what_the_table_says(scene, url):
    row, found, expected = ROWS[url], {}, {}
    for method, by_person in row.expected.items():
        for person in PEOPLE:
            for by_token in ways(row):
                key = f"{method} {person} {'token' if by_token else 'session'}"
                found[key] = outcome_of(scene.ask(row, method, person, by_token=by_token))
                expected[key] = by_person[person] if by_token else row.by_session.get(method, by_person)[person]
    assert found == expected


@pytest.mark.parametrize("url", ROWS)
def test_no_other_method_is_a_way_in(scene, url):
    row = ROWS[url]
    for method in METHODS:
        if method in row.expected:
            continue
        for person in PEOPLE:
            may_enter = row.is_admin and row.expected["GET"][person] not in REFUSALS
            for by_token in ways(row):
                outcome = outcome_of(scene.ask(row, method, person, by_token=by_token))
                assert may_enter or outcome in REFUSALS, (method, person, outcome)
                assert outcome != 500, (method, person)


def named(row: Row) -> str:
    """What the path names by a public id: an outlet, a blast, or nothing."""
    return next((name for name in ("outlet", "blast") if f"{{{name}}}" in row.path), "")


@pytest.mark.parametrize("url", [url for url, row in ROWS.items() if named(row)])
def test_what_is_not_theirs_is_as_if_it_were_not_there(scene, url):
    row, name = ROWS[url], named(ROWS[url])
    for method in row.expected:
        for by_token in ways(row):
            for person in ("other", "none"):
                foreign = scene.ask(row, method, person, by_token=by_token)
                absent = scene.ask(row, method, person, by_token=by_token, **{name: f"{name}_999999"})
                malformed = scene.ask(row, method, person, by_token=by_token, **{name: "nonsense"})
                assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content)
                assert (foreign.status_code, foreign.content) == (malformed.status_code, malformed.content)
                assert dict(foreign.headers) == dict(absent.headers)
            for person in ("own", "admin", "superadmin"):
                gone = scene.ask(row, method, person, by_token=by_token, **{name: f"{name}_999999"})
                assert gone.status_code == 404


# WebSockets

HELLO = "hello"
REFUSED = "refused"  # before the handshake is done

SOCKETS: Mapping[str, tuple[str, Expected]] = {
    r"^ws/status/?\Z": ("/ws/status", of(4401, HELLO, HELLO, HELLO, HELLO, HELLO, 4401)),
    "": ("/ws/nothing", public(REFUSED)),
}


def test_every_websocket_has_its_row():
    assert {str(route.pattern) for route in websocket_urlpatterns} == set(SOCKETS)


async def knock(path: str, headers: list[tuple[bytes, bytes]]) -> Outcome:
    page = Page(headers, path)
    is_accepted, _ = await page.connect()
    if not is_accepted:
        return REFUSED
    output = await page.receive_output(2.0)
    outcome = output.get("code") or HELLO
    await page.disconnect()
    return outcome


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", SOCKETS)
async def test_everybody_gets_the_websocket_that_the_table_says(route):
    scene = await sync_to_async(Scene)()
    path, expected = SOCKETS[route]
    found_by_session, found_by_token = {}, {}
    for person in PEOPLE:
        session, (token, _row) = scene.sessions.get(person, ""), scene.tokens.get(person, ("", None))
        found_by_session[person] = await knock(path, headers_of(session=session))
        found_by_token[person] = await knock(path, headers_of(token=token))
        assert await knock(path, headers_of(session=session, origin=b"https://evil.example")) == REFUSED
    await sync_to_async(connections.close_all)()  # that thread's connection would keep the database from being dropped
    assert found_by_session == expected
    assert found_by_token == expected
