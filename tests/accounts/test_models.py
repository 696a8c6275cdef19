"""Flags and permissions follow the role."""

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Role, User


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
