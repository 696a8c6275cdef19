"""One shape for every error, for programs and for people, also when the database is gone."""

import sqlite3
import threading
import time

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.response import Response

from config import errors
from config.urls import urlpatterns as real
from wa_sessions.exceptions import WishRefused


class Teapot(exceptions.APIException):
    status_code = 409
    default_code = "teapot"
    default_detail = gettext_lazy("Log in")


RAISED = {
    "missing": Http404("secret"),
    "denied": PermissionDenied("secret"),
    "locked": OperationalError("secret"),
    "gone": InterfaceError("secret"),
    "big": RequestDataTooBig("secret"),
    "crash": ValueError("secret"),
    "suspicious": SuspiciousOperation("secret"),
    "refused": WishRefused("not_linked", gettext_lazy("Log in")),
    "throttled": exceptions.Throttled(7),
    "teapot": Teapot(),
    "invalid": exceptions.ValidationError({"name": ["salah"]}),
    "invalid_list": exceptions.ValidationError(["salah"]),
}


def page(request, name):
    raise RAISED[name]


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def call(request, name):
    raise RAISED[name]


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def fine(request):
    return Response({"success": True})


def session(request):
    request.session["visited"] = True
    return HttpResponse("ok")


urlpatterns = [
    path("page/<str:name>", page),
    path("session", session),
    path("api/call/<str:name>", call),
    path("api/fine", fine),
    *real,
]
handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def client(client):
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("missing", 404, "not_found"),
        ("denied", 403, "permission_denied"),
        ("locked", 503, "database_unavailable"),
        ("gone", 503, "database_unavailable"),
        ("big", 413, "payload_too_large"),
        ("crash", 500, "internal_error"),
        ("suspicious", 400, "bad_request"),
        ("refused", 409, "not_linked"),
        ("throttled", 429, "throttled"),
        ("teapot", 409, "teapot"),
        ("invalid", 400, "validation_error"),
        ("invalid_list", 400, "validation_error"),
    ],
)
def test_the_api_answers_in_one_shape(client, name, status, code):
    answer = client.get(f"/api/call/{name}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["code"] == code
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    assert b"secret" not in answer.content
    if name == "invalid":
        assert body["error"]["fields"] == {"name": ["salah"]}
    if status in (429, 503):
        assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("name", "status"),
    [("missing", 404), ("denied", 403), ("locked", 503), ("gone", 503), ("crash", 500), ("suspicious", 400),
     ("big", 413)],
)  # fmt: skip
def test_people_get_a_page(client, name, status):
    answer = client.get(f"/page/{name}")
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert b"secret" not in answer.content
    assert b"</html>" in answer.content
    assert "Content-Security-Policy" in answer


def test_people_get_the_page_in_their_language(client):
    indonesian = client.get("/page/missing").content
    client.cookies["django_language"] = "en"
    english = client.get("/page/missing").content
    assert b'lang="id"' in indonesian
    assert b'lang="en"' in english
    assert indonesian != english


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/outlets/outlet_1/nothing", "/api/auth"])
def test_unknown_addresses_below_api_answer_json(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_api_says_which_method_is_wrong(client):
    answer = client.post("/api/fine")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert "GET" in answer["Allow"]


def test_the_api_gives_only_json(client):
    answer = client.get("/api/fine", headers={"Accept": "text/csv"})
    assert answer.status_code == 406
    assert answer.json()["error"]["code"] == "not_acceptable"
    assert client.get("/api/fine", headers={"Accept": "text/html,*/*"}).status_code == 200


def test_a_form_without_its_token_is_refused(cast):
    answer = Client(enforce_csrf_checks=True).post("/login", {"username": "jaka", "password": "x"})
    assert answer.status_code == 403
    assert b"</html>" in answer.content


def test_a_body_that_is_too_large_for_a_form(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert client.post("/login", {"username": "x" * 200}, content_type="text/plain").status_code in (200, 413)
    answer = client.post("/api/auth/token", {"username": "x" * 200, "password": "y"}, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "payload_too_large"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_locked_database_is_a_503_in_time(client, cast):
    name = connection.settings_dict["NAME"]
    locked, done = threading.Event(), threading.Event()

    def hold():
        other = sqlite3.connect(name, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked.set()
        done.wait(20)
        other.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(5)
        for method, path in (("get", "/session"), ("post", "/login"), ("post", "/api/auth/token")):
            began = time.monotonic()
            data = {"username": "budi", "password": "salah"}
            kind = {"content_type": "application/json"} if path.startswith("/api") else {}
            answer = getattr(client, method)(path, data, **kind)
            assert time.monotonic() - began < 2
            assert answer.status_code == 503
    finally:
        done.set()
        holder.join()
    assert client.get("/session").status_code == 200


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_a_body_of_nothing_but_brackets_is_no_json(client, db, body):
    response = client.post("/api/auth/token", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "parse_error")
