"""`GET /api/outlets/status` and its siblings that only read."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Role
from tests.cast import OutletFactory
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.serializers import FlipsAnswer, StatusAnswer, StatusPageAnswer
from wa_sessions.states import Source, Status

pytestmark = pytest.mark.django_db


def names(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["outlet"]["name"] for item in response.json()["statuses"]]


@pytest.fixture
def sessions(cast):
    WhatsAppSession.objects.create(
        outlet=cast.jakarta,
        status=Status.CONNECTED,
        session_name="Device Name",
        jid="6287788987745:7@s.whatsapp.net",
        connected_at=datetime(2025, 10, 25, 10, 30, tzinfo=UTC),
    )
    WhatsAppSession.objects.create(outlet=cast.bandung, status=Status.FAILED, auto_reconnect=False)
    cast.semarang.is_active = False
    cast.semarang.save()


def described_by(serializer_class, answer) -> None:
    """The answer has exactly the documented keys, at every depth."""

    def compare(serializer, value, path):
        optional = {name for name, field in serializer.fields.items() if not field.required}
        documented = [name for name in serializer.fields if name not in optional or name in value]
        assert set(value) == set(documented), path
        for name, field in serializer.fields.items():
            child = getattr(field, "child", field)
            if not hasattr(child, "fields") or value.get(name) is None:
                continue
            for item in value[name] if isinstance(value[name], list) else [value[name]]:
                compare(child, item, f"{path}.{name}")

    compare(serializer_class(), answer, serializer_class.__name__)


# The list


@pytest.mark.parametrize("path", ["/api/outlets/status", "/api/outlets/status/"])
def test_it_gives_head_office_every_outlet(cast, sessions, api, path):
    response = api(cast.adi).get(path)
    assert names(response) == ["Outlet Bandung", "Outlet Jakarta", "Outlet Medan", "Outlet Semarang", "Outlet Surabaya"]
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    assert (answer["success"], answer["count"], answer["healthy"]) == (True, 5, 0)
    assert (answer["problems"], answer["inactive"]) == (4, 1)


def test_it_answers_with_the_documented_keys_in_their_order(cast, sessions, api):
    answer = api(cast.sari).get("/api/outlets/status?page=1").json()
    described_by(StatusPageAnswer, answer)
    assert list(answer)[:4] == ["success", "count", "healthy", "statuses"]
    element = next(item for item in answer["statuses"] if item["outletId"] == cast.jakarta.public_id)
    assert list(element)[:10] == [
        "outletId", "outlet", "session", "liveStatus", "healthy",
        "checks", "cause", "synced", "verifiedAt", "maxRetries",
    ]  # fmt: skip
    assert element["outlet"] == {"name": "Outlet Jakarta", "whatsappNumber": "6287788987745", "isActive": True}
    assert element["session"] == {
        "status": "CONNECTED",
        "sessionName": "Device Name",
        "connectedAt": "2025-10-25T10:30:00Z",
        "lastSeen": None,
        "qrCode": None,
        "autoReconnect": True,
        "retryCount": 0,
    }


def test_it_gives_a_user_their_own_outlet_and_counts_nothing_else(cast, sessions, api):
    response = api(cast.jaka).get("/api/outlets/status")
    assert names(response) == ["Outlet Jakarta"]
    assert response.json()["count"] == 1


def test_it_gives_a_user_without_an_outlet_nothing(cast, sessions, api):
    response = api(cast.nina).get("/api/outlets/status")
    assert names(response) == []
    assert response.json()["count"] == 0


def test_it_refuses_nobody_and_the_deactivated(cast, api):
    client = api(cast.adi)
    cast.adi.is_active = False
    cast.adi.save()
    for nobody in (api(), client):
        response = nobody.get("/api/outlets/status")
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "not_authenticated"


def test_it_takes_a_browsers_session(cast, browser_as):
    assert names(browser_as(cast.jaka).get("/api/outlets/status")) == ["Outlet Jakarta"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=band", ["Outlet Bandung"]),
        ("q=0877", ["Outlet Jakarta"]),
        ("q=", ["Outlet Bandung", "Outlet Jakarta", "Outlet Medan", "Outlet Semarang", "Outlet Surabaya"]),
        ("status=FAILED", ["Outlet Bandung"]),
        ("status=DISCONNECTED&q=medan", ["Outlet Medan"]),
        ("healthy=true", []),
        ("healthy=false&q=jakarta", ["Outlet Jakarta"]),
        ("page=1&pageSize=2", ["Outlet Bandung", "Outlet Jakarta"]),
        ("page=3&pageSize=2", ["Outlet Surabaya"]),
        ("page=9&pageSize=2", []),
        ("unknown=1", ["Outlet Bandung", "Outlet Jakarta", "Outlet Medan", "Outlet Semarang", "Outlet Surabaya"]),
    ],
)
def test_it_filters_and_cuts_but_counts_everything(cast, sessions, api, query, expected):
    response = api(cast.adi).get(f"/api/outlets/status?{query}")
    assert names(response) == expected
    assert response.json()["count"] == 5


def test_it_tells_pages_how_many_were_found(cast, api):
    answer = api(cast.adi).get("/api/outlets/status?page=1&pageSize=2&q=an").json()
    assert (answer["page"], answer["pageSize"], answer["found"]) == (1, 2, 3)  # Bandung, Medan, Semarang


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1e3", "page"),
        ("page=99999999999999999999", "page"),
        ("page=1&pageSize=0", "pageSize"),
        ("page=1&pageSize=501", "pageSize"),
        ("pageSize=10", "pageSize"),
        ("status=HEALTHY", "status"),
        ("status=connected", "status"),
        ("healthy=perhaps", "healthy"),
        ("q=" + "x" * 101, "q"),
        ("q=%00", "q"),
    ],
)
def test_it_refuses_questions_that_make_no_sense_and_says_which_part(cast, api, query, field):
    response = api(cast.adi).get(f"/api/outlets/status?{query}")
    assert response.status_code == 400
    answer = response.json()
    assert answer["success"] is False
    assert answer["error"]["code"] == "validation_error"
    assert answer["error"]["message"]
    assert list(answer["error"]["fields"]) == [field]


def test_it_does_not_change_anything_by_other_methods(cast, api):
    for method in ("post", "put", "patch", "delete"):
        assert getattr(api(cast.sari), method)("/api/outlets/status").status_code == 405


@pytest.mark.parametrize("outlets", [5, 60])
def test_it_asks_the_database_the_same_few_questions_for_any_number_of_outlets(
    cast, sessions, api, outlets, django_assert_max_num_queries
):
    OutletFactory.create_batch(outlets)
    client = api(cast.adi)
    client.get("/api/outlets/status")  # notes that the token was used
    with django_assert_max_num_queries(3):
        client.get("/api/outlets/status")


# One outlet


def test_it_gives_the_status_of_one_outlet(cast, sessions, api):
    answer = api(cast.jaka).get(f"/api/outlets/{cast.jakarta.public_id}/status").json()
    described_by(StatusAnswer, answer)
    assert answer["status"]["outletId"] == cast.jakarta.public_id


READS = ["status", "flips", "qr"]
IDS = ["outlet_999999", "outlet_0", "outlet_01", "outlet_-1", "outlet_", "7", "nonsense", "outlet_1%0A", "outlet_٣"]


@pytest.mark.parametrize("what", READS)
def test_absent_foreign_and_malformed_outlets_are_the_same_404(cast, sessions, api, what):
    client = api(cast.jaka)
    answers = [client.get(f"/api/outlets/{found}/{what}") for found in (cast.bandung.public_id, *IDS)]
    assert {response.status_code for response in answers} == {404}
    assert len({response.content for response in answers}) == 1
    assert answers[0].json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize("who", ["anonymous", "nina"])
def test_reads_are_refused_to_nobody_and_hidden_from_those_without_an_outlet(cast, sessions, api, what, who):
    client = api(cast.nina) if who == "nina" else api()
    response = client.get(f"/api/outlets/{cast.jakarta.public_id}/{what}")
    assert response.status_code == (404 if who == "nina" else 401)


# History


@pytest.fixture
def flips(cast, sessions):
    now = timezone.now()
    for number in range(5):
        Flip.objects.create(
            session_id=cast.jakarta.pk,
            from_status=Status.CONNECTED,
            to_status=Status.DISCONNECTED,
            reason=f"reason_{number}",
            source=Source.SYNC if number == 4 else Source.SOCKET,
            at=now - timedelta(minutes=10 - number),
            drift_s=1.5 if number == 4 else None,
        )


@pytest.mark.parametrize("path", ["flips", "flips/"])
def test_it_gives_the_history_newest_first(cast, flips, api, path):
    answer = api(cast.jaka).get(f"/api/outlets/{cast.jakarta.public_id}/{path}").json()
    described_by(FlipsAnswer, answer)
    assert [flip["reason"] for flip in answer["flips"]] == [f"reason_{number}" for number in (4, 3, 2, 1, 0)]
    first = answer["flips"][0]
    assert (first["from"], first["to"], first["source"], first["driftSeconds"]) == (
        "CONNECTED", "DISCONNECTED", "sync", 1.5,
    )  # fmt: skip
    assert first["at"].endswith("Z")


def test_it_cuts_the_history(cast, flips, api):
    answer = api(cast.adi).get(f"/api/outlets/{cast.jakarta.public_id}/flips?page=2&pageSize=2").json()
    assert (answer["count"], answer["page"], answer["pageSize"]) == (5, 2, 2)
    assert [flip["reason"] for flip in answer["flips"]] == ["reason_2", "reason_1"]


def test_an_outlet_that_was_never_connected_has_no_history(cast, api):
    answer = api(cast.adi).get(f"/api/outlets/{cast.medan.public_id}/flips").json()
    assert (answer["count"], answer["flips"]) == (0, [])


@pytest.mark.parametrize("query", ["page=0", "pageSize=501", "page=x"])
def test_it_refuses_a_page_of_history_that_is_none(cast, api, query):
    response = api(cast.adi).get(f"/api/outlets/{cast.jakarta.public_id}/flips?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_error"


def test_a_promoted_user_sees_all_at_the_next_request(cast, api):
    client = api(cast.jaka)
    cast.jaka.role = Role.ADMIN
    cast.jaka.save()
    assert client.get("/api/outlets/status").json()["count"] == 5
