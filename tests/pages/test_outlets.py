"""The outlets page and the linking of a phone, in a browser."""

import pytest
from playwright.sync_api import expect

from outlets.models import Outlet
from wa_sessions.models import WhatsAppSession
from wa_sessions.states import Status

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEXT = 6000  # ms: by then a page has asked again


def later(page):
    """Have the page believe that some seconds went by."""
    page.clock.fast_forward(NEXT)


def row(page, outlet):
    return page.locator(f"[data-row={outlet.public_id}]")


def test_the_qr_is_shown_renewed_and_ends_in_success(scene, visit):
    visitor = visit(scene.cast.sari, language="id")
    visitor.page.clock.install()
    page = visitor.go("/outlets")
    row(page, scene.cast.medan).get_by_role("link", name="Pindai QR").click()
    dialog = page.locator("#link-dialog")
    expect(dialog.locator(".qr-image")).to_be_visible()
    expect(dialog.locator(".steps li")).to_have_count(3)
    expect(dialog).to_contain_text("Setelan › Perangkat tertaut › Tautkan perangkat")
    first = dialog.locator(".qr-image path").get_attribute("d")
    seconds = dialog.locator("[data-countdown]")
    expect(seconds).to_contain_text("dtk")
    assert "secret" not in page.content()
    scene.qr(scene.cast.medan, seconds=20, text="2@the-next-one" * 12)
    page.clock.fast_forward(1600)
    expect(dialog.locator(".qr-image path")).not_to_have_attribute("d", first)
    left = float(dialog.locator("[data-ring]").get_attribute("stroke-dashoffset"))
    assert left < 20  # the ring of the new one begins full
    page.clock.fast_forward(1600)
    assert float(dialog.locator("[data-ring]").get_attribute("stroke-dashoffset")) > left
    scene.connected(scene.cast.medan, name="Samsung A15")
    later(page)
    expect(dialog.locator(".solo-word")).to_have_text("Tertaut")
    expect(dialog).to_contain_text("+62 812-3450-0004")
    expect(dialog).to_contain_text("Samsung A15")
    dialog.get_by_role("link", name="Selesai").click()
    expect(dialog).to_be_hidden()
    page.clock.fast_forward(11_000)
    expect(row(page, scene.cast.medan)).to_contain_text("Terhubung")
    assert visitor.complaints == []


def test_who_cannot_scan_types_a_code(scene, visit):
    visitor = visit(scene.cast.sari, language="id")
    visitor.page.clock.install()
    page = visitor.go("/outlets")
    row(page, scene.cast.medan).get_by_role("link", name="Pindai QR").click()
    dialog = page.locator("#link-dialog")
    dialog.get_by_role("button", name="Pakai kode").click()
    expect(dialog.locator(".solo-word")).to_have_text("Menyiapkan…")
    assert WhatsAppSession.objects.get(outlet=scene.cast.medan).wish == "connect_by_code"
    scene.code(scene.cast.medan)
    later(page)
    expect(dialog.locator(".code")).to_have_text("K7M2-XQ4P")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(dialog.locator(".code")).to_have_count(0)
    assert "K7M2" not in page.content()
    assert visitor.complaints == []


def test_a_wrong_number_is_named_and_a_time_out_offers_another_try(scene, visit):
    scanned, expected = "6281399990000", "6281234500004"
    visitor = visit(scene.cast.adi, phone=True, language="id")
    visitor.page.clock.install()
    page = visitor.go(f"/outlets/{scene.cast.medan.public_id}/link")
    expect(page.locator(".qr-image")).to_be_visible()
    scene.down(scene.cast.medan, "wrong_number", cause_detail={"scanned": scanned, "expected": expected})
    later(page)
    expect(page.locator(".solo-word")).to_have_text("Nomor yang memindai berbeda")
    expect(page.locator(".link")).to_contain_text("+62 813-9999-0000")
    expect(page.locator(".link")).to_contain_text("+62 812-3450-0004")
    scene.down(scene.cast.medan, "not_scanned", status=Status.TIMEOUT)
    later(page)
    expect(page.locator(".solo-word")).to_have_text("Waktu habis")
    page.get_by_role("button", name="Coba lagi").click()
    expect(page.locator(".solo-word")).to_have_text("Menyiapkan…")
    scene.qr(scene.cast.medan)
    later(page)
    expect(page.locator(".qr-image")).to_be_visible()
    assert visitor.complaints == []


def test_connecting_an_unlinked_outlet_opens_the_dialog(scene, visit):
    visitor = visit(scene.cast.budi, phone=True, language="id")
    visitor.page.clock.install()
    page = visitor.go("/outlet-status")
    page.get_by_role("button", name="Hubungkan").click()
    dialog = page.locator("#link-dialog")
    expect(dialog.locator(".solo-word")).to_have_text("Menyiapkan…")
    scene.qr(scene.cast.bandung)
    later(page)
    expect(dialog.locator(".qr-image")).to_be_visible()
    assert visitor.width_beyond() == 0
    assert visitor.complaints == []


def test_an_admin_adds_edits_and_deactivates(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/outlets")
    page.get_by_role("link", name="Tambah outlet").click()
    page.get_by_label("Nama").fill("Outlet Bogor")
    page.get_by_label("Nomor WhatsApp").fill("12")
    page.get_by_role("button", name="Simpan").click()
    expect(page.locator(".field-error")).to_contain_text("Tulis nomor telepon")
    page.get_by_label("Nomor WhatsApp").fill("0812-3450-0099")
    page.get_by_role("button", name="Simpan").click()
    expect(page.locator(".note")).to_contain_text("Outlet Bogor sudah ditambahkan")
    bogor = Outlet.objects.get(name="Outlet Bogor")
    assert bogor.whatsapp_number == "6281234500099"
    visitor.go("/outlets")
    row(page, bogor).locator("summary").click()
    row(page, bogor).get_by_role("button", name="Nonaktifkan").click()
    expect(page.locator(".toast-note").get_by_role("button", name="Aktifkan")).to_be_visible()
    bogor.refresh_from_db()
    assert not bogor.is_active
    page.locator(".toast-note").get_by_role("button", name="Aktifkan").click()
    expect(page.locator(".toast-note")).to_contain_text("Outlet Bogor aktif")
    bogor.refresh_from_db()
    assert bogor.is_active
    assert visitor.complaints == []


def test_unlinking_asks_first(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/outlets")
    row(page, scene.cast.jakarta).locator("summary").click()
    row(page, scene.cast.jakarta).get_by_role("link", name="Lepas tautan").click()
    expect(page.locator("h1")).to_have_text("Lepas tautan Outlet Jakarta?")
    session = WhatsAppSession.objects.get(outlet=scene.cast.jakarta)
    assert session.wish == ""
    page.get_by_role("button", name="Lepas tautan").click()
    page.wait_for_url("**/outlets")
    session.refresh_from_db()
    assert session.wish == "unlink"
    assert visitor.complaints == []


def test_the_linking_page_works_without_scripts(scene, visit):
    page = visit(scene.cast.sari, scripts=False, language="id").go("/outlets")
    row(page, scene.cast.medan).get_by_role("link", name="Pindai QR").click()
    expect(page.locator(".qr-image")).to_be_visible()
    page.get_by_role("button", name="Pakai kode").click()
    expect(page.locator(".note")).to_contain_text("kode sedang disiapkan")
