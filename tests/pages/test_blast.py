"""The pages of blasts in a browser, with rows made by hand."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from blast.models import Attachment, Blast, Recipient
from blast.states import BlastStatus, RecipientStatus
from tests.blast.images import image
from tests.blast.workbooks import xlsx
from tests.pages.blast_scene import BODY, make_blast, opt_out, stop
from tests.pages.test_every_page import flaws

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MARKUP = "<b>tebal</b><script>alert(1)</script>"


def pick(page, outlet):
    page.locator(f'[data-pick="{outlet.public_id}"] input').check()


def test_a_blast_is_composed_looked_at_and_sent(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/blast")
    expect(page.locator(".quiet-plate")).to_contain_text("Tulis kepada banyak orang sekaligus")
    page.locator(".quiet-plate").get_by_role("link", name="Buat pesan siaran").click()
    states = {part.get_attribute("data-pick"): part.inner_text() for part in page.locator("[data-pick]").all()}
    assert "siap kirim" in states[scene.cast.jakarta.public_id]
    assert "tunggu" in states[scene.cast.medan.public_id]
    assert "Terputus" in states[scene.cast.bandung.public_id]
    assert len(states[scene.cast.bandung.public_id].splitlines()) > 3  # the cause and the next step
    page.get_by_label("Nama").fill("Promo Jumat")
    pick(page, scene.cast.jakarta)
    pick(page, scene.cast.surabaya)
    page.get_by_label("Tempel nomor").fill("nomor,nama,kota\n0812-3456-7890,Ibu Ani,Solo\n081234567891,Pak Budi,Tegal")
    expect(page.locator("#list-result")).to_contain_text("2 penerima")
    page.locator("#id_body").fill("Halo {name} di ")
    page.locator("#chips").get_by_role("button", name="{kota}").click()
    expect(page.locator("#preview .bubble").first).to_have_text("Halo Ibu Ani di Solo")
    expect(page.locator("#preview .bubble").nth(1)).to_have_text("Halo Pak Budi di Tegal")
    page.locator("#chips").get_by_role("button", name="{outlet}").click()
    first, second = sorted((scene.cast.jakarta, scene.cast.surabaya), key=lambda outlet: outlet.pk)
    expect(page.locator("#preview .bubble").first).to_have_text(f"Halo Ibu Ani di Solo{first.name}")
    expect(page.locator("#preview .bubble").nth(1)).to_have_text(f"Halo Pak Budi di Tegal{second.name}")
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator(".flight-head")).to_have_text("2 penerima akan menerima pesan ini.")
    blast = Blast.objects.get()
    assert (blast.status, blast.created_by, blast.recipients.count()) == (BlastStatus.DRAFT, scene.cast.adi, 2)
    page.get_by_role("button", name="Kirim ke 2 penerima").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Berjalan")
    expect(page.locator(".notes")).to_contain_text("Promo Jumat mulai dikirim")
    blast.refresh_from_db()
    assert blast.status == BlastStatus.RUNNING
    Blast.objects.filter(pk=blast.pk).update(status=BlastStatus.DONE, ended_at=timezone.now())
    page.locator("#refresh").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Selesai")
    expect(page.locator(".note")).to_have_count(0)  # what was said of the start is over
    assert visitor.complaints == []


def test_bad_rows_are_named_and_nothing_is_half_imported(scene, visit):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/blast/new")
    opt_out(scene.cast.jakarta, "6281234567899")
    page.get_by_label("Nama").fill("Promo")
    pick(page, scene.cast.jakarta)
    page.locator("#id_body").fill("Halo")
    listed = f"phone,name\n0812-3456-7890,Ani\n12,Budi\n+6581234567,Lim\n081234567890,Lagi\n081234567899,{MARKUP}\n"
    page.locator("#id_file").set_input_files({"name": "daftar.csv", "mimeType": "text/csv", "buffer": listed.encode()})
    result = page.locator("#list-result")
    expect(result).to_contain_text("4 baris bermasalah")
    lines = [row.inner_text() for row in result.locator(".problems tr").all()]
    assert [line.split("\t")[0] for line in lines] == ["Baris 3", "Baris 4", "Baris 5", "Baris 6"]
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator('[data-error="text"]')).to_contain_text("Belum ada yang diimpor")
    assert not Blast.objects.exists()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Unduh masalahnya").click()
    assert "Baris;Alasan" in Path(caught.value.path()).read_text("utf-8-sig")
    page.get_by_label("Nomor luar negeri memang dimaksud").check()
    expect(result).to_contain_text("3 baris bermasalah")
    page.get_by_label("Lewati baris yang bermasalah").check()
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()  # the file is still chosen
    expect(page.locator(".flight-head")).to_contain_text("2 penerima")
    assert set(Recipient.objects.values_list("phone", flat=True)) == {"6281234567890", "6581234567"}
    complaints = [each for each in visitor.complaints if "400" not in each]  # the browser's note of the refusal
    assert complaints == []


def test_a_workbook_is_read_and_what_is_too_large_is_refused_in_words(scene, visit, tmp_path):
    visitor = visit(scene.cast.adi, language="id")
    page = visitor.go("/blast/new")
    page.get_by_label("Nama").fill("Promo")
    pick(page, scene.cast.jakarta)
    page.locator("#id_body").fill("Halo {name} di {kota}")
    rows = [["Nomor", "Nama", "Kota"], [6281234567890.0, "Ibu Ani", "Solo"], ["0812-3456-7891", "Pak Budi", "Tegal"]]
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.locator("#id_file").set_input_files({"name": "daftar.xlsx", "mimeType": kind, "buffer": xlsx(rows)})
    expect(page.locator("#list-result")).to_contain_text("2 penerima")
    expect(page.locator("#preview .bubble").nth(1)).to_have_text("Halo Pak Budi di Tegal")
    expect(page.locator(".field-help").filter(has_text="8 MB")).to_be_visible()
    attach = page.locator("#id_attachment")
    attach.set_input_files(large(tmp_path / "a.mp4", 12_000_000))
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()  # more than the server reads at all
    expect(page.locator(".toast-note")).to_contain_text("Berkas-berkas ini lebih besar dari 11,0 MB")
    attach.set_input_files(large(tmp_path / "a.pdf", 8_000_001))
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator('[data-error="attachment"]')).to_have_text("Berkas lebih besar dari 8 MB.")
    assert not Blast.objects.exists()
    attach.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator(".flight-head")).to_contain_text("2 penerima")
    blast = Blast.objects.get()
    assert (blast.attachment.kind, blast.attachment.mimetype) == ("document", "application/pdf")
    complaints = [each for each in visitor.complaints if "400" not in each]  # the browser's note of the refusal
    assert complaints == []


def large(path, size):
    """A file of so many bytes, with nothing in it."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_list_that_is_too_long_is_refused_in_words(scene, client):
    client.force_login(scene.cast.adi)
    listed = io.BytesIO(b"phone\n" + b"081234567890\n" * 60_000)
    listed.name = "daftar.csv"
    page = client.post("/blast/check", {"file": listed, "body": "Halo"}, headers={"Accept-Language": "id"})
    assert "Bagi daftarnya" in page.content.decode()


