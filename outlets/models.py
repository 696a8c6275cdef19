"""Outlets: shops with one WhatsApp number each."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outlet(models.Model):
    """A shop. `whatsapp_number` is digits only, with the country code: 6287788987745."""

    name = models.CharField(_("name"), max_length=100)
    whatsapp_number = models.CharField(
        _("WhatsApp number"),
        max_length=15,
        unique=True,
        error_messages={"unique": _("Another outlet already has this WhatsApp number.")},
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("outlet")
        verbose_name_plural = _("outlets")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return f"outlet_{self.pk}"
