"""Flags and permissions follow the role."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import ApiToken, Role, User


@pytest.mark.parametrize(
    ("name", "is_staff", "is_superuser"),
    [("sari", True, True), ("adi", True, False), ("jaka", False, False), ("nina", False, False)],
)
def test_flags_follow_the_role(cast, name, is_staff, is_superuser):
    person = User.objects.get(username=name)
    assert (person.is_staff, person.is_superuser) == (is_staff, is_superuser)


def test_flags_follow_a_change_of_role(cast):
    cast.adi.role = Role.USER
    cast.adi.save(update_fields=["role"])
    cast.adi.refresh_from_db()
    assert not cast.adi.is_staff
    cast.jaka.is_superuser = cast.jaka.is_staff = True
    cast.jaka.save()
    cast.jaka.refresh_from_db()
    assert not cast.jaka.is_superuser
    assert not cast.jaka.is_staff


def test_createsuperuser_makes_a_super_admin(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "rahasia-sekali-42")
    call_command("createsuperuser", username="bos", email="bos@example.com", interactive=False, stdout=StringIO())
    bos = User.objects.get(username="bos")
    assert bos.role == Role.SUPERADMIN
    assert bos.has_perm("accounts.delete_user")


def test_permissions_follow_the_role(cast):
    assert cast.adi.has_perm("outlets.change_outlet")
    assert cast.adi.has_perm("accounts.change_user")
    assert cast.adi.has_module_perms("wa_sessions")
    assert not cast.adi.has_perm("accounts.delete_user")
    assert not cast.adi.has_perm("outlets.delete_outlet")
    assert not cast.adi.has_perm("wa_sessions.view_credential")
    assert cast.sari.has_perm("outlets.delete_outlet")
    assert not cast.jaka.get_all_permissions()
    cast.adi.is_active = False
    assert not cast.adi.has_perm("outlets.change_outlet")


def test_permissions_cost_no_query(cast, django_assert_num_queries):
    with django_assert_num_queries(0):
        cast.adi.has_perm("outlets.change_outlet")
        cast.jaka.has_perm("outlets.change_outlet")


def test_it_finds_the_whole_account_behind_a_token(cast):
    now = timezone.now()
    for person in cast.people:
        text, token = ApiToken.objects.issue(person, lifetime=timedelta(hours=1))
        found = ApiToken.objects.find(text, now)
        assert found == token
        for field in User._meta.concrete_fields:
            assert getattr(found.user, field.attname) == getattr(person, field.attname), field.attname


def test_it_notes_the_use_of_a_token_now_and_then(cast, django_assert_num_queries):
    now = timezone.now()
    text, token = ApiToken.objects.issue(cast.jaka, lifetime=timedelta(days=1))
    ApiToken.objects.note_use(ApiToken.objects.find(text, now), now)
    token.refresh_from_db()
    assert token.last_used_at == now
    with django_assert_num_queries(1):
        ApiToken.objects.note_use(ApiToken.objects.find(text, now), now + timedelta(minutes=1))
    assert ApiToken.objects.find(text, now + timedelta(minutes=6)).is_due