def test_a_draft_is_changed_and_keeps_its_recipients(scene, visit):
    draft = make_blast(scene.cast.adi, [scene.cast.jakarta], people=3)
    page = visit(scene.cast.adi, language="id").go(f"/blast/{draft.public_id}/edit")
    expect(page.locator("#list-step")).to_contain_text("3 penerima")
    expect(page.locator("#preview .bubble").first).to_contain_text("Pak Budi")
    page.locator("#id_body").fill("Baru: {name}")
    expect(page.locator("#preview .bubble").first).to_have_text("Baru: Pak Budi")
    page.locator("#id_attachment").set_input_files({"name": "menu.png", "mimeType": "image/png", "buffer": image()})
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator(".bubble-file").first).to_contain_text("menu.png")
    draft.refresh_from_db()
    assert (draft.body, draft.recipients.count()) == ("Baru: {name}", 3)
    assert Attachment.objects.get(blast=draft).kind == "image"


def test_it_can_be_scheduled(scene, visit):
    start_at = datetime(2031, 1, 2, 2, 30, tzinfo=UTC)
    draft = make_blast(scene.cast.adi, [scene.cast.jakarta], people=3, start_at=start_at)
    page = visit(scene.cast.adi, language="id").go(f"/blast/{draft.public_id}/preflight")
    expect(page.locator("#id_start_at")).to_have_value("2031-01-02T09:30")
    page.get_by_role("button", name="Jadwalkan").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Terjadwal")
    expect(page.locator('[data-cell="when"]')).to_contain_text("2 Jan 2031 09:30 WIB")


