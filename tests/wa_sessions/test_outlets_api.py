import pytest
from django.test import Client

from outlets.models import Outlet
from wa_sessions.models import WhatsAppSession

URL = "/api/outlets"
NEW = {"name": "Outlet Malang", "whatsappNumber": "0812-3456-7890"}


def url(outlet):
    return f"{URL}/{outlet.public_id}"


def send(client, method, path, body):
    return getattr(client, method)(path, body, content_type="application/json")


def test_it_lists_what_each_person_may_see(cast, api):
    for person in (cast.sari, cast.adi):
        body = api(person).get(URL).json()
        assert body["success"] is True
        assert body["count"] == 5
        assert [outlet["name"] for outlet in body["outlets"]] == sorted(outlet.name for outlet in cast.outlets)
    assert [outlet["outletId"] for outlet in api(cast.jaka).get(URL).json()["outlets"]] == [cast.jakarta.public_id]
    assert api(cast.nina).get(URL).json() == {"success": True, "count": 0, "outlets": []}


def test_it_lists_in_a_constant_number_of_queries(cast, api, django_assert_num_queries):
    for outlet in cast.outlets:
        WhatsAppSession.objects.create(outlet=outlet)
    client = api(cast.adi)
    client.get(URL)
    with django_assert_num_queries(2):
        client.get(URL)


def test_it_shows_one(cast, api):
    assert api(cast.jaka).get(url(cast.jakarta)).json() == {
        "success": True,
        "outletId": cast.jakarta.public_id,
        "name": "Outlet Jakarta",
        "whatsappNumber": "6287788987745",
        "isActive": True,
        "autoReconnect": True,
        "maxRetries": 3,
    }


@pytest.mark.parametrize("method", ["get", "patch"])
def test_foreign_and_absent_are_alike(cast, api, method):
    client = api(cast.jaka)
    answers = [send(client, method, path, {}) for path in (url(cast.bandung), f"{URL}/outlet_99999", f"{URL}/x")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1
    assert send(api(cast.nina), method, url(cast.jakarta), {}).status_code == 404


def test_nobody_gets_in(cast, client):
    for answer in (client.get(URL), send(client, "post", URL, NEW), send(client, "patch", url(cast.medan), {})):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not_authenticated"


def test_an_outlet_user_may_not_write(cast, api):
    for answer in (
        send(api(cast.jaka), "post", URL, NEW),
        send(api(cast.nina), "post", URL, NEW),
        send(api(cast.jaka), "patch", url(cast.jakarta), {"name": "Punya saya"}),
    ):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "permission_denied"
    assert set(Outlet.objects.values_list("name", flat=True)) == {outlet.name for outlet in cast.outlets}


def test_it_adds(cast, api):
    answer = send(api(cast.adi), "post", URL, {**NEW, "autoReconnect": False, "maxRetries": 7})
    assert answer.status_code == 201
    outlet = Outlet.objects.get(whatsapp_number="6281234567890")
    assert answer.json() == {
        "success": True,
        "outletId": outlet.public_id,
        "name": "Outlet Malang",
        "whatsappNumber": "6281234567890",
        "isActive": True,
        "autoReconnect": False,
        "maxRetries": 7,
    }
    assert api(cast.adi).get(url(outlet)).json() == answer.json()


def test_it_changes_what_is_named(cast, api):
    client = api(cast.sari)
    answer = send(client, "patch", url(cast.medan), {"isActive": False, "autoReconnect": False})
    assert answer.status_code == 200
    assert answer.json()["isActive"] is False
    assert answer.json()["autoReconnect"] is False
    assert answer.json()["name"] == "Outlet Medan"
    answer = send(client, "patch", url(cast.medan), {"whatsappNumber": "+62 812 3456 7890", "name": "<b>Medan</b>"})
    assert answer.json()["whatsappNumber"] == "6281234567890"
    assert answer.json()["name"] == "<b>Medan</b>"
    assert answer.json()["isActive"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"whatsappNumber": "12"}, "whatsappNumber"),
        ({"whatsappNumber": "0877-8898-7745"}, "whatsappNumber"),
        ({"whatsappNumber": 6281234567890.5}, "whatsappNumber"),
        ({"isActive": "mungkin"}, "isActive"),
        ({"maxRetries": -1}, "maxRetries"),
        ({"maxRetries": 101}, "maxRetries"),
        ({"autoReconnect": None}, "autoReconnect"),
    ],
)
def test_it_names_the_wrong_field(cast, api, body, field):
    for method, path in (("post", URL), ("patch", url(cast.medan))):
        answer = send(api(cast.adi), method, path, {**NEW, **body} if method == "post" else body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "validation_error"
        assert list(answer.json()["error"]["fields"]) == [field]
    assert Outlet.objects.count() == 5


def test_it_needs_name_and_number(cast, api):
    answer = send(api(cast.adi), "post", URL, {})
    assert set(answer.json()["error"]["fields"]) == {"name", "whatsappNumber"}


def test_it_keeps_the_number_of_a_linked_device(cast, api):
    WhatsAppSession.objects.create(outlet=cast.jakarta, jid="6287788987745:3@s.whatsapp.net")
    answer = send(
        api(cast.adi), "patch", url(cast.jakarta), {"whatsappNumber": "081234567890", "maxRetries": 9, "name": "Baru"}
    )
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == ["whatsappNumber"]
    assert api(cast.adi).get(url(cast.jakarta)).json()["maxRetries"] == 3
    assert send(api(cast.adi), "patch", url(cast.jakarta), {"name": "Baru"}).status_code == 200


def test_it_deletes_nothing(cast, api):
    answer = api(cast.sari).delete(url(cast.medan))
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_a_session_needs_the_csrf_token(cast):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.adi)
    answer = send(browser, "post", URL, NEW)
    assert answer.status_code == 403
    assert answer.json()["success"] is False


def test_it_speaks_the_language_that_is_asked_for(cast, api):
    ask = {"name": "x", "whatsappNumber": "12"}
    client = api(cast.adi)
    english = client.post(URL, ask, content_type="application/json", headers={"Accept-Language": "en"}).json()
    assert english["error"]["message"].startswith("Write a phone number")
