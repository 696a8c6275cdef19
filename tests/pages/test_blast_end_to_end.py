"""A blast as people live it: a real server, a simulated WhatsApp with fifty recipients, and Chromium."""

import csv
import io
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, WebSocketRoute, expect

from blast.models import Blast, Pace, Recipient, default_fields
from blast.states import RecipientStatus
from tests.cast import PASSWORD, Cast
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from tests.pages.test_end_to_end import log_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]

SOON_MS = 30_000
PEOPLE = 50
_file = io.BytesIO()
Image.new("RGB", (40, 30), "green").save(_file, "PNG")
PICTURE = _file.getvalue()
STRANGER = "6281399990000"  # nobody on WhatsApp has this number
PACE = {
    **default_fields(), "delay_s": 0.15, "jitter": 0.0, "per_minute": None, "daily_cap": None,
    "quiet_from": None, "quiet_to": None, "ramp_days": 0,
}  # fmt: skip


# Pages that cannot ask again by themselves: whatever changes on them, a hint over the WebSocket has told.
NO_POLLING = """
    const plain = window.setTimeout.bind(window);
    window.setTimeout = (act, ms, ...more) => (ms >= 3000 ? 0 : plain(act, ms, ...more));
"""


def phone_of(number: int) -> str:
    return f"62813{number:08d}"


@pytest.fixture
def house(tmp_path: Path, cast: Cast) -> Iterator[Drill]:
    """Jakarta and Surabaya are linked, and fifty people have WhatsApp."""
    with drill(tmp_path, cast) as here:
        for person in cast.people:
            person.password = Argon2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")
            person.save(update_fields=["password"])
        for outlet in cast.outlets:
            Pace.objects.create(outlet=outlet, **PACE)
        here.link_directly(cast.jakarta, cast.surabaya)
        here.phones.add_recipients([phone_of(n) for n in range(1, PEOPLE + 1)])
        yield here


def counter(page: Page, status: RecipientStatus):
    return page.locator(f'[data-fk="count:{status}"] .counter-number')


def test_fifty_people_get_their_message_once(browser: Browser, house: Drill) -> None:
    cast = house.cast
    page = log_in(browser, house, cast.adi)
    page.add_init_script(NO_POLLING)
    page.get_by_role("link", name="Pesan siaran").click()
    page.get_by_role("link", name="Buat pesan siaran").first.click()
    page.get_by_label("Nama", exact=True).fill("Promo Jumat")
    for outlet in (cast.jakarta, cast.surabaya):
        pick = page.locator(f'[data-pick="{outlet.public_id}"]')
        expect(pick).to_contain_text("siap kirim")
        pick.locator("input").check()
    listed = "phone,name\n" + "\n".join(f"0{phone_of(n)[2:]},Orang {n}" for n in range(1, PEOPLE + 1))
    listed += f"\n{STRANGER},Entah\n12,Salah\n"
    page.locator("#id_file").set_input_files({"name": "daftar.csv", "mimeType": "text/csv", "buffer": listed.encode()})
    expect(page.locator("#list-result")).to_contain_text("Baris 53")
    page.get_by_label("Lewati baris yang bermasalah").check()
    page.locator("#id_body").fill("Halo {name}, dari {outlet}.")
    expect(page.locator("#preview .bubble").first).to_have_text("Halo Orang 1, dari Outlet Jakarta.")
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    # WhatsApp itself was asked: one number does not exist there.
    expect(page.locator(".flight-head")).to_have_text("50 penerima akan menerima pesan ini.", timeout=SOON_MS)
    expect(page.locator(".flight-facts .is-bad").first).to_contain_text("tidak ada di WhatsApp")
    page.get_by_role("button", name="Kirim ke").click()

    try:
        expect(counter(page, RecipientStatus.DELIVERED)).not_to_have_text("0", timeout=SOON_MS)
    except AssertionError as error:
        counts = Counter(Recipient.objects.values_list("status", flat=True))
        raise AssertionError(f"{error}: {counts}\n{house.server.log[-3000:]}") from None
    page.locator(".blast-acts").get_by_role("button", name="Jeda").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Dijeda")
    blast = Blast.objects.get()
    rows = Recipient.objects.filter(blast=blast)
    wait_for(lambda: not rows.filter(status=RecipientStatus.SENDING).exists(), "what was on the wire")
    shown = house.phones.totals()["messages"]
    assert 0 < shown < PEOPLE
    time.sleep(1)  # time for some more, if it had not stopped
    assert house.phones.totals()["messages"] == shown
    page.locator(".blast-acts").get_by_role("button", name="Lanjutkan").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Selesai", timeout=60_000)
    expect(page.locator(".blast-progress")).to_have_text("50 dari 51 terkirim", timeout=SOON_MS)
    expect(counter(page, RecipientStatus.DELIVERED)).to_have_text("50", timeout=SOON_MS)
    house.phones.read(phone_of(7))
    expect(counter(page, RecipientStatus.READ)).to_have_text("1", timeout=SOON_MS)

    senders = {row.phone: row.outlet.name for row in rows.select_related("outlet")}
    for n in range(1, PEOPLE + 1):
        texts = [message["text"] for message in house.phones.inbox(phone_of(n))]
        assert texts == [f"Halo Orang {n}, dari {senders[phone_of(n)]}."]
    assert house.phones.mistakes() == []

    page.locator("#q").fill("Orang 7")
    page.locator("#q").press("Enter")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(page.locator("tr[data-row]")).to_contain_text("Dibaca")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Unduh CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text("utf-8-sig")), delimiter=";"))
    assert Counter(row["Status"] for row in table) == {"Dibaca": 1, "Diterima": PEOPLE - 1, "Dilewati": 1}
    assert [row["Alasan"] for row in table if row["Nomor"] == STRANGER] == ["Nomor ini tidak ada di WhatsApp."]


