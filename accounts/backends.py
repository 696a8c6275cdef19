"""What a role may do, for `has_perm` and the Django admin. Groups and single permissions are not used."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from accounts.models import Role, User

# A SUPERADMIN has every permission (`is_superuser`), a USER none. Rooms above are only named: nothing imports upward.
ADMIN_PERMISSIONS = frozenset(
    {
        "accounts.view_user",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.view_apitoken",
        "accounts.change_apitoken",
        "outlets.view_outlet",
        "outlets.add_outlet",
        "outlets.change_outlet",
        "wa_sessions.view_whatsappsession",
        "wa_sessions.change_whatsappsession",
        "wa_sessions.view_flip",
        "blast.view_blast",
        "blast.view_recipient",
        "blast.view_optout",
        "blast.view_act",
    }
)


class RoleBackend(ModelBackend):
    """Checks passwords as Django does; permissions come from the role alone, without a query."""

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active:
            return set()
        return set(ADMIN_PERMISSIONS) if user_obj.role == Role.ADMIN else set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))
