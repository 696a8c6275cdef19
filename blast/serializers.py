"""What the API of blasts takes and gives. Questions are checked by these; answers are dicts that these describe."""
# ruff: noqa: N815 - the names are the API's

from typing import Any

from rest_framework import serializers

from blast.models import Act
from blast.safety import Code
from blast.states import Assignment, BlastStatus, OnUnhealthy, RecipientStatus
from wa_sessions.serializers import ErrorAnswer, PageQuery

__all__ = ["ErrorAnswer", "PageQuery"]

Fields = serializers.Serializer[dict[str, Any]]
ROWS_MAX = 10_000


class Moment(serializers.DateTimeField):
    """A time. One that no zone can express, like the first hour of the year 1, is a wrong answer and no fault."""

    def to_internal_value(self, value: Any) -> Any:
        try:
            return super().to_internal_value(value)
        except OverflowError:
            self.fail("overflow")


# Questions


class BlastWrite(Fields):
    """A blast, as JSON or as a form with files. Recipients come as `recipients`, `recipientsText` or `file`."""

    name = serializers.CharField(max_length=100)
    body = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    outlets = serializers.ListField(child=serializers.CharField(max_length=30), help_text='["outlet_1", …]')
    recipients = serializers.ListField(
        required=False,
        child=serializers.DictField(allow_empty=False),
        max_length=ROWS_MAX,
        help_text="`phone`, and perhaps `name`, `outlet` and variables.",
    )
    recipientsText = serializers.CharField(required=False, trim_whitespace=False, help_text="Lines, as pasted.")
    file = serializers.FileField(required=False, help_text="CSV or XLSX.")
    attachment = serializers.FileField(required=False, allow_empty_file=True, help_text="An image or a document.")
    assignment = serializers.ChoiceField(required=False, choices=Assignment.choices)
    onUnhealthy = serializers.ChoiceField(required=False, choices=OnUnhealthy.choices)
    moveTo = serializers.CharField(required=False, allow_null=True, max_length=30)
    confirmForeign = serializers.BooleanField(
        required=False, default=False, help_text="Numbers of other countries are meant."
    )
    leaveOutBad = serializers.BooleanField(
        required=False, default=False, help_text="Import the good rows; without it, one bad row refuses all."
    )


class StartWrite(Fields):
    startAt = Moment(required=False, allow_null=True, help_text="Now, if not given.")


class PaceWrite(Fields):
    """What is given is changed; null: no such limit."""

    delaySeconds = serializers.FloatField(required=False, source="delay_s")
    jitter = serializers.FloatField(required=False)
    perMinute = serializers.IntegerField(required=False, allow_null=True, source="per_minute")
    dailyCap = serializers.IntegerField(required=False, allow_null=True, source="daily_cap")
    quietFrom = serializers.TimeField(required=False, allow_null=True, source="quiet_from")
    quietTo = serializers.TimeField(required=False, allow_null=True, source="quiet_to")
    rampDays = serializers.IntegerField(required=False, source="ramp_days")
    rampStart = serializers.FloatField(required=False, source="ramp_start")


class UndoWrite(Fields):
    reason = serializers.CharField(max_length=300, help_text="How this person asked to be written to again.")


class BlastsQuery(PageQuery):
    status = serializers.ChoiceField(required=False, choices=BlastStatus.choices)
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=100, default="", help_text="Part of the name."
    )


class RecipientsQuery(PageQuery):
    status = serializers.ChoiceField(required=False, choices=RecipientStatus.choices)
    outletId = serializers.CharField(required=False, max_length=30)
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=100, default="", help_text="Part of the name or of the number."
    )


class OptOutsQuery(PageQuery):
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=30, default="", help_text="Part of the number."
    )
    active = serializers.BooleanField(required=False, allow_null=True, default=True)


# Answers


class NamedOutlet(Fields):
    outletId = serializers.CharField()
    name = serializers.CharField()


class Counts(Fields):
    total = serializers.IntegerField()
    open = serializers.IntegerField(help_text="Queued or sending.")
    queued = serializers.IntegerField()
    sending = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    unknown = serializers.IntegerField()


class BlastElement(Fields):
    blastId = serializers.CharField(help_text="blast_7")
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=BlastStatus.choices)
    body = serializers.CharField()
    outlets = NamedOutlet(many=True)
    assignment = serializers.ChoiceField(choices=Assignment.choices)
    onUnhealthy = serializers.ChoiceField(choices=OnUnhealthy.choices)
    moveTo = serializers.CharField(allow_null=True)
    startAt = serializers.DateTimeField(allow_null=True)
    startedAt = serializers.DateTimeField(allow_null=True)
    endedAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()
    createdBy = serializers.CharField(allow_null=True)
    counts = Counts()
    actions = serializers.ListField(
        child=serializers.CharField(), help_text="What makes sense now: edit, start, pause, resume, cancel, retry."
    )


class OutletCounts(NamedOutlet):
    counts = Counts()


