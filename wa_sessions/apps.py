from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WaSessionsConfig(AppConfig):
    name = "wa_sessions"
    verbose_name = _("WhatsApp sessions")
    default_auto_field = "django.db.models.BigAutoField"
