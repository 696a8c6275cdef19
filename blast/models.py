"""Blasts, the people they go to, and what is known of those people."""

import secrets
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from blast import pacing, safety
from blast.states import Assignment, BlastStatus, OnUnhealthy, RecipientStatus
from outlets.models import Outlet


def new_message_id() -> str:
    """An id as WhatsApp's own clients make them. It names one message for ever: receivers drop a repeated one."""
    return f"3EB0{secrets.token_hex(9).upper()}"


class Blast(models.Model):
    """One message to many people. People write `status`, the worker only RUNNING (when due) and DONE."""

    name = models.CharField(_("name"), max_length=100)
    body = models.TextField(_("message"), blank=True)
    outlets = models.ManyToManyField(Outlet, related_name="blasts", verbose_name=_("outlets"))
    assignment = models.CharField(_("assignment"), max_length=12, choices=Assignment.choices, default=Assignment.EVEN)
    on_unhealthy = models.CharField(
        _("if an outlet fails"), max_length=5, choices=OnUnhealthy.choices, default=OnUnhealthy.HOLD
    )
    move_to = models.ForeignKey(
        Outlet, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("move to")
    )
    status = models.CharField(_("status"), max_length=10, choices=BlastStatus.choices, default=BlastStatus.DRAFT)
    start_at = models.DateTimeField(_("starts at"), null=True, blank=True)  # when a SCHEDULED one becomes RUNNING
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="blasts", verbose_name=_("by")
    )
    idempotency_key = models.CharField(max_length=200, blank=True, default="", editable=False)
    idempotency_digest = models.CharField(max_length=64, blank=True, default="", editable=False)  # of the request

    class Meta:
        verbose_name = _("blast")
        verbose_name_plural = _("blasts")
        ordering = ("-pk",)
        indexes = (models.Index(fields=("status",), name="blast_status"),)
        constraints = (
            models.UniqueConstraint(
                fields=("created_by", "idempotency_key"), condition=~Q(idempotency_key=""), name="blast_once_per_key"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return f"blast_{self.pk}"


class Attachment(models.Model):
    """The image or document of a blast. In the database: private, gone with the blast, and with every process."""

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        DOCUMENT = "document", _("Document")

    blast = models.OneToOneField(Blast, on_delete=models.CASCADE, related_name="attachment", primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    mimetype = models.CharField(max_length=100)
    file_name = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    data = models.BinaryField()


class Recipient(models.Model):
    """One person of a blast, and what became of the message.

    Made with a message id that never changes. A sender claims the row for an outlet's device (`owner`, `epoch`,
    `device`) before anything reaches the wire; what follows only moves forward (`states.advance`).
    """

    blast = models.ForeignKey(Blast, on_delete=models.CASCADE, related_name="recipients")
    line = models.PositiveIntegerField(_("line"))  # in the file or list; from 1
    phone = models.CharField(_("phone"), max_length=20)  # digits with the country code
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    variables = models.JSONField(default=dict, blank=True)
    asked_outlet = models.CharField(max_length=100, blank=True, default="")  # the `outlet` column, as it was written
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="+", verbose_name=_("outlet"))
    status = models.CharField(
        _("status"), max_length=10, choices=RecipientStatus.choices, default=RecipientStatus.QUEUED
    )
    message_id = models.CharField(max_length=40, unique=True, default=new_message_id, editable=False)
    jid = models.CharField(max_length=80, blank=True, default="")  # what WhatsApp calls this number; empty: not asked
    owner = models.CharField(max_length=32, blank=True, default="")
    epoch = models.PositiveIntegerField(default=0)
    device = models.CharField(max_length=80, blank=True, default="")  # the outlet's jid when the row was claimed
    claimed_at = models.DateTimeField(null=True, blank=True)  # since when the message may be on the wire
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    error_code = models.CharField(_("error"), max_length=40, blank=True, default="")
    error_detail = models.CharField(max_length=200, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ("blast", "line", "pk")
        constraints = (models.UniqueConstraint(fields=("blast", "phone"), name="recipient_once_per_blast"),)
        indexes = (
            models.Index(fields=("blast", "outlet", "status", "line"), name="recipient_claim"),  # claims and counters
            models.Index(fields=("outlet", "claimed_at"), name="recipient_history"),  # for bursts of failures
            models.Index(fields=("phone",), name="recipient_phone"),
            # What is on its way: never many, and looked for every second.
            models.Index(fields=("outlet",), condition=Q(status="SENDING"), name="recipient_sending"),
        )

    def __str__(self) -> str:
        return self.phone


class Attempt(models.Model):
    """Messages that an outlet sent, or was about to, as its number's limits count them.

    Not part of the recipients: one of them may be tried more than once, by several outlets, and go with its blast.
    """

    outlet = models.ForeignKey(Outlet, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()  # before the wire
    count = models.PositiveIntegerField()

    class Meta:
        indexes = (models.Index(fields=("outlet", "at"), name="attempt_history"),)


class OptOut(models.Model):
    """A person who wants nothing more, from any outlet. One active row per phone; undone ones stay as history."""

    phone = models.CharField(_("phone"), max_length=20)
    at = models.DateTimeField(_("at"))
    outlet = models.ForeignKey(
        Outlet, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("by way of")
    )
    text = models.CharField(_("reply"), max_length=200, blank=True, default="")
    reply_id = models.CharField(max_length=80, blank=True, default="", editable=False)  # of the reply itself
    jid = models.CharField(max_length=80, blank=True, default="", editable=False)  # where the confirmation goes
    message_id = models.CharField(max_length=40, default=new_message_id, editable=False)  # of the confirmation
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("undone"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=("phone",), condition=Q(ended_at=None), name="opt_out_active_once"),
        )

    def __str__(self) -> str:
        return self.phone


class Contact(models.Model):
    """When an outlet and a person last wrote to each other."""

    outlet = models.ForeignKey(Outlet, on_delete=models.CASCADE, related_name="+")
    phone = models.CharField(max_length=20)
    last_in_at = models.DateTimeField(null=True, blank=True)
    last_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("outlet", "phone"), name="contact_once"),)
        indexes = (models.Index(fields=("phone", "last_out_at"), name="contact_phone_out"),)


class Act(models.Model):
    """Who did what, when. `by` is null for what the program did by itself."""

    class What(models.TextChoices):
        CREATED = "created", _("created")
        UPDATED = "updated", _("changed")
        STARTED = "started", _("started")
        SCHEDULED = "scheduled", _("scheduled")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        CANCELLED = "cancelled", _("cancelled")
        RETRIED = "retried", _("retried the failed")
        DONE = "done", _("finished")
        HELD = "held", _("outlet is not healthy: its rest waits")
        MOVED = "moved", _("outlet is not healthy: its rest was moved")
        SKIPPED = "skipped", _("outlet is not healthy: its rest was skipped")
        STOPPED = "stopped", _("outlet was stopped to keep its number safe")
        RELEASED = "released", _("outlet may send again")
        PACE = "pace", _("pace changed")
        OPT_OUT_UNDONE = "opt_out_undone", _("opt-out undone")

    blast = models.ForeignKey(Blast, null=True, blank=True, on_delete=models.CASCADE, related_name="acts")
    outlet = models.ForeignKey(Outlet, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=20, choices=What.choices)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("act")
        verbose_name_plural = _("acts")
        ordering = ("-at", "-pk")


def default_pace() -> pacing.Pace:
    """What holds for outlets that nobody set a pace for."""
    pace = pacing.Pace() if settings.BLAST_PACING else pacing.Pace.off()
    return replace(pace, zone=settings.TIME_ZONE)


class Pace(models.Model):
    """How an outlet may send; without a row, `default_pace()`. A null is no such limit, as in `pacing.Pace`.

    A stopped outlet sends nothing until a person releases it, which nobody can before `stopped_until`.
    """

    outlet = models.OneToOneField(Outlet, on_delete=models.CASCADE, related_name="pace", primary_key=True)
    delay_s = models.FloatField(_("seconds between messages"))
    jitter = models.FloatField(_("jitter"))
    per_minute = models.PositiveIntegerField(_("messages per minute"), null=True, blank=True)
    daily_cap = models.PositiveIntegerField(_("messages per day"), null=True, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_to = models.TimeField(_("quiet to"), null=True, blank=True)
    ramp_days = models.PositiveIntegerField(_("days of growing limits"))
    ramp_start = models.FloatField(_("share of the limits on the first day"))
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stopped_until = models.DateTimeField(null=True, blank=True)
    stopped_cause = models.CharField(max_length=40, blank=True, default="")
    stopped_detail = models.JSONField(default=dict, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)  # what failed before counts no more

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")

    def __str__(self) -> str:
        return f"outlet_{self.pk}"

    @classmethod
    def of(cls, outlet_pk: int) -> "Pace":
        """The outlet's row, or an unsaved one that says what holds without it."""
        return cls.objects.filter(pk=outlet_pk).first() or cls(outlet_id=outlet_pk, **default_fields())

    @property
    def settings(self) -> pacing.Pace:
        return pacing.Pace(**{name: getattr(self, name) for name in PACE_FIELDS}, zone=settings.TIME_ZONE)

    @property
    def stop(self) -> safety.Stop | None:
        """Why the outlet may send nothing, until a person releases it."""
        if self.stopped_at is None:
            return None
        return safety.Stop(safety.Code(self.stopped_cause), self.stopped_detail)


PACE_FIELDS = ("delay_s", "jitter", "per_minute", "daily_cap", "quiet_from", "quiet_to", "ramp_days", "ramp_start")


def default_fields() -> dict[str, Any]:
    pace = default_pace()
    return {name: getattr(pace, name) for name in PACE_FIELDS}
