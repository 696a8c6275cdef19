"""The seeds' picture, as people live it: a real server, a simulated WhatsApp, and Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.cast import PASSWORD, Cast
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from tests.pages.conftest import DESK, PHONE
from wa_sessions import selectors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]

WITHIN_A_SECOND_MS = 1000
SOON_MS = 15_000


@pytest.fixture
def house(tmp_path: Path, cast: Cast) -> Iterator[Drill]:
    """Three outlets connected, Bandung disconnected, Medan waiting for its scan."""
    with drill(tmp_path, cast) as here:
        for person in cast.people:
            person.password = Argon2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")
            person.save(update_fields=["password"])
        here.link(cast.jakarta, cast.surabaya, cast.semarang, cast.bandung)
        here.ask(cast.bandung, "disconnect")
        here.becomes(cast.bandung, "DISCONNECTED")
        here.phones.add_phone(cast.medan.whatsapp_number, name="Gerai Medan")
        here.ask(cast.medan, "connect")
        here.qr(cast.medan)
        yield here


def log_in(browser: Browser, house: Drill, user: User, *, phone: bool = False) -> Page:
    context = browser.new_context(viewport=PHONE if phone else DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(SOON_MS)
    page.goto(house.server.url + "/")
    expect(page).to_have_url(re.compile("/login"))
    page.fill("input[name=username]", user.username)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page).to_have_url(re.compile("/outlet-status"))
    return page


def cell(page: Page, outlet_id: str, name: str):
    return page.locator(f'[data-cell="{outlet_id}:{name}"]')


@pytest.mark.alone
def test_it_shows_the_picture_of_the_seeds_and_keeps_it_true(browser: Browser, house: Drill) -> None:
    cast = house.cast
    page = log_in(browser, house, cast.adi)
    jakarta, bandung, medan = cast.jakarta.public_id, cast.bandung.public_id, cast.medan.public_id
    for outlet, db, live, health in (
        (jakarta, "Terhubung", "Terhubung", "Sehat"),
        (bandung, "Terputus", "Terputus", "Bermasalah"),
        (medan, "Menghubungkan", "Menghubungkan", "Bermasalah"),
    ):
        expect(cell(page, outlet, "db")).to_contain_text(db)
        expect(cell(page, outlet, "live")).to_contain_text(live)
        expect(cell(page, outlet, "health")).to_contain_text(health)
    assert [int(number) for number in page.locator(".card-number").all_inner_texts()] == [5, 3, 2]
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    expect(page.locator("body")).to_contain_text(re.compile(r"Pembaruan terakhir:\s*\d\d:\d\d:\d\d"))

    # One scan, and the dashboard turns green by itself.
    house.phones.scan(cast.medan.whatsapp_number, house.qr(cast.medan))
    expect(cell(page, medan, "health")).to_contain_text("Sehat", timeout=SOON_MS)
    expect(page).to_have_title(re.compile(r"^\(1\) "))

    # Jakarta's line is cut: seen within a second, and healed when the line is back.
    house.phones.fault("drop", cast.jakarta.whatsapp_number, times=1000)
    expect(cell(page, jakarta, "db")).not_to_contain_text("Terhubung", timeout=WITHIN_A_SECOND_MS)
    house.phones.lift(cast.jakarta.whatsapp_number)
    expect(cell(page, jakarta, "health")).to_contain_text("Sehat", timeout=40_000)

    # Refresh by hand, then log out: the page is nobody's any more.
    before = page.locator("[data-cell]").count()
    page.get_by_role("button", name="Segarkan").or_(page.get_by_role("link", name="Segarkan")).first.click()
    expect(page.locator("[data-cell]")).to_have_count(before)
    page.context.request.get(house.server.url + "/outlet-status")
    page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    expect(page).to_have_url(re.compile("/login"))
    page.goto(house.server.url + "/outlet-status")
    expect(page).to_have_url(re.compile("/login"))


def test_it_shows_a_user_the_own_outlet_and_is_right_again_after_an_absence(browser: Browser, house: Drill) -> None:
    page = log_in(browser, house, house.cast.jaka, phone=True)
    expect(page.locator("main")).to_contain_text("Outlet Jakarta")
    expect(page.locator("main")).to_contain_text("Terhubung")
    for other in ("Bandung", "Medan", "Surabaya", "Semarang"):
        expect(page.locator("body")).not_to_contain_text(other)

    page = log_in(browser, house, house.cast.adi)
    jakarta = house.cast.jakarta.public_id
    expect(cell(page, jakarta, "health")).to_contain_text("Sehat")
    # The line between page and server, for a page left open or asleep: nothing gets through, and then it does again.
    page.context.set_offline(True)
    house.ask(house.cast.jakarta, "pause")
    house.becomes(house.cast.jakarta, "PAUSED")
    expect(cell(page, jakarta, "db")).to_contain_text("Terhubung")
    page.context.set_offline(False)
    expect(cell(page, jakarta, "db")).to_contain_text("Dijeda", timeout=SOON_MS)


def test_it_lets_a_shop_link_its_phone_by_itself(browser: Browser, house: Drill) -> None:
    cast = house.cast
    house.phones.add_phone(cast.bandung.whatsapp_number)
    house.ask(cast.bandung, "unlink")
    wait_for(lambda: not house.row(cast.bandung).jid, "Bandung to be unlinked")
    page = log_in(browser, house, cast.budi, phone=True)
    page.get_by_role("button", name="Hubungkan").or_(page.get_by_role("link", name="Hubungkan")).first.click()
    expect(page.locator("svg.qr-image")).to_be_visible(timeout=SOON_MS)
    qr = wait_for(lambda: selectors.qr_of(cast.bandung), "the QR")
    house.phones.scan(cast.bandung.whatsapp_number, qr.text)
    expect(page.locator("body")).to_contain_text(re.compile("berhasil|tertaut|Terhubung", re.I), timeout=SOON_MS)
    house.becomes(cast.bandung, "CONNECTED")
