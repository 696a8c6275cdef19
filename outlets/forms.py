"""The form to add and edit an outlet."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from outlets import services
from outlets.models import Outlet


class OutletForm(forms.Form):
    """`OutletForm(data, outlet=outlet, may_change_number=…)`: call `save()` once `is_valid()`; it may still find a
    problem (a number taken meanwhile), then it returns None and the form has the error."""

    name = forms.CharField(label=_("Name"), max_length=services.NAME_MAX)
    whatsapp_number = forms.CharField(
        label=_("WhatsApp number"),
        max_length=30,
        help_text=_("As people write it: 0812-3456-7890 or +62 812-3456-7890."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    is_active = forms.BooleanField(
        label=_("Active"), required=False, initial=True, help_text=_("An inactive outlet holds no connection.")
    )

    def __init__(self, *args: Any, outlet: Outlet | None = None, may_change_number: bool = True, **kwargs: Any) -> None:
        self.outlet = outlet
        self.may_change_number = may_change_number
        if outlet is not None:
            present = {
                "name": outlet.name,
                "whatsapp_number": f"+{outlet.whatsapp_number}",
                "is_active": outlet.is_active,
            }
            kwargs["initial"] = present | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def save(self) -> Outlet | None:
        """Create or update the outlet from the cleaned fields."""
        fields = {name: self.cleaned_data[name] for name in ("name", "whatsapp_number", "is_active")}
        try:
            if self.outlet is None:
                return services.outlet_create(**fields)
            return services.outlet_update(self.outlet, **fields, may_change_number=self.may_change_number)
        except ValidationError as error:
            self.add_error(None, error)
            return None
