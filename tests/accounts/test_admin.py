"""Accounts and tokens in the Django admin."""

from datetime import timedelta

import pytest

from accounts.models import ApiToken, Role, User
from tests.cast import PASSWORD

USERS = "/admin/accounts/user/"
TOKENS = "/admin/accounts/apitoken/"


def fields(person, **changes):
    return {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": "",
        "email": "",
        "role": person.role,
        "outlet": person.outlet_id or "",
        "is_active": "on",
        **changes,
    }


def new(**changes):
    return {"username": "baru", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD,
            "role": "USER", "outlet": "", **changes}  # fmt: skip


def test_it_shows_pages_without_inline_code(cast, browser_as):
    client = browser_as(cast.sari)
    for path in (USERS, f"{USERS}add/", f"{USERS}{cast.jaka.pk}/change/", TOKENS, "/admin/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"<style" not in answer.content
        assert b" style=" not in answer.content
        assert b"onclick=" not in answer.content


def test_a_super_admin_handles_everybody(cast, browser_as):
    client = browser_as(cast.sari)
    answer = client.post(f"{USERS}{cast.jaka.pk}/change/", fields(cast.jaka, role="ADMIN"))
    assert answer.status_code == 302
    cast.jaka.refresh_from_db()
    assert (cast.jaka.role, cast.jaka.is_staff) == (Role.ADMIN, True)


def test_an_admin_sees_only_outlet_users(cast, browser_as):
    client = browser_as(cast.adi)
    shown = client.get(USERS).content.decode()
    assert "jaka" in shown
    assert "sari" not in shown
    for person in (cast.sari, cast.adi):
        for page in ("change", "password", "delete", "history"):
            answer = client.get(f"{USERS}{person.pk}/{page}/")
            assert answer.status_code in (302, 403, 404)
            if answer.status_code == 302:
                assert answer["Location"] == "/admin/"


def test_an_admin_adds_and_edits_outlet_users(cast, browser_as):
    client = browser_as(cast.adi)
    assert client.post(f"{USERS}add/", new(outlet=cast.medan.pk)).status_code == 302
    baru = User.objects.get(username="baru")
    assert (baru.role, baru.outlet, baru.check_password(PASSWORD)) == (Role.USER, cast.medan, True)
    answer = client.post(f"{USERS}{cast.jaka.pk}/change/", fields(cast.jaka, is_active=""))
    assert answer.status_code == 302
    cast.jaka.refresh_from_db()
    assert not cast.jaka.is_active


@pytest.mark.parametrize("role", ["ADMIN", "SUPERADMIN"])
def test_an_admin_lifts_nobody(cast, browser_as, role):
    client = browser_as(cast.adi)
    more = {"is_staff": "on", "is_superuser": "on", "groups": "1", "user_permissions": "1"}
    client.post(f"{USERS}add/", new(role=role, **more))
    client.post(f"{USERS}{cast.jaka.pk}/change/", fields(cast.jaka, role=role, **more))
    client.post(f"{USERS}{cast.adi.pk}/change/", fields(cast.adi, role=role, **more))
    client.post(f"{USERS}{cast.sari.pk}/password/", {"password1": "x" * 12, "password2": "x" * 12})
    assert set(User.objects.filter(role=Role.SUPERADMIN)) == {cast.sari}
    assert set(User.objects.filter(role=Role.ADMIN)) == {cast.adi}
    assert set(User.objects.filter(is_superuser=True)) == {cast.sari}
    cast.sari.refresh_from_db()
    assert cast.sari.check_password(PASSWORD)


def test_an_admin_deletes_nobody(cast, browser_as):
    client = browser_as(cast.adi)
    assert client.post(f"{USERS}{cast.jaka.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(USERS, {"action": "delete_selected", "_selected_action": [cast.jaka.pk], "post": "yes"})
    assert User.objects.filter(pk=cast.jaka.pk).exists()


class TestTokens:
    @pytest.fixture(autouse=True)
    def tokens(self, cast):
        self.of = {
            person.username: ApiToken.objects.issue(person, lifetime=timedelta(days=1))[1] for person in cast.people
        }

    def test_it_lists_them_by_role(self, cast, browser_as):
        assert self.of["adi"].prefix in browser_as(cast.sari).get(TOKENS).content.decode()
        shown = browser_as(cast.adi).get(TOKENS).content.decode()
        assert self.of["jaka"].prefix in shown
        assert self.of["adi"].prefix in shown
        assert self.of["sari"].prefix not in shown

    def test_it_revokes(self, cast, browser_as):
        chosen = [self.of["jaka"].pk, self.of["sari"].pk]
        browser_as(cast.adi).post(TOKENS, {"action": "revoke", "_selected_action": chosen})
        assert list(ApiToken.objects.exclude(revoked_at=None)) == [self.of["jaka"]]
        assert ApiToken.objects.get(pk=self.of["jaka"].pk).revoked_at is not None

    def test_it_shows_no_digest_and_changes_nothing(self, cast, browser_as):
        token = self.of["jaka"]
        client = browser_as(cast.sari)
        page = f"{TOKENS}{token.pk}/change/"
        assert token.digest not in client.get(page).content.decode()
        client.post(page, {"user": cast.sari.pk, "name": "lain"})
        token.refresh_from_db()
        assert (token.user, token.name) == (cast.jaka, "")
        assert client.get(f"{TOKENS}add/").status_code == 403
