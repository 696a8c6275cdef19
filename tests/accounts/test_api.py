"""Tokens over HTTP."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken
from tests.cast import PASSWORD

URL = "/api/auth/token"


def ask(client, username="jaka", password=PASSWORD, **more):
    return client.post(URL, {"username": username, "password": password, **more}, content_type="application/json")


def test_it_gives_a_token_that_opens_the_api(cast, client, api):
    answer = ask(client)
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["success", "token", "expiresAt"]
    assert body["success"] is True
    assert "no-store" in answer["Cache-Control"]
    assert client.get("/api/schema", headers={"Authorization": f"Bearer {body['token']}"}).status_code == 200


def test_it_keeps_only_a_hash(cast, client):
    token = ask(client, name="kasir").json()["token"]
    row = ApiToken.objects.get()
    assert row.name == "kasir"
    assert token not in {str(value) for value in row.__dict__.values()}


@pytest.mark.parametrize(
    ("username", "password"), [("jaka", "salah"), ("siapa", PASSWORD), ("jaka", ""), ("", ""), ("jaka", PASSWORD + " ")]
)
def test_it_refuses_wrong_passwords(cast, client, username, password):
    answer = ask(client, username, password)
    assert answer.status_code in (400, 401)
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] in ("wrong_credentials", "validation_error")
    assert not ApiToken.objects.exists()


def test_it_challenges_for_a_bearer_token(cast, client):
    assert ask(client, password="salah")["WWW-Authenticate"] == "Bearer"
    answer = client.get("/api/schema")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_authenticated"


def test_it_names_the_fields_that_are_missing(cast, client):
    answer = client.post(URL, {"username": "jaka"}, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "validation_error"
    assert list(answer.json()["error"]["fields"]) == ["password"]


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "null", b"\xff"])
def test_it_takes_only_a_json_object(cast, client, body):
    answer = client.post(URL, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_it_takes_only_json(cast, client):
    answer = client.post(URL, {"username": "jaka", "password": PASSWORD})
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"


def test_it_ignores_a_stale_token_in_the_header(cast, client):
    answer = client.post(
        URL,
        {"username": "jaka", "password": PASSWORD},
        content_type="application/json",
        headers={"Authorization": "Bearer lama"},
    )
    assert answer.status_code == 200


def test_it_gives_none_to_a_deactivated_account(cast, client):
    cast.jaka.is_active = False
    cast.jaka.save()
    assert ask(client).status_code == 401


def test_it_stops_looking_at_passwords_after_many(cast, client):
    codes = [ask(client, "sari", "salah").status_code for _ in range(8)]
    assert set(codes) == {401, 429}
    answer = ask(client, "sari")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "throttled"
    assert ask(client, "jaka").status_code == 200


def test_it_bounds_attempts_from_one_address(cast, client, monkeypatch):
    for number in range(20):
        assert ask(client, f"orang{number}").status_code == 401

    def hash_nothing(*args, **kwargs):
        raise AssertionError("a password was looked at")

    monkeypatch.setattr("accounts.services.authenticate", hash_nothing)
    answer = ask(client, "jaka")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_it_forgets_wrong_passwords_after_a_right_one(cast, client):
    for _ in range(2):
        for _ in range(6):
            assert ask(client, "jaka", "salah").status_code == 401
        assert ask(client, "jaka").status_code == 200
        cache.clear()  # the throttle, which is not meant here


def test_it_revokes_the_token_it_came_with(cast, api):
    client, other = api(cast.jaka), api(cast.jaka)
    assert client.delete(URL).json() == {"success": True}
    assert client.get("/api/schema").status_code == 401
    assert other.get("/api/schema").status_code == 200


def test_it_revokes_nothing_for_a_session(cast, browser_as):
    answer = browser_as(cast.jaka).delete(URL)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "no_token"


def test_it_revokes_nothing_for_nobody(cast, client):
    assert client.delete(URL).status_code == 401


@pytest.mark.parametrize("path", [URL, URL + "/"])
def test_it_takes_both_spellings(cast, client, path):
    answer = client.post(path, {"username": "jaka", "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 200


class TestBearer:
    def test_it_refuses_an_expired_token(self, cast, api, time_machine):
        client = api(cast.jaka)
        time_machine.move_to(timezone.now() + timedelta(days=1, seconds=1))
        assert client.get("/api/schema").status_code == 401

    def test_it_refuses_a_deactivated_account_at_once(self, cast, api):
        client = api(cast.jaka)
        assert client.get("/api/schema").status_code == 200
        cast.jaka.is_active = False
        cast.jaka.save()
        assert client.get("/api/schema").status_code == 401

    @pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer ÿ", "Basic amFrYQ==", "Token x", "x"])
    def test_it_refuses_anything_else(self, cast, client, header):
        answer = client.get("/api/schema", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not_authenticated"

    def test_it_notes_the_last_use_now_and_then(self, cast, api, time_machine):
        client = api(cast.jaka)
        client.get("/api/schema")
        first = ApiToken.objects.get().last_used_at
        assert first is not None
        client.get("/api/schema")
        assert ApiToken.objects.get().last_used_at == first
        time_machine.move_to(timezone.now() + timedelta(minutes=6))
        client.get("/api/schema")
        later = ApiToken.objects.get().last_used_at
        assert later is not None
        assert later > first

    def test_a_wrong_token_beside_a_session_is_refused(self, cast, browser_as):
        client = browser_as(cast.jaka)
        assert client.get("/api/schema", headers={"Authorization": "Bearer salah"}).status_code == 401

    def test_a_revoked_token_keeps_its_date(self, cast):
        _, token = ApiToken.objects.issue(cast.jaka, lifetime=timedelta(days=1))
        services.token_revoke(token)
        token.refresh_from_db()
        first = token.revoked_at
        assert first is not None
        assert first <= timezone.now()
        services.token_revoke(token)
        token.refresh_from_db()
        assert token.revoked_at == first