class AttachmentElement(Fields):
    kind = serializers.CharField(help_text="image or document")
    mimetype = serializers.CharField()
    fileName = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")


class ActElement(Fields):
    at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True, help_text="null: the program itself.")
    what = serializers.ChoiceField(choices=Act.What.choices)
    words = serializers.CharField(help_text="In the language of the request.")
    outletId = serializers.CharField(allow_null=True)
    detail = serializers.DictField()


class BlastDetail(BlastElement):
    perOutlet = OutletCounts(many=True)
    attachment = AttachmentElement(allow_null=True)
    acts = ActElement(many=True)


class BlastAnswer(Fields):
    success = serializers.BooleanField()
    blast = BlastDetail()


class BlastsAnswer(Fields):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    blasts = BlastElement(many=True)


class RecipientError(Fields):
    code = serializers.CharField()
    message = serializers.CharField()


class RecipientElement(Fields):
    line = serializers.IntegerField()
    phone = serializers.CharField()
    name = serializers.CharField()
    variables = serializers.DictField()
    outletId = serializers.CharField()
    outletName = serializers.CharField()
    status = serializers.ChoiceField(choices=RecipientStatus.choices)
    messageId = serializers.CharField()
    sentAt = serializers.DateTimeField(allow_null=True)
    deliveredAt = serializers.DateTimeField(allow_null=True)
    readAt = serializers.DateTimeField(allow_null=True)
    error = RecipientError(allow_null=True)
    attempts = serializers.IntegerField()


class RecipientsAnswer(Fields):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    recipients = RecipientElement(many=True)


class RetryAnswer(BlastAnswer):
    retried = serializers.IntegerField()


class SomePhones(Fields):
    count = serializers.IntegerField()
    phones = serializers.ListField(child=serializers.CharField(), help_text="Some of them.")


class LatelyPhones(SomePhones):
    days = serializers.IntegerField()


class StopElement(Fields):
    code = serializers.ChoiceField(choices=[code.value for code in Code])
    message = serializers.CharField()
    action = serializers.CharField()


class PreflightOutlet(NamedOutlet):
    ready = serializers.ChoiceField(choices=["ready", "wait", "cannot"])
    cause = serializers.DictField(allow_null=True)
    stop = StopElement(allow_null=True)
    status = serializers.DictField(allow_null=True, help_text="As in GET /api/outlets/status.")
    recipients = serializers.IntegerField()
    capacityToday = serializers.IntegerField(allow_null=True, help_text="null: no daily cap.")
    expectedEnd = serializers.DateTimeField(allow_null=True)


class LeftOut(Fields):
    """Rows of the list that are not among the recipients."""

    count = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Numbers that the list has twice; they are written to once.")
    optedOut = serializers.IntegerField()
    others = serializers.IntegerField()


class MissingProblem(Fields):
    line = serializers.IntegerField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


class MissingVariables(Fields):
    count = serializers.IntegerField()
    problems = MissingProblem(many=True)


class PreflightAnswer(Fields):
    success = serializers.BooleanField()
    blastId = serializers.CharField()
    total = serializers.IntegerField()
    willSend = serializers.IntegerField()
    canStart = serializers.BooleanField()
    outlets = PreflightOutlet(many=True)
    expectedEnd = serializers.DateTimeField(allow_null=True)
    notOnWhatsApp = SomePhones()
    unchecked = serializers.IntegerField(help_text="Numbers that WhatsApp was not asked about yet.")
    optedOut = SomePhones()
    recentlyMessaged = LatelyPhones()
    leftOut = LeftOut()
    alsoInOtherBlasts = SomePhones()
    missingVariables = MissingVariables()


class OptOutElement(Fields):
    optOutId = serializers.IntegerField()
    phone = serializers.CharField()
    at = serializers.DateTimeField()
    outletId = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    confirmed = serializers.BooleanField()
    endedAt = serializers.DateTimeField(allow_null=True)
    endedBy = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class OptOutsAnswer(Fields):
    success = serializers.BooleanField()
    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pageSize = serializers.IntegerField()
    optOuts = OptOutElement(many=True)


class OptOutAnswer(Fields):
    success = serializers.BooleanField()
    optOut = OptOutElement()


class PaceElement(Fields):
    outletId = serializers.CharField()
    delaySeconds = serializers.FloatField()
    jitter = serializers.FloatField()
    perMinute = serializers.IntegerField(allow_null=True)
    dailyCap = serializers.IntegerField(allow_null=True)
    quietFrom = serializers.CharField(allow_null=True)
    quietTo = serializers.CharField(allow_null=True)
    rampDays = serializers.IntegerField()
    rampStart = serializers.FloatField()
    stop = StopElement(allow_null=True)
    stoppedAt = serializers.DateTimeField(allow_null=True)
    stoppedUntil = serializers.DateTimeField(allow_null=True, help_text="Nobody can release it before.")


class PaceAnswer(Fields):
    success = serializers.BooleanField()
    pace = PaceElement()