def test_the_results_live(scene, visit):
    blast = make_blast(scene.cast.adi, [scene.cast.jakarta, scene.cast.surabaya], status="RUNNING", people=60)
    visitor = visit(scene.cast.adi, language="id")
    visitor.page.clock.install()
    page = visitor.go(f"/blast/{blast.public_id}")
    expect(page.locator(".blast-progress")).to_have_text("18 dari 60 terkirim")
    expect(page.locator(".unknown-note")).to_contain_text("tidak dikirim ulang")
    expect(page.locator('[data-fk="count:FAILED"] .counter-number')).to_have_text("2")
    waiting = blast.recipients.filter(status=RecipientStatus.QUEUED)
    Recipient.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)[:10])).update(status=RecipientStatus.SENT)
    page.locator("#refresh").click()
    expect(page.locator(".blast-progress")).to_have_text("28 dari 60 terkirim")
    expect(page.locator("tr[data-row]").nth(22)).to_contain_text("Terkirim")
    Blast.objects.filter(pk=blast.pk).update(status=BlastStatus.PAUSED)
    page.clock.fast_forward(11_000)
    expect(page.locator('[data-cell="state"]')).to_contain_text("Dijeda")  # by itself
    page.get_by_role("button", name="Lanjutkan").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Berjalan")
    page.locator(".blast-acts").get_by_role("button", name="Jeda").click()
    expect(page.locator(".toast-note").last).to_contain_text("dijeda")
    expect(page.locator('[data-cell="state"]')).to_contain_text("Dijeda")
    page.get_by_role("button", name="Coba lagi yang gagal").click()
    expect(page.locator('[data-fk="count:FAILED"]')).to_have_count(0)
    expect(page.locator(".deeds")).to_contain_text("mengulang yang gagal")
    page.get_by_role("link", name="Batalkan").click()
    page.get_by_role("button", name="Batalkan").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Dibatalkan")
    assert visitor.complaints == []


def test_people_are_found_and_filtered(scene, visit):
    blast = make_blast(scene.cast.adi, [scene.cast.jakarta, scene.cast.surabaya], status="DONE", people=120)
    page = visit(scene.cast.adi, language="id").go(f"/blast/{blast.public_id}")
    rows = page.locator("tr[data-row]")
    expect(rows).to_have_count(50)
    page.locator("#status").select_option("FAILED")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("WhatsApp menolak pesan ini (479)")
    page.get_by_role("link", name="Hapus").click()
    page.locator("#q").fill("0813-0000-0117")
    page.locator("#q").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("+62 813-0000-0117")
    page.goto(page.url.split("?")[0] + "?page=3")
    expect(rows).to_have_count(20)
    page.goto(page.url.split("?")[0] + f"?outlet={scene.cast.surabaya.public_id}&page=2")
    expect(rows).to_have_count(10)


def test_the_export_opens_in_a_spreadsheet_and_runs_nothing(scene, visit):
    blast = make_blast(scene.cast.adi, [scene.cast.jakarta], status="DONE", people=30)
    blast.recipients.filter(line=1).update(name='=HYPERLINK("http://evil")')
    page = visit(scene.cast.adi, language="id").go(f"/blast/{blast.public_id}")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Unduh CSV").click()
    rows = list(csv.reader(io.StringIO(Path(caught.value.path()).read_text("utf-8-sig")), delimiter=";"))
    assert rows[0][:5] == ["Baris", "Nomor", "Nama", "Outlet", "Status"]
    assert len(rows) == 31
    assert rows[1][2].startswith("'=")
    assert [row[4] for row in rows[1:] if row[8]] == ["Gagal", "Gagal", "Tidak pasti", "Dilewati"]


