"""What the pages answer, without a browser: to whom, with which headers, and where forms lead."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.cast import OutletFactory
from tests.pages.scene import QR_TEXT
from wa_sessions.models import WhatsAppSession

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Accept": "application/json"}


def test_rows_that_did_not_change_are_not_sent_again(scene, browser_as):
    client = browser_as(scene.cast.adi)
    for _ in range(2):  # a minute of "12 minutes ago" may end between the two
        first = client.get("/outlet-status/rows")
        again = client.get("/outlet-status/rows", headers={"If-None-Match": first["ETag"]})
        if again.status_code == 304:
            break
    assert (again.status_code, again.content) == (304, b"")
    assert again["X-Gerai-At"]
    scene.down(scene.cast.jakarta)
    changed = client.get("/outlet-status/rows", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert client.get("/outlets/rows", headers={"If-None-Match": changed["ETag"]}).status_code == 200


def test_a_page_costs_the_same_queries_for_any_number_of_outlets(scene, browser_as, django_assert_max_num_queries):
    client = browser_as(scene.cast.adi)
    for _ in range(30):
        scene.down(OutletFactory.create())
    with django_assert_max_num_queries(5):  # session, person, rows, since when; one to spare
        client.get("/outlet-status")


def test_drawings_are_shared_but_not_between_roles(scene, browser_as):
    rows = browser_as(scene.cast.adi).get("/outlets/rows").content.decode()
    assert "csrfmiddlewaretoken" not in rows
    assert f"/outlets/{scene.cast.jakarta.public_id}/unlink" in rows
    rows = browser_as(scene.cast.jaka).get("/outlets/rows").content.decode()
    assert "/unlink" not in rows
    assert "/edit" not in rows


def test_more_than_a_hundred_come_in_pages_problems_first(scene, browser_as):
    for number in range(110):
        scene.connected(OutletFactory.create(name=f"Toko {number:03}"))
    client = browser_as(scene.cast.adi)
    first, second = client.get("/outlet-status").content.decode(), client.get("/outlet-status?page=2").content.decode()
    assert len(re.findall("data-row=", first)) == 100
    assert len(re.findall("data-row=", second)) == 15
    assert first.index("Outlet Bandung") < first.index("Outlet Jakarta")


@pytest.mark.parametrize(("query", "found"), [("jakar", "Jakarta"), ("0877-8898", "Jakarta"), ("MEDAN", "Medan")])
def test_it_searches_names_and_numbers(scene, browser_as, query, found):
    page = browser_as(scene.cast.adi).get("/outlet-status", {"q": query}).content.decode()
    assert len(re.findall("data-row=", page)) == 1
    assert f"Outlet {found}" in page


def test_other_peoples_and_nobodys_outlets_do_not_exist(scene, browser_as):
    client = browser_as(scene.cast.jaka)
    for outlet_id in (scene.cast.bandung.public_id, "outlet_999999", "outlet_0", "x"):
        for page in ("link", "qr"):
            assert client.get(f"/outlets/{outlet_id}/{page}").status_code == 404
        assert client.get(f"/outlet-status/{outlet_id}").status_code == 404
        assert client.get("/outlet-status", {"open": outlet_id}).status_code == 404
        for wish in ("connect", "disconnect", "pause", "resume", "unlink", "pairing-code", "auto-reconnect"):
            assert client.post(f"/outlets/{outlet_id}/{wish}").status_code == 404


def test_a_shop_cannot_unlink_or_edit(scene, browser_as):
    client = browser_as(scene.cast.jaka)
    outlet_id = scene.cast.jakarta.public_id
    for page in ("unlink", "auto-reconnect", "deactivate", "activate", "edit"):
        assert client.post(f"/outlets/{outlet_id}/{page}").status_code == 403
    assert client.post("/outlets/new", {"name": "X", "whatsapp_number": "081234567890"}).status_code == 403
    session = WhatsAppSession.objects.get(outlet=scene.cast.jakarta)
    assert (session.wish, session.outlet.is_active, session.auto_reconnect) == ("", True, True)


def test_the_qr_is_drawn_never_written_and_never_kept(scene, browser_as):
    answer = browser_as(scene.cast.adi).get(f"/outlets/{scene.cast.medan.public_id}/qr")
    assert "no-store" in answer["Cache-Control"]
    assert "<svg" in answer.content.decode()
    assert QR_TEXT[:20] not in answer.content.decode()


def test_a_form_comes_back_where_it_was_sent_from_but_nowhere_else(scene, browser_as):
    client = browser_as(scene.cast.adi)
    address = f"/outlets/{scene.cast.jakarta.public_id}/pause"
    assert client.post(address, {"next": "/outlet-status?q=jak"})["Location"] == "/outlet-status?q=jak"
    for elsewhere in ("https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)", ""):
        assert client.post(address, {"next": elsewhere})["Location"] == "/outlets"


@pytest.mark.parametrize("way", ["script", "form"])
def test_codes_are_asked_for_as_seldom_as_by_the_api(scene, browser_as, api, way):
    client, outlet_id = browser_as(scene.cast.adi), scene.cast.medan.public_id
    headers = JSON if way == "script" else {}
    for _ in range(6):
        assert client.post(f"/outlets/{outlet_id}/pairing-code", headers=headers).status_code in (200, 302)
    wish = WhatsAppSession.objects.get(outlet=scene.cast.medan).wish_number
    answer = client.post(f"/outlets/{outlet_id}/pairing-code", headers=headers)
    assert (answer.status_code, 0 < int(answer["Retry-After"]) <= 60) == (429, True)
    said = json.loads(answer.content)["message"] if way == "script" else answer.content.decode()
    assert "Terlalu banyak kode diminta. Coba lagi dalam" in said
    assert WhatsAppSession.objects.get(outlet=scene.cast.medan).wish_number == wish
    assert api(scene.cast.adi).post(f"/api/outlets/{outlet_id}/pairing-code").status_code == 429  # one count for both
    assert browser_as(scene.cast.sari).post(f"/outlets/{outlet_id}/pairing-code", headers=headers).status_code != 429


def test_a_refused_wish_says_why(scene, browser_as):
    client = browser_as(scene.cast.adi)
    answer = client.post(f"/outlets/{scene.cast.bandung.public_id}/pause", headers=JSON)
    assert answer.status_code == 409
    assert json.loads(answer.content)["message"] == "Outlet ini tidak terhubung. Hubungkan dulu."
    assert client.get(f"/outlets/{scene.cast.bandung.public_id}/pause").status_code == 405


def test_a_temporarily_banned_number_is_not_offered_a_button_that_would_be_refused(scene, browser_as):
    scene.down(scene.cast.bandung, "temporary_ban", retry_at=timezone.now() + timedelta(minutes=14))
    page = browser_as(scene.cast.budi).get("/outlet-status").content.decode()
    assert "Tunggu 14 menit" in page
    assert "/connect" not in page


def test_templates_have_no_inline_script_or_style():
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style", text), template
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), template
        assert "|safe" not in text, template
    for script in (ROOT / "static/js").glob("*.js"):
        assert not re.search(
            r"innerHTML\s*=|outerHTML\s*=|insertAdjacentHTML|document\.write|eval\(", script.read_text()
        ), script
