"""What composing a blast answers, without a browser."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from blast.attachments import ATTACHMENT_BYTES
from blast.models import Act, Blast, Contact, OptOut, Pace, default_fields
from tests.blast.test_api import a_blast, post

pytestmark = pytest.mark.django_db

FORM = {"name": "Promo", "text": "081234567890 Ani", "assignment": "EVEN", "on_unhealthy": "HOLD", "when": "now"}
IN_THREE = "phone,name,outlet\n081234567890,Ani,Outlet Surabaya\n081234567891,Budi,Outlet Jakarta\n081234567892,Citra,X"


def saved(page, cast, **fields):
    """The address that the saved draft leads to."""
    form = {**FORM, "body": "Halo", "outlets": [cast.jakarta.public_id], "do": "save", **fields}
    response = page.post("/blast/new", form)
    assert response.status_code == 302, dict(response.context["form"].errors)
    return response.headers["Location"]


def senders(response):
    return [shown.text for shown in response.context["previews"]]


@pytest.mark.parametrize("body", ["Halo {", "Halo }"])
def test_a_message_that_is_no_message_is_shown_again_with_its_mistake(browser_as, cast, body):
    form = {**FORM, "body": body, "outlets": [cast.jakarta.public_id], "do": "save"}
    response = browser_as(cast.jaka).post("/blast/new", form)
    assert (response.status_code, bool(response.context["form"].errors["body"])) == (200, True)


@pytest.mark.parametrize("at", ["2025-13-45T99:99", "9999-12-31T23:59", "0001-01-01T00:00", "2001-01-01T00:00", ""])
def test_a_time_that_is_none_is_refused_and_nothing_is_saved(browser_as, cast, at):
    form = {**FORM, "body": "Halo", "outlets": [cast.jakarta.public_id], "do": "save", "when": "at", "start_at": at}
    response = browser_as(cast.jaka).post("/blast/new", form)
    assert (response.status_code, bool(response.context["form"].errors["start_at"])) == (200, True)
    assert not Blast.objects.exists()


def test_the_start_is_kept_with_the_draft(browser_as, cast):
    page = browser_as(cast.jaka)
    link = saved(page, cast, when="at", start_at="2031-01-02T09:30")
    assert page.get(link).context["start_at"] == "2031-01-02T09:30"
    edit = link.replace("preflight", "edit")
    assert 'value="2031-01-02T09:30"' in page.get(edit).content.decode()
    form = {**FORM, "text": "", "body": "Halo", "outlets": [cast.jakarta.public_id], "do": "save"}
    page.post(edit, form)  # as soon as Send is pressed
    assert page.get(link).context["start_at"] == ""
    Blast.objects.update(start_at=timezone.now() - timedelta(minutes=1))
    assert page.get(link).context["start_at"] == ""  # it is over


@pytest.mark.parametrize("samples", ['[["\\ud800", "a", {}, ""]]', '[["1", "a", {}]]', "[[", "{}"])
def test_samples_that_are_no_people_are_left_out(browser_as, cast, samples):
    response = browser_as(cast.jaka).post("/blast/preview", {"body": "Halo {name}", "samples": samples})
    assert senders(response) == ["Halo Ibu Ani"]


def test_of_no_list_nothing_is_said(browser_as, cast):
    response = browser_as(cast.jaka).post("/blast/check", {"text": ""})
    assert (response.status_code, response.content) == (200, b"")


def test_the_preview_names_the_outlet_that_will_write_to_each(browser_as, cast):
    page, both = browser_as(cast.adi), [cast.surabaya, cast.jakarta]
    Contact.objects.create(outlet=cast.surabaya, phone="6281234567891", last_out_at=timezone.now())
    checked = page.post("/blast/check", {"text": IN_THREE, "body": "{outlet}"}).context["listing"]
    given = {"body": "{outlet}", "samples": checked.samples}
    picked = [outlet.public_id for outlet in both]

    def shown(how, outlets=picked):
        return senders(page.post("/blast/preview", {**given, "outlets": outlets, "assignment": how}))

    first, second = (outlet.name for outlet in sorted(both, key=lambda outlet: outlet.pk))
    assert shown("EVEN") == [first, second, first]
    assert shown("COLUMN") == ["Outlet Surabaya", "Outlet Jakarta", "{outlet}"]
    assert shown("LAST_WRITER") == ["{outlet}", "Outlet Surabaya", "{outlet}"]  # the others nobody can tell yet
    assert shown("LAST_WRITER", picked[:1]) == ["Outlet Surabaya"] * 3
    assert shown("EVEN", []) == ["{outlet}"] * 3


def test_the_look_before_sending_names_the_outlet_of_each(browser_as, cast):
    page = browser_as(cast.adi)
    text = IN_THREE.replace(",X", ",Outlet Surabaya")
    picked = [cast.jakarta.public_id, cast.surabaya.public_id]
    link = saved(page, cast, text=text, outlets=picked, assignment="COLUMN", body="Dari {outlet}")
    names = ["Outlet Surabaya", "Outlet Jakarta", "Outlet Surabaya"]
    assert senders(page.get(link)) == [f"Dari {name}" for name in names]
    edit = link.replace("preflight", "edit")
    assert senders(page.get(edit)) == [f"Dari {name}" for name in names]
    draft = {"body": "{outlet}", "blast": edit.split("/")[2]}
    assert senders(page.post("/blast/preview", {**draft, "outlets": picked, "assignment": "COLUMN"})) == names
    changed = page.post("/blast/preview", {**draft, "outlets": [cast.bandung.public_id], "assignment": "EVEN"})
    assert senders(changed) == ["Outlet Bandung"] * 3


WORDS = {
    "id": (
        "3 penerima akan menerima pesan ini", "Perkiraan selesai", "dalam daftar", "tidak ada di WhatsApp",
        "ganda dalam daftar", "berhenti berlangganan", "hari terakhir", "juga menunggu", "Outlet Jakarta",
        "Sisa hari ini", "200 per hari", "20:00",
    ),
    "en": (
        "3 recipients will get this message", "Expected end", "in the list", "not on WhatsApp",
        "duplicates in the list", "opted out", "messaged in the last", "also waiting in another blast",
        "Outlet Jakarta", "Still today", "200 per day", "20:00",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_look_before_sending_has_all_that_a_person_should_know(browser_as, api, cast, language):
    OptOut.objects.create(phone="6281234567895", at=timezone.now())
    numbers = [f"08123456789{n}" for n in (0, 1, 2, 3, 1, 1, 5)]
    page = browser_as(cast.adi)
    link = saved(page, cast, text="\n".join([*numbers, "12"]), skip="on")
    OptOut.objects.create(phone="6281234567893", at=timezone.now())  # since the import
    Contact.objects.create(outlet=cast.bandung, phone="6281234567892", last_out_at=timezone.now())
    post(api(cast.adi), f"/api/blasts/{other(api, cast)}/start")
    page.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    response = page.get(link)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))
    for words in WORDS[language]:
        assert words in text, words
    facts = re.findall(r"<strong>(\d+)</strong><span>", response.content.decode())
    assert facts == ["4", "0", "2", "2", "1", "1", "1"]  # in the order in which the page says them
    found = post(api(cast.adi), f"/api/blasts/{link.split('/')[2]}/preflight").json()
    assert (found["total"], found["willSend"]) == (4, 3)
    assert found["leftOut"] == {"count": 4, "duplicates": 2, "optedOut": 1, "others": 1}
    assert (found["notOnWhatsApp"]["count"], found["optedOut"]["count"]) == (0, 1)
    assert (found["recentlyMessaged"]["count"], found["recentlyMessaged"]["days"]) == (1, 7)
    assert found["alsoInOtherBlasts"]["count"] == 1
    (outlet,) = found["outlets"]
    assert (outlet["name"], outlet["recipients"], outlet["capacityToday"]) == ("Outlet Jakarta", 3, 20)
    assert outlet["expectedEnd"] == found["expectedEnd"] is not None


def other(api, cast):
    made = post(api(cast.adi), "/api/blasts", a_blast(cast, recipients=[{"phone": "081234567890", "name": "Ani"}]))
    return made.json()["blast"]["blastId"]


def test_no_end_is_foretold_for_a_stopped_outlet(browser_as, api, cast):
    page = browser_as(cast.adi)
    picked = [cast.jakarta.public_id, cast.surabaya.public_id]
    link = saved(page, cast, text="081234567890\n081234567891", outlets=picked)
    Pace.objects.create(outlet=cast.surabaya, stopped_at=timezone.now(), stopped_cause="restricted", **default_fields())
    found = post(api(cast.adi), f"/api/blasts/{link.split('/')[2]}/preflight").json()
    ends = {outlet["name"]: outlet["expectedEnd"] is not None for outlet in found["outlets"]}
    assert ends == {"Outlet Jakarta": True, "Outlet Surabaya": False}
    assert found["expectedEnd"] is None
    assert "tidak bisa diperkirakan selama ada outlet yang dihentikan" in page.get(link).content.decode()


def test_a_new_list_forgets_what_the_last_one_left_out(browser_as, api, cast):
    page = browser_as(cast.adi)
    link = saved(page, cast, text="081234567890\n081234567890", skip="on")
    flight = f"/api/blasts/{link.split('/')[2]}/preflight"
    assert post(api(cast.adi), flight).json()["leftOut"]["duplicates"] == 1
    form = {**FORM, "text": "", "body": "Lain", "outlets": [cast.jakarta.public_id], "do": "save"}
    page.post(link.replace("preflight", "edit"), form)
    assert post(api(cast.adi), flight).json()["leftOut"]["duplicates"] == 1  # the list stayed
    page.post(link.replace("preflight", "edit"), {**form, "text": "081234567890"})
    assert post(api(cast.adi), flight).json()["leftOut"]["count"] == 0
    assert Act.objects.filter(what="updated").count() == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "Berkasnya kosong."), (b"x" * (ATTACHMENT_BYTES + 1), "Berkas lebih besar dari 8 MB.")],
    ids=["empty", "large"],
)
def test_pages_and_programs_are_told_the_same_of_an_attachment(browser_as, api, cast, content, sentence):
    def file():
        return SimpleUploadedFile("a.png", content)

    form = {**FORM, "body": "Halo", "outlets": [cast.jakarta.public_id], "do": "save", "attachment": file()}
    response = browser_as(cast.jaka).post("/blast/new", form, headers={"Accept-Language": "id"})
    assert response.context["form"].errors["attachment"] == [sentence]
    form = {"name": "Promo", "body": "Halo", "outlets": cast.jakarta.public_id, "recipientsText": "081234567890"}
    answer = api(cast.jaka).post("/api/blasts", {**form, "attachment": file()}, headers={"Accept-Language": "id"})
    assert answer.json()["error"]["fields"]["attachment"] == [sentence]
    assert not Blast.objects.exists()
