"""Accounts and tokens in the Django admin. An ADMIN handles USER accounts only, and cannot lift anybody above that."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Field, QuerySet
from django.forms import TypedChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import ApiToken, Role, User

admin.site.unregister(Group)  # roles take their place


def _rules_all(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.role == Role.SUPERADMIN


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # not subscriptable when run
    list_display = ("username", "first_name", "role", "outlet", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("outlet",)
    search_fields = ("username", "first_name", "last_name", "email", "outlet__name")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("role", "outlet", "is_active")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
        (_("Rights"), {"classes": ("wide",), "fields": ("role", "outlet")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        everybody = super().get_queryset(request)
        return everybody if _rules_all(request) else everybody.filter(role=Role.USER)

    def formfield_for_choice_field(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> TypedChoiceField | None:
        if db_field.name == "role" and not _rules_all(request):
            kwargs["choices"] = [(Role.USER.value, Role.USER.label)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens are made at `POST /api/auth/token`, where their text is shown once; here they are seen and revoked."""

    list_display = ("__str__", "user", "name", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    readonly_fields = ("user", "prefix", "name", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request)
        if _rules_all(request):
            return tokens
        return tokens.filter(user__role=Role.USER) | tokens.filter(user=request.user.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            services.token_revoke(token)
        self.message_user(request, _("The tokens are revoked."))
