"""What holds for every page: no complaint of the browser, no scrolling to the side, large targets, contrast."""

from pathlib import Path

import pytest

from tests.cast import OutletFactory
from tests.pages.conftest import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("/outlet-status", "/outlets", "/outlets/new", "{medan}/link", "{medan}/edit", "{jakarta}/unlink")
ADMIN_PAGES = (
    "/admin/", "/admin/outlet-status/", "/admin/outlets/outlet/", "/admin/outlets/outlet/add/",
    "/admin/wa_sessions/whatsappsession/", "/admin/wa_sessions/flip/",
)  # fmt: skip

# Every text with its colour against the ground it stands on; gives those below WCAG AA.
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()

SMALL_TARGETS = """() => [...document.querySelectorAll('button, a, summary, select, input')]
    .filter(part => !part.matches('[type=hidden], [type=checkbox], [type=radio]'))
    .filter(part => part.checkVisibility() && !part.matches('.skip'))
    .filter(part => part.getBoundingClientRect().height < 43.5)
    .map(part => part.outerHTML)"""


def addresses(scene, pages=PAGES):
    places = {name: f"/outlets/{getattr(scene.cast, name).public_id}" for name in ("medan", "jakarta")}
    return [page.format(**places) for page in pages]


@pytest.mark.parametrize("language", ["id", "en"])
def test_pages_fit_can_be_read_and_pressed_by_thumbs(scene, visit, language):
    long = OutletFactory.create(name="Outlet Dengan Nama Yang Panjang Sekali Sampai Tidak Muat " + "x" * 40)
    scene.connected(long, name="Perangkat dengan nama yang sangat panjang juga")
    visitor = visit(scene.cast.sari, language=language)
    for address in addresses(scene):
        visitor.go(address)
        assert flaws(visitor) == [], address
        assert visitor.complaints == [], address


def flaws(visitor):
    """What is wrong with the page as it stands: on a desk and on a phone, in the light and in the dark."""
    page, found = visitor.page, []
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        found += _too_wide(visitor, size)
        for part in page.locator("[data-expands][aria-expanded=false]").all()[:2]:
            part.click()
            page.locator(".details").first.wait_for()
        found += _too_wide(visitor, size)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found += [(size["width"], scheme, text) for text in page.evaluate(CONTRAST)]
    return found + [("too small", target) for target in page.evaluate(SMALL_TARGETS)]


def _too_wide(visitor, size):
    tables = visitor.page.locator(".sheet-wrap").evaluate_all("parts => parts.map(p => p.scrollWidth - p.clientWidth)")
    return [("beyond the edge", size["width"], part) for part in (visitor.width_beyond(), *tables) if part > 0]


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
