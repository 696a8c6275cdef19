"""Blasts, recipients, opt-outs and acts in the Django admin: to read.

What people want of them is said on the pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from blast import presentation
from blast.models import Act, Blast, OptOut, Recipient
from wa_sessions.presentation import Look
from wa_sessions.templatetags.gerai import phone


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable when run
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _OfPhones(_ReadOnly):
    @admin.display(description=_("phone"), ordering="phone")
    def number(self, row: Recipient | OptOut) -> str:
        return phone(row.phone)


def _drawn(look: Look) -> SafeString:
    return format_html('<span aria-hidden="true">{}</span> {}', look.symbol, look.label)


@admin.register(Blast)
class BlastAdmin(_ReadOnly):
    list_display = ("name", "shown_status", "created_by", "created_at", "started_at", "ended_at")
    list_filter = ("status", "outlets")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    fields = (
        "name", "shown_status", "body", "outlets", "assignment", "on_unhealthy", "move_to",
        "start_at", "started_at", "ended_at", "created_at", "created_by",
    )  # fmt: skip

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, blast: Blast) -> SafeString:
        return _drawn(presentation.blast_look(blast.status))


@admin.register(Recipient)
class RecipientAdmin(_OfPhones):
    list_display = ("number", "name", "blast", "outlet", "shown_status", "sent_at", "delivered_at", "read_at")
    list_filter = ("status", "outlet")
    list_select_related = ("blast", "outlet")
    search_fields = ("phone", "name")
    show_full_result_count = False  # there may be millions
    fields = (
        "number", "name", "variables", "blast", "line", "outlet", "shown_status", "sent_at", "delivered_at",
        "read_at", "error_code", "error_detail", "attempts", "message_id", "owner", "epoch", "claimed_at",
    )  # fmt: skip

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, recipient: Recipient) -> SafeString:
        return _drawn(presentation.recipient_look(recipient.status))


@admin.register(OptOut)
class OptOutAdmin(_OfPhones):
    list_display = ("number", "at", "outlet", "text", "ended_at", "ended_by", "reason")
    list_filter = ("ended_at", "outlet")
    list_select_related = ("outlet", "ended_by")
    search_fields = ("phone",)
    date_hierarchy = "at"


@admin.register(Act)
class ActAdmin(_ReadOnly):
    list_display = ("at", "by", "what", "blast", "outlet")
    list_filter = ("what", "at")
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Act]":
        return Act.objects.select_related("by", "blast", "outlet")
