"""Outlets in the Django admin. They are deactivated, not deleted: their history and their number stay known."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from outlets import services
from outlets.models import Outlet
from outlets.numbers import normalise


class OutletAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Outlet
        fields = ("name", "whatsapp_number", "is_active")

    whatsapp_number = forms.CharField(max_length=30, widget=forms.TextInput(attrs={"inputmode": "tel"}))

    def clean_name(self) -> str:
        return services.clean_name(self.cleaned_data["name"])

    def clean_whatsapp_number(self) -> str:
        return normalise(self.cleaned_data["whatsapp_number"])


@admin.register(Outlet)
class OutletAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = OutletAdminForm
    list_display = ("name", "whatsapp_number", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "whatsapp_number")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The linked device belongs to the present number. Asked by attribute: connections live in a room above.
        session = getattr(obj, "session", None)
        return ("whatsapp_number",) if session and session.jid else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