def test_a_stopped_outlet_is_told_with_the_next_step(scene, visit):
    blast = make_blast(scene.cast.adi, [scene.cast.jakarta], status="RUNNING")
    pace = stop(scene.cast.jakarta)
    page = visit(scene.cast.jaka, language="id").go(f"/blast/{blast.public_id}")
    expect(page.locator(".stop-note")).to_contain_text("463")
    expect(page.locator(".stop-note")).to_contain_text("Balas orang secara manual")
    expect(page.locator(".stop-note button")).to_have_count(0)
    page = visit(scene.cast.adi, language="id").go(f"/blast/{blast.public_id}")
    page.get_by_role("button", name="Izinkan mengirim lagi").click()
    expect(page.locator(".stop-note")).to_have_count(0)
    pace.refresh_from_db()
    assert pace.stopped_at is None


def test_a_user_sees_the_own_outlet_only(scene, visit):
    own = make_blast(scene.cast.jaka, [scene.cast.jakarta], name="Punya Jakarta")
    other = make_blast(scene.cast.adi, [scene.cast.jakarta, scene.cast.surabaya], name="Punya pusat")
    opt_out(scene.cast.surabaya)
    visitor = visit(scene.cast.jaka, language="id")
    page = visitor.go("/blast")
    expect(page.locator(".blast-item")).to_have_count(1)
    expect(page.locator(".blast-item")).to_contain_text("Punya Jakarta")
    visitor.go("/blast/new")
    expect(page.locator("[data-pick]")).to_have_count(1)
    expect(page.locator("[data-pick] input")).to_be_checked()
    visitor.go("/blast/opt-outs")
    assert "+62" not in page.locator("main").inner_text()
    assert visitor.go(f"/blast/{own.public_id}").locator(".blast-progress").is_visible()
    for place in ("", "/edit", "/preflight", "/export", "/cancel"):
        answer = page.request.get(f"{visitor.url}/blast/{other.public_id}{place}")
        absent = page.request.get(f"{visitor.url}/blast/blast_999999{place}")
        assert (answer.status, answer.body()) == (404, absent.body())
    nobody = visit(scene.cast.nina, language="id").go("/blast")
    expect(nobody.locator(".quiet-plate")).to_contain_text("Anda belum punya outlet")


def test_markup_is_text(scene, visit):
    blast = make_blast(
        scene.cast.adi, [scene.cast.jakarta], name=MARKUP, body=f"{MARKUP} {{name}}", status="RUNNING", people=24
    )
    blast.recipients.update(name=MARKUP, error_code="refused", error_detail=MARKUP)
    opt_out(scene.cast.jakarta, text=MARKUP)
    draft = make_blast(scene.cast.adi, [scene.cast.jakarta], name=MARKUP, body=f"{MARKUP} {{name}}")
    draft.recipients.update(name=MARKUP)
    visitor = visit(scene.cast.adi)
    places = ("/blast", "/blast/opt-outs", f"/blast/{blast.public_id}", f"/blast/{blast.public_id}/cancel")
    for place in (*places, f"/blast/{draft.public_id}/edit", f"/blast/{draft.public_id}/preflight"):
        page = visitor.go(place)
        if place.endswith(("/edit", "/preflight")):  # the script draws, too
            page.wait_for_load_state("networkidle")
        assert MARKUP in page.locator("main").inner_text() or MARKUP in page.locator("#id_name").input_value()
        assert page.locator("main b").count() == 0, place
    assert visitor.complaints == []


def test_opt_outs_are_undone_with_a_reason(scene, visit):
    row = opt_out(scene.cast.jakarta)
    page = visit(scene.cast.jaka, language="id").go("/blast/opt-outs")
    expect(page.locator("tbody tr")).to_contain_text("+62 813-0000-0001")
    expect(page.locator("tbody details")).to_have_count(0)
    page = visit(scene.cast.adi, language="id").go("/blast/opt-outs")
    page.locator("tbody summary").click()
    page.get_by_label("Mengapa orang ini boleh dikirimi pesan lagi?").fill("Minta sendiri di toko")
    page.get_by_role("button", name="Boleh dikirimi lagi").click()
    expect(page.locator("main")).to_contain_text("Belum ada yang berhenti berlangganan")
    row.refresh_from_db()
    assert (row.ended_by, row.reason) == (scene.cast.adi, "Minta sendiri di toko")
    page.locator("#show").select_option("undone")
    expect(page.locator("tbody tr")).to_contain_text("Minta sendiri di toko")


