"""What holds for every page: no complaint of the browser, no scrolling to the side, large targets, contrast."""

from pathlib import Path

import pytest

from tests.cast import OutletFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/outlet-status", "/outlets", "/outlets/new", "{medan}/link", "{medan}/edit", "{jakarta}/unlink")
ADMIN_PAGES = (
    "/admin/", "/admin/outlet-status/", "/admin/outlets/outlet/", "/admin/outlets/outlet/add/",
    "/admin/wa_sessions/whatsappsession/", "/admin/wa_sessions/flip/",
)  # fmt: skip

# Every text with its colour against the ground it stands on; gives those below WCAG AA.
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


def addresses(scene, pages=PAGES):
    places = {name: f"/outlets/{getattr(scene.cast, name).public_id}" for name in ("medan", "jakarta")}
    return [page.format(**places) for page in pages]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_pages_fit_and_the_browser_is_content(scene, visit, language, phone):
    long = OutletFactory.create(name="Outlet Dengan Nama Yang Panjang Sekali Sampai Tidak Muat " + "x" * 40)
    scene.connected(long, name="Perangkat dengan nama yang sangat panjang juga")
    visitor = visit(scene.cast.sari, phone=phone, language=language)
    for address in addresses(scene):
        page = visitor.go(address)
        assert visitor.width_beyond() == 0, address
        table = page.locator(".sheet-wrap")
        if table.count():
            assert table.evaluate("part => part.scrollWidth - part.clientWidth") <= 0, address
    assert visitor.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_can_be_read(scene, visit, dark):
    visitor = visit(scene.cast.sari, dark=dark)
    for address in addresses(scene):
        page = visitor.go(address)
        for part in page.locator("[data-expands]").all()[:2]:
            part.click()
            page.locator(".details").first.wait_for()
        assert page.evaluate(CONTRAST) == [], address


def test_targets_are_large_enough_for_thumbs(scene, visit):
    visitor = visit(scene.cast.sari, phone=True)
    for address in addresses(scene):
        page = visitor.go(address)
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, a, summary, select, input')]
                .filter(part => !part.matches('[type=hidden], [type=checkbox]'))
                .filter(part => part.checkVisibility() && !part.matches('.skip'))
                .filter(part => part.getBoundingClientRect().height < 43.5)
                .map(part => part.outerHTML)"""
        )
        assert small == [], address


def test_the_admin_is_content_with_the_policy(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    for address in ADMIN_PAGES:
        visitor.go(address)
    assert visitor.complaints == []


def test_login_and_error_pages(scene, visit):
    visitor = visit(None, phone=True, language="id")
    page = visitor.go("/outlet-status")
    assert "/login" in page.url
    page.get_by_label("Nama pengguna").fill("sari")
    page.get_by_label("Sandi").fill("salah")
    page.get_by_role("button", name="Masuk").click()
    assert page.locator("[role=alert]").inner_text()
    assert visitor.width_beyond() == 0
    assert visitor.complaints == []
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("button", name="Log in").is_visible()


def test_staff_act_on_selected_rows_in_the_admin(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/admin/outlet-status/")
    page.locator(f"input[value={scene.cast.jakarta.public_id}]").check()
    page.locator(f"input[value={scene.cast.bandung.public_id}]").check()
    page.get_by_role("button", name="Jeda").click()
    page.wait_for_load_state()
    assert "Diminta untuk 1 outlet" in page.locator(".messagelist").inner_text()
    assert "Outlet Bandung: " in page.locator(".messagelist").inner_text()
    scene.cast.jakarta.session.refresh_from_db()
    assert scene.cast.jakarta.session.intent == "PAUSED"
    assert visitor.complaints == []
