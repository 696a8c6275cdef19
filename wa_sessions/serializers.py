"""What the API takes and gives. The questions are checked by these; the answers are plain dicts that these describe.

A status of a thousand outlets costs a serializer more than the database, so answers are documented here and made in
`selectors`; a test compares the two, key by key.
"""
# ruff: noqa: N815 - the names are the API's

from typing import Any

from rest_framework import serializers

from wa_sessions.states import Intent, Source, Status

PAGE_SIZE = 50
PAGE_SIZE_MAX = 500

Fields = serializers.Serializer[dict[str, Any]]


# Questions


class PageQuery(Fields):
    page = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000, help_text="From 1.")
    pageSize = serializers.IntegerField(
        required=False, min_value=1, max_value=PAGE_SIZE_MAX, help_text=f"{PAGE_SIZE} if not given."
    )


class StatusQuery(PageQuery):
    healthy = serializers.BooleanField(required=False, allow_null=True, default=None)
    status = serializers.ChoiceField(
        required=False, choices=Status.choices, help_text="The DB status. Never connected counts as DISCONNECTED."
    )
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=100, default="", help_text="Part of the name or of the number."
    )


# Answers


class StatusOutlet(Fields):
    name = serializers.CharField()
    whatsappNumber = serializers.CharField()
    isActive = serializers.BooleanField()


class StatusSession(Fields):
    status = serializers.ChoiceField(choices=Status.choices)
    sessionName = serializers.CharField()
    connectedAt = serializers.DateTimeField(allow_null=True)
    lastSeen = serializers.DateTimeField(allow_null=True)
    qrCode = serializers.CharField(allow_null=True, help_text='"Present" or null, never the QR itself.')
    autoReconnect = serializers.BooleanField()
    retryCount = serializers.IntegerField()


class LiveStatus(Fields):
    status = serializers.CharField(help_text="CONNECTED, CONNECTING or DISCONNECTED.")
    qrCode = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class Checks(Fields):
    dbConnected = serializers.BooleanField()
    liveConnected = serializers.BooleanField()
    socketHasUser = serializers.BooleanField()
    websocketOpen = serializers.BooleanField()
    autoReconnect = serializers.BooleanField()


class StatusCause(Fields):
    code = serializers.CharField()
    message = serializers.CharField(help_text="In the language of the request.")
    action = serializers.CharField(help_text="The next step.")
    retryAt = serializers.DateTimeField(allow_null=True)


class OutletStatus(Fields):
    outletId = serializers.CharField(help_text="outlet_123")
    outlet = StatusOutlet()
    session = StatusSession(allow_null=True)
    liveStatus = LiveStatus()
    healthy = serializers.BooleanField()
    checks = Checks()
    cause = StatusCause(allow_null=True)
    synced = serializers.BooleanField(help_text="This very read corrected the row.")
    verifiedAt = serializers.DateTimeField(allow_null=True)
    maxRetries = serializers.IntegerField()
    intent = serializers.ChoiceField(choices=Intent.choices, allow_null=True)
    linkedNumber = serializers.CharField(allow_null=True, help_text="Digits of the linked phone.")
    verified = serializers.BooleanField()
    unverified = serializers.BooleanField(help_text="The process that holds the socket cannot be asked.")
    pending = serializers.BooleanField(help_text="A wish was not acted on yet.")
    waitingForNetwork = serializers.BooleanField()
    actions = serializers.ListField(
        child=serializers.CharField(), help_text="What makes sense now: connect, disconnect, pause, resume, unlink."
    )


class StatusAnswer(Fields):
    success = serializers.BooleanField()
    status = OutletStatus()


class StatusPageAnswer(Fields):
    success = serializers.BooleanField()
    count = serializers.IntegerField(help_text="All outlets that you may see, whatever the filters.")
    healthy = serializers.IntegerField()
    statuses = OutletStatus(many=True)
    problems = serializers.IntegerField(help_text="Active and not healthy.")
    inactive = serializers.IntegerField()
    waitingForNetwork = serializers.BooleanField()
    at = serializers.DateTimeField()
    page = serializers.IntegerField(required=False)
    pageSize = serializers.IntegerField(required=False)
    found = serializers.IntegerField(required=False, help_text="How many pass the filters; given with `page`.")


class WishSession(StatusSession):
    maxRetries = serializers.IntegerField()
    intent = serializers.ChoiceField(choices=Intent.choices)
    pending = serializers.BooleanField()


class WishAnswer(Fields):
    success = serializers.BooleanField()
    session = WishSession()
    outletId = serializers.CharField()


class QrAnswer(Fields):
    success = serializers.BooleanField()
    qr = serializers.CharField(help_text="The text to draw as a QR. Whoever reads it can link: do not store or log it.")
    expiresAt = serializers.DateTimeField()


class PairingCodeAnswer(Fields):
    success = serializers.BooleanField()
    code = serializers.CharField(help_text="ABCD-EFGH")
    expiresAt = serializers.DateTimeField()


class FlipEntry(Fields):
    to = serializers.CharField(help_text="A DB status.")
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    driftSeconds = serializers.FloatField(allow_null=True, help_text="How long row and socket disagreed.")

    def get_fields(self) -> dict[str, Any]:
        # Names that Python or DRF's own class keep for themselves.
        more = {
            "from": serializers.CharField(help_text="A DB status."),
            "source": serializers.ChoiceField(choices=Source.choices),
        }
        return {**more, **super().get_fields()}


class FlipsAnswer(Fields):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    flips = FlipEntry(many=True)


class ErrorDetail(Fields):
    code = serializers.CharField(help_text="What programs match.")
    message = serializers.CharField(help_text="In the language of the request.")


class ErrorAnswer(Fields):
    success = serializers.BooleanField(default=False)
    error = ErrorDetail()
