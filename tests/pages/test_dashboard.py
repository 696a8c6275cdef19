"""The dashboard in a browser: what head office sees at a glance, and how it stays true without moving."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from tests.cast import OutletFactory
from wa_sessions.states import Status

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CELLS = "[...document.querySelectorAll('[data-cell]')]"


def names(page):
    return page.locator("[data-row] .expander").all_inner_texts()


@pytest.mark.parametrize(
    ("language", "headline", "connected", "problem"),
    [
        ("id", "2 outlet bermasalah", "Terhubung", "Bermasalah"),
        ("en", "2 outlets have a problem", "Connected", "Problem"),
    ],
)
def test_it_answers_in_one_glance(scene, visit, language, headline, connected, problem):
    visitor = visit(scene.cast.sari, language=language)
    page = visitor.go("/outlet-status")
    expect(page).to_have_title("(2) Gerai")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/png;base64,"))
    expect(page.locator(".headline")).to_contain_text(headline)
    assert page.locator(".card-number").all_inner_texts() == ["5", "3", "2"]
    # Problems first, then by name.
    wanted = ["Outlet Bandung", "Outlet Medan", "Outlet Jakarta", "Outlet Semarang", "Outlet Surabaya"]
    assert names(page) == wanted
    jakarta = page.locator(f"[data-row={scene.cast.jakarta.public_id}]")
    expect(jakarta).to_contain_text("+62 877-8898-7745")
    expect(jakarta.locator(".c-db")).to_contain_text(f"✓ {connected}", use_inner_text=True)
    expect(page.locator(f"[data-row={scene.cast.bandung.public_id}] .c-health")).to_contain_text(problem)
    assert visitor.complaints == []


def test_it_exchanges_only_the_cells_that_changed(scene, visit):
    visitor = visit(scene.cast.sari, language="id")
    page = visitor.go("/outlet-status")
    jakarta = scene.cast.jakarta.public_id
    page.evaluate(f"{CELLS}.forEach(cell => cell.firstChild && (cell.firstChild.mark = 1))")
    page.locator("#q").fill("half-written")
    scene.down(scene.cast.jakarta, cause="line_lost")
    page.evaluate("document.dispatchEvent(new CustomEvent('gerai:wish'))")
    expect(page.locator(f"[data-row={jakarta}] .c-db")).to_contain_text("Terputus")
    expect(page.locator(f"[data-row={jakarta}] .row-note")).to_contain_text("Koneksi ke WhatsApp terputus.")
    expect(page).to_have_title("(3) Gerai")
    expect(page.locator("#announce")).to_have_text("3 outlet bermasalah")
    kept = page.evaluate(f"{CELLS}.filter(cell => cell.firstChild?.mark).map(cell => cell.dataset.cell)")
    surabaya = scene.cast.surabaya.public_id
    assert {f"{jakarta}:name", f"{surabaya}:db", f"{surabaya}:health", "total"} <= set(kept)
    assert not {f"{jakarta}:db", f"{jakarta}:health", "problems"} & set(kept)
    assert page.locator("#q").input_value() == "half-written"
    # Somebody is reading: the order stays. The button sorts.
    assert names(page)[2] == "Outlet Jakarta"
    scene.connected(scene.cast.bandung)
    page.locator("#refresh").click()
    expect(page.locator("[data-row] .expander").first).to_have_text("Outlet Jakarta")
    assert visitor.complaints == []


def test_a_row_opens_by_keyboard_and_stays_open(scene, visit):
    visitor = visit(scene.cast.sari, language="id")
    page = visitor.go("/outlet-status")
    bandung = scene.cast.bandung.public_id
    expander = page.locator(f"[data-row={bandung}] .expander")
    expander.focus()
    page.keyboard.press("Enter")
    details = page.locator(f"#d-{bandung}")
    expect(details.locator(".checks li")).to_have_count(5)
    expect(details).to_contain_text("Tekan Hubungkan lalu pindai QR di menu Perangkat tertaut.")
    expect(details.locator(".flips li")).to_have_count(1)
    expect(expander).to_have_attribute("aria-expanded", "true")
    scene.connected(scene.cast.bandung)
    page.evaluate("document.dispatchEvent(new CustomEvent('gerai:wish'))")
    expect(details.locator(".checks li.tone-ok")).to_have_count(5)
    expect(details).to_be_visible()
    expect(expander).to_be_focused()
    page.keyboard.press("Space")
    expect(details).to_be_hidden()
    assert visitor.complaints == []


def test_a_button_acts_without_leaving_and_can_be_undone(scene, visit):
    visitor = visit(scene.cast.jaka, phone=True, language="id")
    page = visitor.go("/outlet-status")
    page.get_by_role("button", name="Jeda").click()
    toast = page.locator(".toast-note")
    expect(toast).to_contain_text("Outlet Jakarta: dijeda.")
    scene.cast.jakarta.session.refresh_from_db()
    assert scene.cast.jakarta.session.intent == "PAUSED"
    toast.get_by_role("button", name="Lanjutkan").click()
    expect(page.locator(".toast-note")).to_contain_text("Outlet Jakarta: dilanjutkan.")
    scene.cast.jakarta.session.refresh_from_db()
    assert scene.cast.jakarta.session.intent == "ONLINE"
    assert visitor.complaints == []


def test_it_says_since_when_the_server_is_silent(scene, visit):
    visitor = visit(scene.cast.sari, language="id")
    page = visitor.page
    page.clock.install()
    visitor.go("/outlet-status")
    page.route("**/outlet-status/rows*", lambda route: route.abort())
    page.clock.run_for(1000)  # an answer that was on its way is in
    last = page.locator("#last-refresh").inner_text().removeprefix("Pembaruan terakhir: ")
    page.clock.run_for(16_000)
    expect(page.locator("#silence")).to_have_text(
        f"Server tidak menjawab sejak {last}. Yang tampak adalah keadaan terakhir yang diketahui."
    )
    expect(page.locator("#live")).to_have_class("is-old")
    expect(page.locator("#data-age")).to_have_text(re.compile(r"data \d\d dtk lalu"))
    page.unroute("**/outlet-status/rows*")
    page.clock.run_for(4_000)
    page.clock.run_for(4_000)
    expect(page.locator("#silence")).to_be_hidden()


def test_whoever_is_logged_out_meanwhile_lands_on_the_login_page(scene, visit):
    visitor = visit(scene.cast.sari)
    visitor.page.clock.install()
    page = visitor.go("/outlet-status?q=jakarta")
    Session.objects.all().delete()
    page.clock.fast_forward(11_000)
    expect(page).to_have_url(re.compile(r"/login\?next=/outlet-status"))


def test_a_shop_sees_one_card_with_one_button(scene, visit):
    visitor = visit(scene.cast.budi, phone=True, language="id")
    page = visitor.go("/outlet-status")
    assert page.locator("table, .cards").count() == 0
    expect(page.locator(".solo-word")).to_have_text("Terputus")
    expect(page.locator(".solo-sentence")).to_have_text("HP melepas perangkat tertaut ini.")
    expect(page.locator(".solo-act .btn")).to_have_count(1)
    scene.connected(scene.cast.bandung)
    page.locator("#refresh").click()
    expect(page.locator(".solo-word")).to_have_text("Terhubung")
    page.get_by_text("Rincian").click()
    expect(page.locator(".checks li")).to_have_count(5)
    assert visitor.complaints == []


def test_nobodys_outlet_and_no_outlet_are_a_beginning(scene, visit, cast):
    page = visit(cast.nina, phone=True, language="id").go("/outlet-status")
    expect(page.locator("main")).to_contain_text("Minta admin usaha Anda")
    type(cast.jakarta).objects.all().delete()
    page = visit(cast.adi, language="id").go("/outlet-status")
    page.get_by_role("link", name="Tambah outlet").click()
    expect(page.locator("h1")).to_have_text("Tambah outlet")


def test_names_with_markup_are_text(scene, visit):
    evil = "<img src=x onerror=alert(1)><b>Toko</b>"
    outlet = OutletFactory.create(name=evil)
    scene.connected(outlet, name="<script>alert(2)</script>")
    visitor = visit(scene.cast.sari, language="id")
    page = visitor.go("/outlet-status")
    row = page.locator(f"[data-row={outlet.public_id}]")
    expect(row.locator(".expander")).to_have_text(evil)
    expect(row.locator(".c-session")).to_have_text("<script>alert(2)</script>")
    row.locator(".expander").click()
    expect(row.locator(".facts")).to_contain_text("<script>alert(2)</script>")
    scene.down(outlet, status=Status.FAILED)
    page.locator("#refresh").click()
    expect(row.locator(".c-db")).to_contain_text("Gagal")
    page.goto(page.url.replace("/outlet-status", "/outlets"))
    item = page.locator(f"[data-row={outlet.public_id}]")
    expect(item.locator("h2")).to_have_text(evil)
    item.get_by_role("button", name="Hubungkan").click()
    expect(page.locator("#link-title")).to_have_text(f"Tautkan {evil}")
    page.keyboard.press("Escape")
    item.locator("summary").click()
    item.get_by_role("button", name="Matikan sambung ulang otomatis").click()
    expect(page.locator(".toast-note")).to_contain_text(evil)
    assert page.locator("img").count() == 0
    assert visitor.complaints == []


def test_without_scripts_it_reads_filters_and_acts(scene, visit):
    visitor = visit(scene.cast.sari, scripts=False, language="id")
    page = visitor.go("/outlet-status")
    assert page.locator("noscript meta[http-equiv=refresh]").count() or "http-equiv" in page.content()
    page.locator("#show").select_option("problem")
    page.get_by_role("button", name="Cari").click()
    assert names(page) == ["Outlet Bandung", "Outlet Medan"]
    page.locator(".expander").first.click()
    expect(page.locator(".checks li").first).to_be_visible()
    page.locator(".row-note").get_by_role("button", name="Hubungkan").click()
    expect(page.locator("h2")).to_have_text("Tautkan Outlet Bandung")
    scene.cast.bandung.session.refresh_from_db()
    assert scene.cast.bandung.session.wish == "connect"
