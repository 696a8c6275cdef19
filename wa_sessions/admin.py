"""Sessions and flips in the Django admin: to read. What staff change there are wishes, by actions on selected rows."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from outlets.models import Outlet
from wa_sessions import presentation, services
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.templatetags.gerai import phone


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when run
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def wishes_of(outlets: list[Outlet], act: Callable[[Outlet], object]) -> tuple[int, list[str]]:
    """Wish the same for each outlet: how many took it, and what the others answered ("Outlet Medan: …")."""
    done, refused = 0, []
    for outlet in outlets:
        try:
            act(outlet)
        except services.WishRefused as refusal:
            refused.append(f"{outlet.name}: {refusal.message}")
        else:
            done += 1
    return done, refused


def tell(request: HttpRequest, done: int, refused: list[str]) -> None:
    if done:
        said = ngettext("Asked for %(count)d outlet.", "Asked for %(count)d outlets.", done)
        messages.success(request, said % {"count": done})
    for sentence in refused:
        messages.warning(request, sentence)


def _carry_out(request: HttpRequest, sessions: "QuerySet[WhatsAppSession]", act: Callable[[Outlet], object]) -> None:
    tell(request, *wishes_of([session.outlet for session in sessions.select_related("outlet")], act))


@admin.register(WhatsAppSession)
class WhatsAppSessionAdmin(_ReadOnly):
    list_display = (
        "outlet", "number", "shown_status", "intent", "session_name", "retries", "connected_at", "last_seen",
    )  # fmt: skip
    list_filter = ("status", "intent", "auto_reconnect", "outlet__is_active")
    list_select_related = ("outlet",)
    search_fields = ("outlet__name", "outlet__whatsapp_number", "session_name")
    ordering = ("outlet__name",)
    actions = ("connect", "pause", "resume", "disconnect")
    fields = (
        "outlet", "number", "shown_status", "intent", "session_name", "connected_at", "last_seen",
        "auto_reconnect", "retry_count", "max_retries", "retry_at", "cause", "owner", "epoch", "version",
    )  # fmt: skip

    def has_wish_permission(self, request: HttpRequest) -> bool:
        # The state is for reading, whatever the role; this is the right to wish.
        return request.user.has_perm("wa_sessions.change_whatsappsession")

    @admin.display(description=gettext_lazy("WhatsApp number"), ordering="outlet__whatsapp_number")
    def number(self, session: WhatsAppSession) -> str:
        return phone(session.outlet.whatsapp_number)

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def shown_status(self, session: WhatsAppSession) -> SafeString:
        look = presentation.status_look(session.status)
        return format_html('<span aria-hidden="true">{}</span> {}', look.symbol, look.label)

    @admin.display(description=gettext_lazy("retries"), ordering="retry_count")
    def retries(self, session: WhatsAppSession) -> str:
        mode = _("auto") if session.auto_reconnect else _("manual")
        return f"{session.retry_count}/{session.max_retries} {mode}"

    @admin.action(description=gettext_lazy("Connect the selected"), permissions=["wish"])
    def connect(self, request: HttpRequest, queryset: "QuerySet[WhatsAppSession]") -> None:
        _carry_out(request, queryset, services.session_connect)

    @admin.action(description=gettext_lazy("Pause the selected"), permissions=["wish"])
    def pause(self, request: HttpRequest, queryset: "QuerySet[WhatsAppSession]") -> None:
        _carry_out(request, queryset, services.session_pause)

    @admin.action(description=gettext_lazy("Resume the selected"), permissions=["wish"])
    def resume(self, request: HttpRequest, queryset: "QuerySet[WhatsAppSession]") -> None:
        _carry_out(request, queryset, services.session_resume)

    @admin.action(description=gettext_lazy("Disconnect the selected"), permissions=["wish"])
    def disconnect(self, request: HttpRequest, queryset: "QuerySet[WhatsAppSession]") -> None:
        _carry_out(request, queryset, services.session_disconnect)


@admin.register(Flip)
class FlipAdmin(_ReadOnly):
    list_display = ("at", "outlet", "from_status", "to_status", "source", "reason", "drift_s")
    list_filter = ("to_status", "source", "at")
    list_select_related = ("session__outlet",)
    search_fields = ("session__outlet__name",)
    date_hierarchy = "at"

    @admin.display(description=gettext_lazy("outlet"), ordering="session__outlet__name")
    def outlet(self, flip: Flip) -> str:
        return flip.session.outlet.name