def test_a_user_has_only_the_own_outlet(browser: Browser, house: Drill) -> None:
    cast = house.cast
    page = log_in(browser, house, cast.jaka)
    page.add_init_script(NO_POLLING)
    page.get_by_role("link", name="Pesan siaran").click()
    page.get_by_role("link", name="Buat pesan siaran").first.click()
    expect(page.locator("[data-pick]")).to_have_count(1)
    expect(page.locator("[data-pick]")).to_contain_text("Outlet Jakarta")
    house.ask(cast.jakarta, "disconnect")
    expect(page.locator("[data-pick]")).to_contain_text("Terputus", timeout=SOON_MS)
    house.ask(cast.jakarta, "connect")
    expect(page.locator("[data-pick]")).to_contain_text("siap kirim", timeout=SOON_MS)
    compose(page, "Punya Jaka", {"name": "menu.png", "mimeType": "image/png", "buffer": PICTURE})
    (message,) = house.phones.inbox(phone_of(1))
    assert (message["kind"], message["text"], message["media"]) == ("image", "Halo!", len(PICTURE))
    house.phones.send_text(phone_of(1), cast.jakarta.whatsapp_number, "Berhenti.")
    wait_for(lambda: len(house.phones.inbox(phone_of(1))) == 2, "the confirmation")
    page.goto(house.server.url + "/blast/opt-outs")
    expect(page.locator("tbody tr")).to_contain_text(re.compile("813-0000-0001"))

    page.goto(house.server.url + "/blast/new")
    compose(page, "Daftar harga", {"name": "harga.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}, to=2)
    (message,) = house.phones.inbox(phone_of(2))
    assert (message["kind"], message["file_name"], message["media"]) == ("document", "harga.pdf", 8)


LIVE_PAGES = {
    "/outlet-status": '[data-row="{id}"]',
    "/blast/new": '[data-pick="{id}"]',
    "/outlets/{id}/link": "[data-link-body]",
}


def test_what_changed_before_the_line_stood_is_not_missed(browser: Browser, house: Drill) -> None:
    """A page is drawn, the outlet goes down, and only then the page's WebSocket comes through."""
    outlet = house.cast.jakarta
    page = log_in(browser, house, house.cast.adi)
    page.add_init_script(NO_POLLING)

    def goes_down(line: WebSocketRoute) -> None:
        house.ask(outlet, "disconnect")
        house.becomes(outlet, "DISCONNECTED")
        line.connect_to_server()

    with closing(page.context):  # it would call again with the next test's server
        page.route_web_socket("**/ws/status", goes_down)
        for path, place in LIVE_PAGES.items():
            house.ask(outlet, "connect")
            house.becomes(outlet, "CONNECTED")
            page.goto(house.server.url + path.format(id=outlet.public_id))
            expect(page.locator(place.format(id=outlet.public_id))).to_contain_text("Terputus", timeout=SOON_MS)


def compose(page: Page, name: str, attachment: FilePayload, to: int = 1) -> None:
    """Send "Halo!" with a file to one person, from the outlet that is chosen, and wait until it is done."""
    page.get_by_label("Nama", exact=True).fill(name)
    page.get_by_label("Tempel nomor").fill(phone_of(to))
    page.locator("#id_body").fill("Halo!")
    page.locator("#id_attachment").set_input_files(attachment)
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator(".bubble-file")).to_contain_text(attachment["name"])
    page.get_by_role("button", name="Kirim ke").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Selesai", timeout=SOON_MS)
