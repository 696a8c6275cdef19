"""Paths with and without their slash, and the language."""

import pytest

pytestmark = pytest.mark.django_db

INDONESIAN, ENGLISH = b'<html lang="id"', b'<html lang="en"'


@pytest.mark.parametrize("path", ["/login", "/login/", "/healthz/", "/healthz", "/api/outlets/"])
def test_both_spellings_are_one_address(client, path):
    assert client.get(path).status_code in (200, 401)


def test_a_post_keeps_its_body_with_a_slash(cast, client):
    answer = client.post("/login/", {"username": "jaka", "password": "salah"})
    assert answer.context["form"]["username"].value() == "jaka"


def test_pages_are_indonesian_whatever_the_browser_prefers(client):
    answer = client.get("/login", headers={"Accept-Language": "en-US,en;q=0.9"})
    assert INDONESIAN in answer.content
    assert answer["Content-Language"] == "id"
    assert "Cookie" in answer["Vary"]


def test_the_cookie_decides(client):
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/login"})
    assert answer["Location"] == "/login"
    cookie = answer.cookies["django_language"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert ENGLISH in client.get("/login").content
    client.post("/i18n/setlang", {"language": "id"})
    assert INDONESIAN in client.get("/login").content


@pytest.mark.parametrize("language", ["xx", "", "../en", "en\n", "de"])
def test_an_unknown_language_is_none(client, language):
    client.cookies["django_language"] = language
    assert INDONESIAN in client.get("/login").content


def test_the_switch_leads_nowhere_else(client):
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "https://evil.example/"})
    assert "evil" not in answer["Location"]


@pytest.mark.parametrize(("accept", "language"), [("en", "en"), ("id", "id"), ("de", "id"), ("en-US,id;q=0.5", "en")])
def test_the_api_speaks_what_is_asked_for(client, accept, language):
    answer = client.get("/api/outlets", headers={"Accept-Language": accept})
    assert answer["Content-Language"] == language
    assert "Accept-Language" in answer["Vary"]


def test_headers_are_strict(client):
    answer = client.get("/login")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_the_docs_have_a_policy_of_their_own(cast, browser_as, client):
    assert client.get("/api/docs").status_code == 401
    answer = browser_as(cast.jaka).get("/api/docs")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert b"//cdn" not in answer.content
    assert b"<script>" not in answer.content
