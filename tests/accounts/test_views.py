"""Logging in and out, as a browser does it."""

import pytest
from django.core.cache import cache

from tests.cast import PASSWORD


def log_in(client, username="jaka", password=PASSWORD, path="/login", **more):
    return client.post(path, {"username": username, "password": password, **more})


def test_it_logs_in_and_goes_on(cast, client):
    answer = log_in(client)
    assert (answer.status_code, answer["Location"]) == (302, "/outlet-status")
    answer = log_in(client, next="/outlets")
    assert answer["Location"] == "/outlets"


def test_it_does_not_lead_elsewhere(cast, client):
    for place in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert log_in(client, next=place)["Location"] == "/outlet-status"
        client.logout()


def test_it_says_one_thing_for_every_wrong_login(cast, client):
    cast.budi.is_active = False
    cast.budi.save()
    wrong = (("jaka", "salah"), ("siapa", PASSWORD), ("budi", PASSWORD), ("x" * 300, PASSWORD))
    pages = [log_in(client, *who) for who in wrong]
    assert {page.status_code for page in pages} == {200}
    errors = {str(page.context["form"].non_field_errors()) for page in pages}
    assert len(errors) == 1
    assert "_auth_user_id" not in client.session


def test_who_is_logged_in_needs_no_login_page(cast, browser_as):
    assert browser_as(cast.jaka).get("/login?next=/outlets")["Location"] == "/outlets"


def test_it_starts_a_new_session(cast, client):
    client.get("/login")
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    log_in(client)
    assert client.session.session_key != before


def test_it_logs_out_by_post_only(cast, browser_as):
    client = browser_as(cast.jaka)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"
    assert "_auth_user_id" not in client.session


def test_it_stops_looking_at_passwords_after_many(cast, client):
    for _ in range(8):
        log_in(client, "sari", "salah")
    cache.clear()
    answer = log_in(client, "sari")
    assert answer.status_code == 429
    assert b"</html>" in answer.content
    assert log_in(client, "jaka").status_code == 302


def test_it_bounds_attempts_from_one_address(cast, client, monkeypatch):
    for number in range(20):
        log_in(client, f"orang{number}", "salah")

    def look(*args, **kwargs):
        raise AssertionError("a password was looked at")

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", look)
    answer = log_in(client)
    assert answer.status_code == 429
    assert answer.context["form"].has_error("__all__", "throttled")


def test_a_deactivated_account_loses_its_session_at_once(cast, browser_as):
    client = browser_as(cast.jaka)
    assert client.get("/api/outlets").status_code == 200
    cast.jaka.is_active = False
    cast.jaka.save()
    assert client.get("/api/outlets").status_code == 401
    assert client.get("/login").status_code == 200


def test_a_new_password_ends_other_sessions(cast, browser_as):
    client = browser_as(cast.jaka)
    cast.jaka.set_password("lain-sekali-42")
    cast.jaka.save()
    assert client.get("/api/outlets").status_code == 401


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/"])
def test_the_admin_has_the_same_door(cast, client, browser_as, path):
    answer = client.get(path, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/login?next=")
    answer = log_in(client, "adi", next=path)
    assert answer["Location"] == path
    assert client.get(path).status_code == 200
    outsider = browser_as(cast.jaka)
    assert outsider.get(path, follow=True).status_code == 403