def test_the_pace_is_set_by_an_admin(scene, visit):
    page = visit(scene.cast.adi, language="id").go(f"/blast/pace/{scene.cast.jakarta.public_id}")
    expect(page.locator("main")).to_contain_text("Orang biasa tidak menulis kepada banyak orang tanpa jeda")
    page.get_by_label("Pesan per hari").fill("50")
    page.get_by_label("Detik antara dua pesan").fill("99999")
    page.get_by_role("button", name="Simpan").click()
    expect(page.locator(".field-error")).to_contain_text("3600")
    page.get_by_label("Detik antara dua pesan").fill("12.5")
    page.get_by_role("button", name="Simpan").click()
    expect(page.locator(".note")).to_contain_text("sudah disimpan")
    scene.cast.jakarta.refresh_from_db()
    assert (scene.cast.jakarta.pace.daily_cap, scene.cast.jakarta.pace.delay_s) == (50, 12.5)


def test_disconnecting_asks_while_a_blast_runs(scene, visit):
    make_blast(scene.cast.adi, [scene.cast.jakarta], name="Promo Jumat", status="RUNNING", people=40)
    page = visit(scene.cast.adi, language="id").go("/outlets")
    row = page.locator(f"[data-row={scene.cast.jakarta.public_id}]")
    row.get_by_role("link", name="Putuskan").click()
    expect(page.locator("main")).to_contain_text("“Promo Jumat” masih dikirim dari outlet ini")
    page.get_by_role("button", name="Putuskan").click()
    expect(page).to_have_url(re.compile("/outlets$"))
    scene.cast.jakarta.session.refresh_from_db()
    assert scene.cast.jakarta.session.intent == "OFFLINE"
    surabaya = page.locator(f"[data-row={scene.cast.surabaya.public_id}]")
    surabaya.get_by_role("button", name="Putuskan").click()  # nothing runs there: done at once
    expect(page.locator(".toast-note")).to_contain_text("Outlet Surabaya")


def test_it_works_without_scripts(scene, visit):
    page = visit(scene.cast.jaka, language="id", scripts=False).go("/blast/new")
    page.get_by_label("Nama").fill("Tanpa skrip")
    page.get_by_label("Tempel nomor").fill("0812-3456-7890, Ibu Ani\n12")
    page.locator("#id_body").fill("Halo {name}")
    page.get_by_role("button", name="Periksa daftar").click()
    expect(page.locator("#list-result")).to_contain_text("1 baris bermasalah")
    expect(page.locator("#preview .bubble")).to_have_text("Halo Ibu Ani")
    expect(page.locator(".field-error").filter(has_text=".")).to_have_count(0)
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    expect(page.locator('[data-error="text"]')).to_contain_text("Belum ada yang diimpor")
    page.get_by_label("Lewati baris").check()
    page.get_by_role("button", name="Lanjut ke pemeriksaan").click()
    page.get_by_role("button", name="Kirim ke 1 penerima").click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Berjalan")
    page.get_by_role("button", name="Jeda", exact=True).click()
    expect(page.locator('[data-cell="state"]')).to_contain_text("Dijeda")


def addresses(scene):
    draft = make_blast(scene.cast.adi, [scene.cast.jakarta, scene.cast.bandung], name="Nama yang panjang " + "x" * 70)
    run = make_blast(scene.cast.adi, [scene.cast.jakarta, scene.cast.bandung], status="RUNNING", body=BODY * 8)
    stop(scene.cast.bandung)
    opt_out(scene.cast.bandung, text="stop " * 30)
    return (
        "/blast", "/blast/new", "/blast/opt-outs", f"/blast/pace/{scene.cast.bandung.public_id}",
        f"/blast/{draft.public_id}/edit", f"/blast/{draft.public_id}/preflight", f"/blast/{run.public_id}",
        f"/blast/{run.public_id}/cancel",
    )  # fmt: skip


def test_pages_fit_can_be_read_and_pressed_by_thumbs(scene, visit):
    for language in ("id", "en"):
        visitor = visit(scene.cast.sari, language=language)
        for address in addresses(scene) if language == "id" else ("/blast", "/blast/new"):
            visitor.go(address)
            assert flaws(visitor) == [], address
            assert visitor.complaints == [], address
