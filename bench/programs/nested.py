"""The status page as one writes it with Django REST framework first: nested ModelSerializers, one joined query.

It gives the same answer as `wa_sessions.selectors.status_page`, by the same rules, from the same snapshot.
"""
# ruff: noqa: N815 - the names are the API's

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import User
from outlets.models import Outlet
from outlets.selectors import visible_to
from wa_sessions import manager
from wa_sessions.causes import WORDS
from wa_sessions.elements import actions_of, iso
from wa_sessions.health import checks_of, is_healthy
from wa_sessions.live import NOTHING, Live
from wa_sessions.models import WhatsAppSession
from wa_sessions.reconcile import correction

STAMP = "%Y-%m-%dT%H:%M:%SZ"


class OutletPart(serializers.ModelSerializer[Outlet]):
    whatsappNumber = serializers.CharField(source="whatsapp_number")
    isActive = serializers.BooleanField(source="is_active")

    class Meta:
        model = Outlet
        fields = ("name", "whatsappNumber", "isActive")


class SessionPart(serializers.ModelSerializer[WhatsAppSession]):
    sessionName = serializers.CharField(source="session_name")
    connectedAt = serializers.DateTimeField(source="connected_at", format=STAMP, default_timezone=UTC)
    lastSeen = serializers.SerializerMethodField()
    qrCode = serializers.SerializerMethodField()
    autoReconnect = serializers.BooleanField(source="auto_reconnect")
    retryCount = serializers.IntegerField(source="retry_count")

    class Meta:
        model = WhatsAppSession
        fields = ("status", "sessionName", "connectedAt", "lastSeen", "qrCode", "autoReconnect", "retryCount")

    def get_lastSeen(self, row: WhatsAppSession) -> str | None:  # noqa: N802
        return iso(self.context["reading"].last_seen(row))

    def get_qrCode(self, row: WhatsAppSession) -> str | None:  # noqa: N802
        reading = self.context["reading"]
        waits = row.qr_expires_at is not None and row.qr_expires_at > reading.now and reading.live(row).has_qr
        return "Present" if waits else None


class StatusElement(serializers.ModelSerializer[Outlet]):
    outletId = serializers.CharField(source="public_id")
    outlet = OutletPart(source="*")
    session = SessionPart(allow_null=True)
    liveStatus = serializers.SerializerMethodField()
    healthy = serializers.SerializerMethodField()
    checks = serializers.SerializerMethodField()
    cause = serializers.SerializerMethodField()
    synced = serializers.SerializerMethodField()
    verifiedAt = serializers.SerializerMethodField()
    maxRetries = serializers.IntegerField(source="session.max_retries", default=settings.WA_MAX_RETRIES)
    intent = serializers.CharField(source="session.intent", default=None)
    linkedNumber = serializers.SerializerMethodField()
    verified = serializers.SerializerMethodField()
    unverified = serializers.SerializerMethodField()
    pending = serializers.SerializerMethodField()
    waitingForNetwork = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Outlet
        fields = (
            "outletId", "outlet", "session", "liveStatus", "healthy", "checks", "cause", "synced", "verifiedAt",
            "maxRetries", "intent", "linkedNumber", "verified", "unverified", "pending", "waitingForNetwork", "actions",
        )  # fmt: skip

    def get_liveStatus(self, outlet: Outlet) -> dict[str, Any]:  # noqa: N802
        reading = self.context["reading"]
        live = reading.live(outlet.session)
        status = reading.live_status(outlet.session)
        name = live.name or (outlet.session.session_name if status == "CONNECTED" else None)
        return {"status": status, "qrCode": "Present" if live.has_qr else None, "name": name}

    def get_healthy(self, outlet: Outlet) -> bool:
        return is_healthy(self.get_checks(outlet), is_active=outlet.is_active)

    def get_checks(self, outlet: Outlet) -> dict[str, bool]:
        reading = self.context["reading"]
        live = reading.live(outlet.session)
        return checks_of(
            status=outlet.session.status,
            live_status=reading.live_status(outlet.session),
            has_user=bool(live.user),
            is_open=live.proof is not None and live.proof.is_open,
            auto_reconnect=outlet.session.auto_reconnect is not False,
        )

    def get_cause(self, outlet: Outlet) -> dict[str, Any] | None:
        row = outlet.session
        if not row.cause:
            return None
        words = WORDS[row.cause]
        values = {"code": "?", "scanned": "?", "expected": "?", "wait": "?", **row.cause_detail}
        message, action = str(words.message) % values, str(words.action) % values
        return {"code": row.cause, "message": message, "action": action, "retryAt": iso(row.retry_at)}

    def get_synced(self, outlet: Outlet) -> bool:
        return outlet.pk in self.context["reading"].drifted

    def get_verifiedAt(self, outlet: Outlet) -> str | None:  # noqa: N802
        return iso(self.context["reading"].verified_at(outlet.session))

    def get_linkedNumber(self, outlet: Outlet) -> str | None:  # noqa: N802
        jid = outlet.session.jid
        return jid.partition("@")[0].partition(":")[0] if jid else None

    def get_verified(self, outlet: Outlet) -> bool:
        return bool(self.context["reading"].live_status(outlet.session) == "CONNECTED")

    def get_unverified(self, outlet: Outlet) -> bool:
        return bool(outlet.session.owner != self.context["reading"].owner)

    def get_pending(self, outlet: Outlet) -> bool:
        return outlet.session.wish_number != outlet.session.wish_done

    def get_waitingForNetwork(self, outlet: Outlet) -> bool:  # noqa: N802
        return bool(self.context["reading"].live(outlet.session).waits_for_network)

    def get_actions(self, outlet: Outlet) -> list[str]:
        return actions_of(outlet.is_active, outlet.session.status, outlet.session.intent, outlet.session.jid)


