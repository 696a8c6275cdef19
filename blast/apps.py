from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BlastConfig(AppConfig):
    name = "blast"
    verbose_name = _("Blasts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from blast.disconnecting import running_blasts
        from wa_sessions.asking import ask_before_disconnecting

        ask_before_disconnecting(running_blasts)
