"""A name with markup in it is text, wherever it is shown: what a person typed, and what a phone says of itself."""

import html
import json
from html.parser import HTMLParser

import pytest
from asgiref.sync import sync_to_async

from tests.cast import UserFactory
from tests.wa_sessions.house import open_house
from wa_sessions.models import Flip, WhatsAppSession

IMAGE = "<img src=x onerror=alert(1)>"
NAMES = {
    "an image": IMAGE,
    "a script": "</script><script>alert(1)</script>",
    "quotes": '"\'` onmouseover=alert(1) x="',
    "a template": "{{ 7*7 }}{% debug %}%(count)s",
    "a comment": "<!--<b>Outlet",
    "an entity": "&lt;b&gt;&#60;i&#62;",
    "right to left": "متجر \u202e<b>gerai",
    "long": "<b>" + "W" * 97,
}
PAGES = (
    "/outlet-status",
    "/outlet-status/rows",
    "/outlet-status/outlet_{pk}",
    "/outlets",
    "/outlets/rows",
    "/outlets/outlet_{pk}/link",
    "/outlets/outlet_{pk}/edit",
    "/admin/outlet-status/",
    "/admin/outlets/outlet/",
    "/admin/outlets/outlet/{pk}/change/",
    "/admin/wa_sessions/whatsappsession/",
    "/admin/wa_sessions/whatsappsession/{pk}/change/",
    "/admin/wa_sessions/flip/",
    "/admin/accounts/user/",
)
EVENTS = ("onerror", "onmouseover", "onload", "onclick", "onfocus")


class Reader(HTMLParser):
    """Reads a page as a browser would: what would run, and what would be seen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.harm: list[str] = []
        self.seen: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self._in_script = tag == "script"
        if tag == "img" and names.get("src") == "x":
            self.harm.append(str(attrs))
        self.harm += [f"{tag} {name}" for name in names if name in EVENTS]
        self.seen += [value for value in names.values() if value]

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script and "alert(1)" in data:
            self.harm.append(data)
        self.seen.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.fixture
def shown(cast):
    """Writes a name wherever one can stand, in the database and not through a form that might have cleaned it."""

    def write(name: str) -> WhatsAppSession:
        cast.jakarta.name = name[:100]
        cast.jakarta.save()
        UserFactory.create(username="orang", first_name=name[:100], last_name=name[:100], outlet=cast.jakarta)
        row = WhatsAppSession.objects.create(
            outlet=cast.jakarta,
            status="FAILED",
            session_name=name[:100],
            jid=f"{name[:60]}:1@s.whatsapp.net",
            cause="wrong_number",
            cause_detail={"scanned": name, "expected": name},
        )
        at = "2026-01-01T00:00:00Z"
        Flip.objects.create(
            session=row, from_status="CONNECTED", to_status="FAILED", reason=name[:40], source="socket", at=at
        )
        return row

    return write


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_pages_show_it_as_text(shown, browser_as, cast, name):
    row = shown(name)
    browser = browser_as(cast.sari)
    for path in PAGES:
        answer = browser.get(path.format(pk=row.pk))
        assert answer.status_code == 200, (path, answer.status_code)
        reader = read(answer.content.decode())
        assert reader.harm == [], path
        if "outlet-status" in path or path.startswith("/outlets"):
            assert any(name[:100] in text for text in reader.seen), f"{path} does not show {name!r}"
    for query in ("/outlet-status", "/outlets", "/outlet-status/rows"):
        assert read(browser.get(query, {"q": name}).content.decode()).harm == []


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_api_gives_it_unchanged_as_json(shown, api, cast, name):
    row = shown(name)
    client = api(cast.sari)
    for path in (
        "/api/outlets/status",
        f"/api/outlets/outlet_{row.pk}/status",
        "/api/outlets",
        f"/api/outlets/outlet_{row.pk}/flips",
    ):
        answer = client.get(path)
        assert answer["Content-Type"].startswith("application/json")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert json.loads(answer.content)["success"] is True
    status = client.get(f"/api/outlets/outlet_{row.pk}/status").json()["status"]
    assert status["outlet"]["name"] == name[:100]
    assert status["session"]["sessionName"] == name[:100]
    assert name in status["cause"]["message"]


@pytest.mark.parametrize("name", [*NAMES.values(), "nul\0byte", "\ud800 lone"], ids=[*NAMES, "NUL", "a lone surrogate"])
def test_the_api_takes_it_or_says_why_not(api, cast, name):
    client = api(cast.adi)
    written = {"name": name, "whatsappNumber": "6281299990001"}
    answer = client.post("/api/outlets", json.dumps(written), "application/json")
    assert answer.status_code in (201, 400), answer.content
    if answer.status_code == 201:
        shown = client.get(f"/api/outlets/{answer.json()['outletId']}/status").json()["status"]["outlet"]["name"]
        assert "\0" not in shown
        assert set(shown) <= set(name)


PHONE_NAMES = [*NAMES.values(), "x" * 5000, "nul\0byte", "\x1b[31mred\r\n2026-01-01 ERROR forged line"]


@pytest.mark.django_db(transaction=True)
async def test_a_phone_can_be_called_anything(caplog):
    async with open_house() as house:
        jakarta = house.cast.jakarta
        await house.linked_directly(jakarta)
        for name in PHONE_NAMES:
            house.simulator.accounts[jakarta.whatsapp_number].name = name
            before = house.simulator.counts(jakarta.whatsapp_number).logins
            house.simulator.fault("stream_error", jakarta.whatsapp_number, code=515)
            await house.until(lambda before=before: house.simulator.counts(jakarta.whatsapp_number).logins > before)
            await house.until(lambda: house.manager._runners[jakarta.pk].state.phase == "open")
            assert await house.manager.journal.flush(5), f"{name!r} cannot be written"
            row = await house.row(jakarta)
            assert row["status"] == "CONNECTED", name
            assert len(row["session_name"]) <= 100
            assert "\0" not in row["session_name"]
            status = await house.status(jakarta)
            assert status["healthy"]
            assert "\0" not in status["liveStatus"]["name"]
            if len(name) <= 100 and name.isprintable():
                assert (row["session_name"], status["liveStatus"]["name"]) == (name, name)
            page = await sync_to_async(_page_of)(house.cast.sari)
            assert read(page).harm == []
            if name == IMAGE:
                assert html.escape(IMAGE) in page
    assert not [record for record in caplog.records if "forged" in record.getMessage()]


def _page_of(user):
    from django.test import Client

    browser = Client()
    browser.force_login(user)
    return browser.get("/outlet-status").content.decode()
