"""A blast as people live it: a real server, a simulated WhatsApp with fifty recipients, and Chromium."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from blast.models import Blast, Pace, Recipient, default_fields
from blast.states import RecipientStatus
from tests.cast import PASSWORD, Cast
from tests.drills.drill import Drill, drill
from tests.drills.server import wait_for
from tests.pages.test_end_to_end import log_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]

SOON_MS = 30_000
PEOPLE = 50
STRANGER = "6281399990000"  # nobody on WhatsApp has this number
PACE = {
    **default_fields(), "delay_s": 0.15, "jitter": 0.0, "per_minute": None, "daily_cap": None,
    "quiet_from": None, "quiet_to": None, "ramp_days": 0,
}  # fmt: skip


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
    expect(page.locator(".flight-facts .is-bad")).to_contain_text("tidak ada di WhatsApp")
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
    page.wait_for_timeout(1500)
    assert house.phones.totals()["messages"] == shown
    page.locator(".blast-acts").get_by_role("button", name="Lanjutkan").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Selesai", timeout=60_000)
    expect(page.locator(".blast-progress")).to_have_text("50 dari 51 terkirim", timeout=SOON_MS)
    expect(counter(page, RecipientStatus.DELIVERED)).to_have_text("50", timeout=SOON_MS)
    house.phones.read(phone_of(7))
    expect(counter(page, RecipientStatus.READ)).to_have_text("1", timeout=SOON_MS)  # pushed, without a reload

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
    page.get_by_role("link", name="Pesan siaran").click()
    page.get_by_role("link", name="Buat pesan siaran").first.click()
    expect(page.locator("[data-pick]")).to_have_count(1)
    expect(page.locator("[data-pick]")).to_contain_text("Outlet Jakarta")
    page.get_by_label("Nama", exact=True).fill("Punya Jaka")
    page.get_by_label("Tempel nomor").fill(phone_of(1))
    page.locator("#id_body").fill("Halo!")
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    page.get_by_role("button", name="Kirim ke").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Selesai", timeout=SOON_MS)
    assert [message["text"] for message in house.phones.inbox(phone_of(1))] == ["Halo!"]
    house.phones.send_text(phone_of(1), cast.jakarta.whatsapp_number, "Berhenti.")
    wait_for(lambda: len(house.phones.inbox(phone_of(1))) == 2, "the confirmation")
    page.goto(house.server.url + "/blast/opt-outs")
    expect(page.locator("tbody tr")).to_contain_text(re.compile("813-0000-0001"))
