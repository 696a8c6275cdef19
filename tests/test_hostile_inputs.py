"""Whatever somebody sends, to whichever address: it is refused, or it is taken, and it is never an error of ours."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests.roles import ROWS, Scene, urls

pytestmark = pytest.mark.django_db

NUL = "a\x00b"
LONE = "\ud800"  # half of a pair: JSON can spell it, no database takes it
BIG = "9" * 30
HUGE = "9" * 5000  # more digits than `int` reads
TEXTS = (NUL, "٣²", BIG, HUGE, "x" * 20_000, "\u202egnp.exe", "-1", "1e999", "NaN", "%ff", "{{x}}", "{", "")
TIMES = ("0001-01-01T00:00", "9999-12-31T23:59", "2025-13-45T99:99", "9999-12-31T23:59:59-23:59", "2025-01-01T10+99:99")
BAD_NAMES = (NUL, "٣", BIG, HUGE, f"outlet_{BIG}", "outlet_٣", f"blast_{BIG}", "outlet_1\n", "..%2f..", "%", "%ff")
PARAMETERS = (
    "q",
    "page",
    "pageSize",
    "status",
    "show",
    "healthy",
    "open",
    "outlet",
    "outletId",
    "at",
    "active",
    "next",
)
SAMPLES = (json.dumps([[LONE, LONE, {"a": LONE}]]), "[" * 19_000, json.dumps([["1", "a", {LONE: "x"}]]), "1" * 6000)
VALUES: tuple[Any, ...] = (
    *TEXTS, *TIMES, LONE, None, True, -1, 10**30, 1e308, [], {}, [[]], [{}], [LONE], [None], [{"phone": LONE}],
    [{"phone": "0812", LONE: NUL}], [{"phone": 10**400, "name": 1e308}], [{"phone": "081234567890", "name": [LONE]}],
    [{"phone": "081234567890", "name": {"a": NUL}}],
)  # fmt: skip
BODIES = (b"", b"\xff\xfe", b"[" * 200_000, b"null", b"[]", b"1" * 6000, b"{\x00}", b'{"name": "\\ud800", "a": 1e999}')
KINDS = ("text/plain", "multipart/form-data; boundary=x", "multipart/form-data", NUL)
FILES = (
    b"", b"\x00" * 1000, b"\xff\xfe\x00", b"PK\x03\x04" + b"\x00" * 100, b"phone\n" + b'"' * 99, b"phone\n0812\x00345",
    b"=cmd|' /C calc'!A0\n", b"\xff\xd8\xff", b"%PDF-",
)  # fmt: skip

# A blast that would be saved, but for the one field that is not as it should be.
GOOD_BLAST = {
    "name": "Promo", "body": "Hai {name}", "text": "081234567890 Ani", "do": "save", "assignment": "EVEN",
    "on_unhealthy": "HOLD", "when": "at", "start_at": "2030-01-01T10:00",
}  # fmt: skip
BLAST = (*GOOD_BLAST, "outlets", "move_to")
OUTLET = ("name", "whatsapp_number", "is_active")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "login": ("username", "password", "next"),
    "i18n/setlang": ("language", "next"),
    "outlets/new": OUTLET,
    "outlets/<str:outlet_id>/edit": OUTLET,
    "outlets/<str:outlet_id>/connect": ("next",),
    "blast/new": BLAST,
    "blast/<str:blast_id>/edit": BLAST,
    "blast/check": ("text", "body"),
    "blast/problems": ("text", "body"),
    "blast/preview": ("samples", "blast", "body", "outlets"),
    "blast/<str:blast_id>/start": ("start_at",),
    "blast/opt-outs/<int:pk>/undo": ("reason",),
    "blast/pace/<str:outlet_id>": ("per_minute", "daily_cap", "delay_s", "quiet_from", "ramp_days", "ramp_start"),
}
OUTLET_API = ("name", "whatsappNumber", "isActive", "maxRetries")
BLAST_API = ("name", "body", "outlets", "recipients", "recipientsText", "assignment", "moveTo", "leaveOutBad", "file")
KEYS: Mapping[str, tuple[str, ...]] = {
    "api/auth/token": ("username", "password", "name"),
    "api/outlets": OUTLET_API,
    "api/outlets/<str:outlet_id>": OUTLET_API,
    "api/blasts": BLAST_API,
    "api/blasts/<str:blast_id>": BLAST_API,
    "api/blasts/<str:blast_id>/start": ("startAt",),
    "api/opt-outs/<int:opt_out_id>/undo": ("reason",),
    "api/outlets/<str:outlet_id>/pace": ("delaySeconds", "perMinute", "dailyCap", "quietFrom", "rampDays", "rampStart"),
}

OURS = {url: row for url, row in ROWS.items() if url in set(urls()) and not row.is_admin and "simulator" not in url}
SHOWN = [url for url, row in OURS.items() if "GET" in row.expected and url != "readyz"]
NAMED = [url for url, row in OURS.items() if "{" in row.path]


class Attacker:
    """Somebody who may do everything, with one address to try it on."""

    def __init__(self, scene: Scene, url: str) -> None:
        self.row = OURS[url]
        self.client = Client(raise_request_exception=False)
        if self.row.is_api:
            self.client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {scene.tokens['superadmin'][0]}"
        elif url != "login":  # who is logged in already is not asked
            self.client.force_login(scene.people["superadmin"])
        self.path = self.row.path.format(**scene.ids)
        self.data = scene.data_of(self.row)

    def ask(self, method: str, path: str, *args: Any, **how: Any) -> HttpResponse:
        cache.clear()  # throttles are not what is asked about here
        response = getattr(self.client, method.lower())(path, *args, **how)
        if response.streaming:
            b"".join(response.streaming_content)
        assert response.status_code < 500, (response.status_code, method, path[:80], repr((args, how))[:300])
        return response


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


@pytest.mark.parametrize("url", SHOWN)
def test_no_parameter_breaks_a_page(scene, url):
    attacker = Attacker(scene, url)
    alone = ("q", "page", "pageSize", "outletId") if attacker.row.is_api else ("at", "open")
    for text in (*TEXTS, *TIMES):
        attacker.ask("GET", attacker.path, dict.fromkeys(PARAMETERS, text))
        for name in alone:  # where one that is refused would hide the others
            attacker.ask("GET", attacker.path, {name: text})


@pytest.mark.parametrize("url", NAMED)
def test_no_name_in_a_path_breaks_it(scene, url):
    attacker = Attacker(scene, url)
    for method in attacker.row.expected:
        for bad in BAD_NAMES:
            attacker.ask(method, attacker.row.path.format_map(dict.fromkeys(scene.ids, bad)))


@pytest.mark.parametrize("url", FIELDS)
def test_no_field_breaks_a_form(scene, url):
    attacker = Attacker(scene, url)
    frame = dict(attacker.data)
    if FIELDS[url] is BLAST:
        frame = {**GOOD_BLAST, "outlets": [scene.ids["outlet"]]}
        for name in ("file", "attachment"):
            for content in FILES:
                sent = SimpleUploadedFile("\u202egnp.exe", content)
                attacker.ask("POST", attacker.path, {**frame, name: sent})
    if url.endswith("/start"):
        frame["do"] = "schedule"
    alone = () if url == "blast/<str:blast_id>/edit" else FIELDS[url]  # the form of blast/new once more
    for text in (*TEXTS, *TIMES):
        attacker.ask("POST", attacker.path, {**frame, **dict.fromkeys(FIELDS[url], text)})
    for name in alone:
        for text in (*TEXTS, *TIMES, *(SAMPLES if name == "samples" else ())):
            attacker.ask("POST", attacker.path, {**frame, name: text})


@pytest.mark.parametrize("url", KEYS)
def test_no_body_breaks_the_api(scene, url):
    attacker = Attacker(scene, url)
    method = "PATCH" if "PATCH" in attacker.row.expected else "POST"
    for body in BODIES:
        attacker.ask(method, attacker.path, body, content_type="application/json")
    for kind in KINDS:
        attacker.ask(method, attacker.path, b"--x\r\n\r\n--x--", content_type=kind)
    for name in KEYS[url]:
        for value in VALUES:
            body = json.dumps({**attacker.data, name: value})
            attacker.ask(method, attacker.path, body, content_type="application/json")
    if KEYS[url] is BLAST_API and method == "POST":
        for text in ("[" * 200_000, "1" * 6000, json.dumps([{"phone": LONE}])):
            form = {"name": "a", "body": "b", "outlets": scene.ids["outlet"], "recipients": text}
            attacker.ask(method, attacker.path, form)
