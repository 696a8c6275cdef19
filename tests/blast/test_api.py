"""The API of blasts: makes, steers, shows, and refuses in the one shape of an error."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from blast import serializers
from blast.models import Blast, OptOut, Pace, Recipient
from tests.blast.house import phone
from tests.blast.images import image

pytestmark = pytest.mark.django_db


def a_blast(cast, **more):
    return {
        "name": "Promo",
        "body": "Halo {name}!",
        "outlets": [cast.jakarta.public_id],
        "recipients": [{"phone": phone(n), "name": f"Orang {n}"} for n in range(1, 4)],
        **more,
    }


def post(client, path, data=None, **headers):
    return client.post(path, json.dumps(data or {}), content_type="application/json", headers=headers)


def made(client, cast, **more):
    answer = post(client, "/api/blasts", a_blast(cast, **more))
    assert answer.status_code == 201, answer.content
    return answer.json()["blast"]


def keys_of(serializer):
    return list(serializer().fields)


def test_it_makes_a_draft(api, cast):
    blast = made(api(cast.jaka), cast)
    assert (blast["status"], blast["counts"]["total"], blast["counts"]["queued"]) == ("DRAFT", 3, 3)
    assert blast["outlets"] == [{"outletId": cast.jakarta.public_id, "name": "Outlet Jakarta"}]
    assert blast["actions"] == ["edit", "start", "cancel"]
    assert list(blast) == keys_of(serializers.BlastDetail)
    assert list(blast["acts"][0]) == keys_of(serializers.ActElement)
    assert blast["acts"][0]["by"] == "jaka"


def test_it_lists_and_filters(api, cast):
    client = api(cast.adi)
    made(client, cast, name="Satu")
    made(client, cast, name="Dua")
    answer = client.get("/api/blasts").json()
    assert [blast["name"] for blast in answer["blasts"]] == ["Dua", "Satu"]
    assert list(answer["blasts"][0]) == keys_of(serializers.BlastElement)
    assert client.get("/api/blasts?q=sat").json()["count"] == 1
    assert client.get("/api/blasts?status=DONE").json()["count"] == 0
    assert client.get("/api/blasts?pageSize=1&page=2").json()["blasts"][0]["name"] == "Satu"
    assert client.get("/api/blasts?status=NO").status_code == 400


def test_the_same_key_makes_one_blast(api, cast):
    client = api(cast.adi)
    first = post(client, "/api/blasts", a_blast(cast), **{"Idempotency-Key": "k1"})
    again = post(client, "/api/blasts", a_blast(cast), **{"Idempotency-Key": "k1"})
    assert first.json()["blast"]["blastId"] == again.json()["blast"]["blastId"]
    other = post(client, "/api/blasts", a_blast(cast, name="Lain"), **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert post(api(cast.sari), "/api/blasts", a_blast(cast), **{"Idempotency-Key": "k1"}).status_code == 201
    assert Blast.objects.count() == 2


def test_it_names_each_bad_row_and_imports_none(api, cast):
    OptOut.objects.create(phone=phone(9), at=timezone.now())
    rows = [
        {"phone": phone(1), "name": "A\nB"},
        {"phone": "abc", "name": "x"},
        {"phone": phone(1), "name": "x"},
        {"phone": phone(3)},
        {"phone": phone(9), "name": "x"},
        {"phone": "+65 8123 4567", "name": "x"},
    ]
    client = api(cast.adi)
    answer = post(client, "/api/blasts", a_blast(cast, recipients=rows))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "validation_error")
    assert [(row["line"], row["code"]) for row in error["fields"]["recipients"]] == [
        (2, "bad_number"), (3, "duplicate"), (4, "missing_variable"), (5, "opted_out"), (6, "foreign"),
    ]  # fmt: skip
    assert Recipient.objects.count() == Blast.objects.count() == 0
    blast = made(client, cast, recipients=rows, leaveOutBad=True, confirmForeign=True)
    assert blast["counts"]["total"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"body": "Halo {"}, "body"),
        ({"body": ""}, "body"),
        ({"outlets": []}, "outlets"),
        ({"outlets": ["outlet_999999"]}, "outlets"),
        ({"recipients": []}, "recipients"),
        ({"recipients": "x"}, "recipients"),
        ({"onUnhealthy": "MOVE"}, "moveTo"),
        ({"assignment": "X"}, "assignment"),
    ],
)
def test_it_says_which_field_is_wrong(api, cast, change, field):
    answer = post(api(cast.adi), "/api/blasts", a_blast(cast, **change))
    assert answer.status_code == 400, answer.content
    assert next(iter(answer.json()["error"]["fields"])) == field


def test_it_takes_a_form_with_files(api, cast):
    file = SimpleUploadedFile("daftar.csv", f"phone;name\n{phone(1)};Ani\n".encode())
    picture = SimpleUploadedFile("a.png", image(size=(10, 10)))
    form = {
        "name": "Promo",
        "body": "Halo {name}",
        "outlets": cast.jakarta.public_id,
        "file": file,
        "attachment": picture,
    }
    answer = api(cast.adi).post("/api/blasts", {**form, "attachment": picture})
    assert answer.status_code == 201, answer.content
    blast = answer.json()["blast"]
    assert blast["attachment"] == {"kind": "image", "mimetype": "image/png", "fileName": "a.png", "size": picture.size}
    assert blast["counts"]["total"] == 1


def test_it_takes_pasted_lines(api, cast):
    client = api(cast.adi)
    data = a_blast(cast, recipientsText=f"{phone(1)} Ani\n{phone(2)}, Budi")
    del data["recipients"]
    assert post(client, "/api/blasts", data).json()["blast"]["counts"]["total"] == 2


def test_a_user_makes_blasts_from_the_own_outlet_only(api, cast):
    answer = post(api(cast.jaka), "/api/blasts", a_blast(cast, outlets=[cast.bandung.public_id]))
    assert answer.status_code == 400
    assert Blast.objects.count() == 0


@pytest.mark.parametrize("path", ["", "/recipients", "/export"])
def test_what_is_foreign_is_not_there(api, cast, path):
    own = made(api(cast.jaka), cast)["blastId"]
    shared = made(api(cast.adi), cast, outlets=[cast.jakarta.public_id, cast.bandung.public_id])["blastId"]
    moving = made(api(cast.adi), cast, onUnhealthy="MOVE", moveTo=cast.bandung.public_id)["blastId"]
    assert api(cast.jaka).get(f"/api/blasts/{own}{path}").status_code == 200
    absent = api(cast.jaka).get(f"/api/blasts/blast_999{path}")
    for person, blast in ((cast.budi, own), (cast.jaka, shared), (cast.jaka, moving), (cast.nina, own)):
        answer = api(person).get(f"/api/blasts/{blast}{path}")
        assert (answer.status_code, answer.content) == (404, absent.content)


def test_people_steer_it(api, cast):
    client = api(cast.jaka)
    path = f"/api/blasts/{made(client, cast)['blastId']}"

    def ask(what, code=202, **data):
        answer = post(client, f"{path}/{what}", data)
        assert answer.status_code == code, answer.content
        return answer.json()["blast"]["status"] if code == 202 else answer.json()["error"]["code"]

    assert ask("pause", 409) == "not_running"
    assert ask("start", startAt="2099-01-01T00:00:00Z") == "SCHEDULED"
    assert ask("pause") == "PAUSED"
    assert ask("resume") == "SCHEDULED"
    assert ask("start") == "RUNNING"
    assert ask("start", 409) == "already_started"
    assert client.patch(path, "{}", content_type="application/json").status_code == 409
    assert ask("pause") == "PAUSED"
    assert ask("resume") == "RUNNING"
    assert ask("retry", 409) == "nothing_to_retry"
    assert ask("cancel") == "CANCELLED"
    assert ask("cancel", 409) == "already_over"
    blast = client.get(path).json()["blast"]
    assert blast["counts"]["cancelled"] == 3
    assert [act["what"] for act in blast["acts"]] == [
        "cancelled", "resumed", "paused", "started", "resumed", "paused", "scheduled", "created",
    ]  # fmt: skip


def test_it_tries_the_failed_again(api, cast):
    client = api(cast.jaka)
    blast_id = made(client, cast)["blastId"]
    post(client, f"/api/blasts/{blast_id}/start")
    Recipient.objects.filter(line=2).update(status="FAILED", error_code="refused", error_detail="479")
    Recipient.objects.exclude(line=2).update(status="SENT")
    Blast.objects.update(status="DONE")
    row = client.get(f"/api/blasts/{blast_id}/recipients?status=FAILED").json()["recipients"][0]
    assert row["error"]["code"] == "refused"
    assert "479" in row["error"]["message"]
    assert list(row) == keys_of(serializers.RecipientElement)
    answer = post(client, f"/api/blasts/{blast_id}/retry").json()
    assert (answer["retried"], answer["blast"]["status"], answer["blast"]["counts"]["queued"]) == (1, "RUNNING", 1)
    assert Recipient.objects.get(line=2).message_id == row["messageId"]


def test_a_draft_can_be_changed(api, cast):
    client = api(cast.adi)
    path = f"/api/blasts/{made(client, cast)['blastId']}"
    change = {"name": "Lain", "outlets": [cast.jakarta.public_id, cast.bandung.public_id]}
    blast = client.patch(path, json.dumps(change), content_type="application/json").json()["blast"]
    assert blast["name"] == "Lain"
    assert [(each["name"], each["counts"]["total"]) for each in blast["perOutlet"]] == [
        ("Outlet Bandung", 1), ("Outlet Jakarta", 2),
    ]  # fmt: skip
    answer = client.patch(path, json.dumps({"body": "Halo {kota}"}), content_type="application/json")
    assert answer.json()["error"]["fields"]["recipients"][0]["code"] == "missing_variable"


def test_recipients_are_searched_and_cut(api, cast):
    client = api(cast.jaka)
    path = f"/api/blasts/{made(client, cast)['blastId']}/recipients"
    assert client.get(f"{path}?q=orang 2").json()["count"] == 1
    assert client.get(f"{path}?q=0855").json()["count"] == 3
    assert client.get(f"{path}?page=2&pageSize=2").json()["recipients"][0]["line"] == 3
    assert client.get(f"{path}?outletId={cast.jakarta.public_id}").json()["count"] == 3
    assert client.get(f"{path}?outletId={cast.bandung.public_id}").status_code == 404


def test_the_export_holds_no_formula(api, cast):
    client = api(cast.jaka)
    recipients = [{"phone": phone(1), "name": "+SUM(A1)", "kota": "-1"}]
    path = f"/api/blasts/{made(client, cast, recipients=recipients)['blastId']}/export"
    lines = io.StringIO(client.get(path).getvalue().decode("utf-8-sig")).read().splitlines()
    assert lines[0].startswith("line;phone;name;kota;outlet;status")
    assert f"1;{phone(1)};'+SUM(A1);'-1;Outlet Jakarta;QUEUED" in lines[1]


def test_the_preflight_says_what_a_person_should_know(api, cast):
    client = api(cast.adi)
    blast = made(client, cast)
    OptOut.objects.create(phone=phone(2), at=timezone.now())
    answer = post(client, f"/api/blasts/{blast['blastId']}/preflight").json()
    assert list(answer) == keys_of(serializers.PreflightAnswer)
    assert list(answer["outlets"][0]) != []
    assert set(answer["outlets"][0]) == set(keys_of(serializers.PreflightOutlet))
    assert (answer["total"], answer["willSend"], answer["canStart"]) == (3, 2, True)
    assert answer["optedOut"] == {"count": 1, "phones": [phone(2)]}
    assert answer["outlets"][0]["ready"] == "cannot"
    assert answer["outlets"][0]["recipients"] == 2
    assert answer["outlets"][0]["capacityToday"] == 20  # a new number on its first day
    assert answer["expectedEnd"] is not None


def test_opt_outs_are_listed_and_undone_by_an_admin_with_a_reason(api, cast):
    row = OptOut.objects.create(phone=phone(1), at=timezone.now(), outlet=cast.jakarta, text="STOP")
    listed = api(cast.jaka).get("/api/opt-outs").json()
    assert listed["optOuts"][0]["phone"] == phone(1)
    assert list(listed["optOuts"][0]) == keys_of(serializers.OptOutElement)
    assert api(cast.budi).get("/api/opt-outs").json()["count"] == 0
    path = f"/api/opt-outs/{row.pk}/undo"
    assert post(api(cast.jaka), path, {"reason": "x"}).status_code == 403
    assert post(api(cast.budi), path, {"reason": "x"}).status_code == 404
    assert post(api(cast.adi), path, {"reason": " "}).status_code == 400
    undone = post(api(cast.adi), path, {"reason": "Minta lagi lewat telepon"})
    assert undone.json()["optOut"]["endedBy"] == "adi"
    assert post(api(cast.adi), path, {"reason": "x"}).status_code == 409


def test_the_pace_of_an_outlet_is_set_by_an_admin(api, cast):
    path = f"/api/outlets/{cast.jakarta.public_id}/pace"
    pace = api(cast.jaka).get(path).json()["pace"]
    assert list(pace) == keys_of(serializers.PaceElement)
    assert (pace["dailyCap"], pace["quietFrom"]) == (200, "20:00")

    def patch(person, **change):
        return api(person).patch(path, json.dumps(change), content_type="application/json")

    assert patch(cast.jaka, dailyCap=5).status_code == 403
    assert patch(cast.budi, dailyCap=5).status_code == 404
    assert patch(cast.adi, dailyCap=0).json()["error"]["fields"]["dailyCap"]
    assert patch(cast.adi, quietFrom=None).status_code == 400
    changed = patch(cast.adi, dailyCap=None, delaySeconds=2, quietFrom="21:30").json()["pace"]
    assert (changed["dailyCap"], changed["delaySeconds"], changed["quietFrom"]) == (None, 2, "21:30")
    assert post(api(cast.adi), f"{path}/release").json()["error"]["code"] == "not_stopped"
    Pace.objects.update(stopped_at=timezone.now(), stopped_cause="restricted", stopped_detail={"code": 463})
    assert "463" in api(cast.adi).get(path).json()["pace"]["stop"]["message"]
    assert post(api(cast.adi), f"{path}/release").json()["pace"]["stop"] is None
