from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BlastConfig(AppConfig):
    name = "blast"
    verbose_name = _("Blasts")
    default_auto_field = "django.db.models.BigAutoField"