class Reading:
    """What all outlets of one reading share."""

    def __init__(self) -> None:
        here = manager.current()
        assert here is not None
        self.owner = here.owner
        self.window_s = here.proof_window_s
        self.snapshot = here.snapshot()
        self.clock = time.monotonic()
        self.now = datetime.now(UTC)
        self.to_wall = self.now.timestamp() - self.clock
        self.drifted: set[int] = set()

    def live(self, row: WhatsAppSession) -> Live:
        return self.snapshot.get(row.pk, NOTHING) if row.owner == self.owner else NOTHING

    def live_status(self, row: WhatsAppSession) -> str:
        return self.live(row).status(self.clock, self.window_s).value

    def verified_at(self, row: WhatsAppSession) -> datetime | None:
        proof = self.live(row).proof
        if proof is not None and proof.answered_at > 0:
            return datetime.fromtimestamp(proof.answered_at + self.to_wall, UTC)
        return row.last_seen

    def last_seen(self, row: WhatsAppSession) -> datetime | None:
        verified_at = self.verified_at(row)
        if row.last_seen is None or verified_at is None:
            return row.last_seen or verified_at
        return max(row.last_seen, verified_at)


def status_page(user: User) -> dict[str, Any]:
    outlets = list(visible_to(user).select_related("session").order_by("name", "pk"))
    reading = Reading()
    for outlet in outlets:  # nothing has drifted in what is timed: only the comparison is paid for
        row = outlet.session
        if correction(row.status, row.intent, reading.live(row), reading.clock, reading.window_s) is not None:
            reading.drifted.add(outlet.pk)
    elements: Any = StatusElement(outlets, many=True, context={"reading": reading}).data
    return {
        "success": True,
        "count": len(elements),
        "healthy": sum(element["healthy"] for element in elements),
        "statuses": elements,
        "problems": sum(element["outlet"]["isActive"] and not element["healthy"] for element in elements),
        "inactive": sum(not element["outlet"]["isActive"] for element in elements),
        "waitingForNetwork": any(element["waitingForNetwork"] for element in elements),
        "at": iso(reading.now),
    }
