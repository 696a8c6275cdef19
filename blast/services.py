"""Writes: what people do with a blast. Each is one transaction, notes who did it, and nudges the worker on commit.

A refusal is a `BlastRefused` (409), a wrong field a `ValidationError`, rows that cannot be sent to `BadRecipients`.
Whose blast it is, the caller has asked `selectors.blast_for`; the outlets it gives are ones that the person sees.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blast import hints, variables
from blast.acts import note
from blast.exceptions import BadRecipients, BlastRefused
from blast.importing import assigned, lacking
from blast.models import Act, Attachment, Blast, OptOut, Recipient
from blast.outcomes import Why
from blast.recipients import Row
from blast.states import Assignment, BlastStatus, OnUnhealthy, RecipientStatus
from blast.storing import NewAttachment as NewAttachment, attach, recipients_insert, row_of
from outlets.models import Outlet

NAME_MAX = 100
AHEAD = timedelta(days=36_525)  # how far a start may be planned: estimates have to end within the calendar


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key and a digest of the request that came with it."""

    text: str
    digest: str


# Making and changing


def blast_create(
    by: User,
    *,
    name: str,
    body: str,
    outlets: Sequence[Outlet],
    rows: Sequence[Row],
    assignment: str = Assignment.EVEN,
    on_unhealthy: str = OnUnhealthy.HOLD,
    move_to: Outlet | None = None,
    attachment: NewAttachment | None = None,
    start_at: datetime | None = None,
    left_out: Mapping[str, int] | None = None,
    key: Key | None = None,
) -> Blast:
    """A new DRAFT with its recipients: all of them, or nothing is written.

    `start_at` is when its maker means to start it, kept for the question; `left_out` says how many rows of the list
    are not among `rows`, by `problems.Code`. A `key` that this person used before gives the blast that was made then;
    with another request, `BlastRefused`.
    """
    if key is not None and (made := _made_before(by, key)) is not None:
        return made
    name, body = _clean_name(name), _clean_body(body, attachment is not None)
    _check_outlets(outlets, on_unhealthy, move_to)
    _check_rows(body, rows)
    placed = assigned(rows, outlets, assignment)
    try:
        with transaction.atomic():
            blast = Blast.objects.create(
                name=name,
                body=body,
                assignment=assignment,
                on_unhealthy=on_unhealthy,
                move_to=move_to,
                start_at=start_at,
                created_by=by,
                idempotency_key=key.text if key else "",
                idempotency_digest=key.digest if key else "",
            )
            blast.outlets.set(outlets)
            recipients_insert(blast, rows, placed)
            if attachment is not None:
                attach(blast, attachment)
            note(Act.What.CREATED, by=by, blast=blast, recipients=len(rows), leftOut=dict(left_out or {}))
    except IntegrityError:  # the same key at the same moment
        if key is not None and (made := _made_before(by, key)) is not None:
            return made
        raise
    return blast


def blast_update(
    blast: Blast,
    by: User,
    *,
    name: str | None = None,
    body: str | None = None,
    outlets: Sequence[Outlet] | None = None,
    rows: Sequence[Row] | None = None,
    assignment: str | None = None,
    on_unhealthy: str | None = None,
    move_to: Outlet | None = None,
    clears_move_to: bool = False,
    attachment: NewAttachment | None = None,
    clears_attachment: bool = False,
    start_at: datetime | None = None,
    clears_start_at: bool = False,
    left_out: Mapping[str, int] | None = None,
) -> Blast:
    """Change what is not None, of a DRAFT. New `rows` take the place of all there are; `left_out` is of their list."""
    with transaction.atomic():
        blast = _locked(blast)
        if blast.status != BlastStatus.DRAFT:
            raise BlastRefused("not_a_draft", _("This blast was started. Only drafts can be changed."))
        if clears_attachment:
            Attachment.objects.filter(blast=blast).delete()
        if attachment is not None:
            attach(blast, attachment)
        has_attachment = Attachment.objects.filter(blast=blast).exists()
        blast.name = _clean_name(name) if name is not None else blast.name
        blast.body = _clean_body(body if body is not None else blast.body, has_attachment)
        blast.assignment = assignment or blast.assignment
        blast.on_unhealthy = on_unhealthy or blast.on_unhealthy
        blast.move_to = None if clears_move_to else move_to or blast.move_to
        blast.start_at = None if clears_start_at else start_at or blast.start_at
        before = list(blast.outlets.all())
        chosen = before if outlets is None else list(outlets)
        _check_outlets(chosen, blast.on_unhealthy, blast.move_to)
        blast.save()
        if outlets is not None:
            blast.outlets.set(outlets)
        detail: dict[str, Any] = {} if rows is None else {"leftOut": dict(left_out or {})}
        if rows is None and (body is not None or outlets is not None or assignment is not None):
            rows = [row_of(each) for each in Recipient.objects.filter(blast=blast).order_by("line")]
        if rows is not None:
            _check_rows(blast.body, rows)
            placed = assigned(rows, chosen, blast.assignment)
            Recipient.objects.filter(blast=blast).delete()
            recipients_insert(blast, rows, placed)
        note(Act.What.UPDATED, by=by, blast=blast, **detail)
    hints.changed(blast.pk)
    return blast


# What people want of it


def blast_start(blast: Blast, by: User, *, start_at: datetime | None = None) -> Blast:
    """Send from now on, or from `start_at` on."""
    now = timezone.now()
    if start_at is not None and start_at <= now:
        start_at = None
    if start_at is not None and start_at > now + AHEAD:
        raise BlastRefused("too_late", _("Write a date and a time."))
    if not Recipient.objects.filter(blast=blast).exists():
        raise BlastRefused("no_recipients", _("This blast has no recipients."))
    if start_at is not None:
        to, what = BlastStatus.SCHEDULED, Act.What.SCHEDULED
        fields: dict[str, Any] = {"start_at": start_at}
    else:
        to, what = BlastStatus.RUNNING, Act.What.STARTED
        fields = {"start_at": None, "started_at": now}
    return _moved(
        blast,
        by,
        what,
        (BlastStatus.DRAFT, BlastStatus.SCHEDULED),
        {"status": to, **fields},
        ("already_started", _("This blast was started already.")),
    )


def blast_pause(blast: Blast, by: User) -> Blast:
    """Send nothing more until somebody resumes it. Acts within one message."""
    return _moved(
        blast,
        by,
        Act.What.PAUSED,
        (BlastStatus.RUNNING, BlastStatus.SCHEDULED),
        {"status": BlastStatus.PAUSED},
        ("not_running", _("This blast is not running.")),
    )


def blast_resume(blast: Blast, by: User) -> Blast:
    """Go on; a blast that was paused before its time waits for it again."""
    now = timezone.now()
    waits = blast.started_at is None and blast.start_at is not None and blast.start_at > now
    fields: dict[str, Any] = (
        {"status": BlastStatus.SCHEDULED}
        if waits
        else {"status": BlastStatus.RUNNING, "started_at": blast.started_at or now}
    )
    refusal = ("not_paused", _("This blast is not paused."))
    return _moved(blast, by, Act.What.RESUMED, (BlastStatus.PAUSED,), fields, refusal)


def blast_cancel(blast: Blast, by: User) -> Blast:
    """End it: whoever was not written to will not be. What is on the wire at this moment arrives.

    Of those who may have been written to before a crash, nobody knows.
    """
    open_ones = (BlastStatus.DRAFT, BlastStatus.SCHEDULED, BlastStatus.RUNNING, BlastStatus.PAUSED)
    with transaction.atomic():
        fields = {"status": BlastStatus.CANCELLED, "ended_at": timezone.now()}
        blast = _moved(
            blast, by, Act.What.CANCELLED, open_ones, fields, ("already_over", _("This blast is over already."))
        )
        waiting = Recipient.objects.filter(blast=blast, status=RecipientStatus.QUEUED)
        waiting.filter(claimed_at=None).update(status=RecipientStatus.CANCELLED)
        waiting.update(status=RecipientStatus.UNKNOWN, error_code=Why.INTERRUPTED)
    return blast


def blast_retry_failed(blast: Blast, by: User) -> int:
    """Try those again that failed, with the ids they have. Returns how many."""
    with transaction.atomic():
        blast = _locked(blast)
        if blast.status not in (BlastStatus.DONE, BlastStatus.RUNNING, BlastStatus.PAUSED):
            raise BlastRefused("nothing_to_retry", _("Nothing failed in this blast, or it was cancelled."))
        failed = Recipient.objects.filter(blast=blast, status=RecipientStatus.FAILED)
        count = failed.update(status=RecipientStatus.QUEUED, error_code="", error_detail="", claimed_at=None)
        if not count:
            raise BlastRefused("nothing_to_retry", _("Nothing failed in this blast, or it was cancelled."))
        if blast.status == BlastStatus.DONE:
            Blast.objects.filter(pk=blast.pk).update(status=BlastStatus.RUNNING, ended_at=None)
        note(Act.What.RETRIED, by=by, blast=blast, recipients=count)
    _tell(blast)
    return count


def opt_out_undo(opt_out: OptOut, by: User, reason: str) -> OptOut:
    """Write to this person again: they asked for it, says an ADMIN, and how."""
    reason = " ".join("".join(sign if sign.isprintable() else " " for sign in reason).split())
    if not by.manages_outlets:
        raise PermissionError
    if not reason:
        raise ValidationError({"reason": [_("Say why: how this person asked to be written to again.")]})
    if len(reason) > 300:
        raise ValidationError({"reason": [_("A reason has at most 300 characters.")]})
    with transaction.atomic():
        ended = OptOut.objects.filter(pk=opt_out.pk, ended_at=None).update(
            ended_at=timezone.now(), ended_by=by, reason=reason
        )
        if not ended:
            raise BlastRefused("already_undone", _("This was undone already."))
        note(Act.What.OPT_OUT_UNDONE, by=by, outlet=opt_out.outlet, phone=opt_out.phone, reason=reason)
    opt_out.refresh_from_db()
    return opt_out


# Inner workings


def _moved(
    blast: Blast,
    by: User,
    what: Act.What,
    from_statuses: Iterable[str],
    fields: dict[str, Any],
    refusal: tuple[str, Promise],
) -> Blast:
    """Change the status by compare-and-set: of two people who click at once, one did it."""
    with transaction.atomic():
        if not Blast.objects.filter(pk=blast.pk, status__in=list(from_statuses)).update(**fields):
            raise BlastRefused(*refusal)  # type: ignore[arg-type]
        detail = {"startAt": fields["start_at"].isoformat()} if fields.get("start_at") else {}
        note(what, by=by, blast=blast, **detail)
        blast.refresh_from_db()
        _tell(blast)
    return blast


def _tell(blast: Blast) -> None:
    transaction.on_commit(lambda: hints.wished(blast.pk))


def _locked(blast: Blast) -> Blast:
    return Blast.objects.select_for_update().get(pk=blast.pk)


def _made_before(by: User, key: Key) -> Blast | None:
    blast = Blast.objects.filter(created_by=by, idempotency_key=key.text).first()
    if blast is not None and blast.idempotency_digest != key.digest:
        raise BlastRefused(
            "idempotency_conflict", _("This Idempotency-Key was used for another request. Take a new one.")
        )
    return blast


def _clean_name(written: str) -> str:
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in written).split())
    if not name:
        raise ValidationError({"name": [_("Give the blast a name.")]})
    if len(name) > NAME_MAX:
        raise ValidationError({"name": [_("A name has at most %(max)d characters.") % {"max": NAME_MAX}]})
    return name


def _clean_body(written: str, has_attachment: bool) -> str:
    body = written.replace("\r\n", "\n").replace("\x00", "").strip()
    limit = variables.CAPTION_CHARS if has_attachment else variables.MESSAGE_CHARS
    if not body and not has_attachment:
        raise ValidationError({"body": [_("Write a message.")]})
    if len(body) > limit:
        raise ValidationError({"body": [_("A message has at most %(max)d characters.") % {"max": limit}]})
    try:
        variables.names(body)
    except variables.BadBody as error:
        message = _("“%(mark)s” is no variable. Write {name}, or {{ and }} for braces.") % {"mark": error.mark}
        raise ValidationError({"body": [message]}) from None
    return body


def _check_outlets(outlets: Sequence[Outlet], on_unhealthy: str, move_to: Outlet | None) -> None:
    if not outlets:
        raise ValidationError({"outlets": [_("Choose an outlet.")]})
    inactive = [outlet.name for outlet in outlets if not outlet.is_active]
    if inactive:
        message = _("%(outlets)s: inactive. Choose other outlets.") % {"outlets": ", ".join(inactive)}
        raise ValidationError({"outlets": [message]})
    if on_unhealthy == OnUnhealthy.MOVE and move_to is None:
        raise ValidationError({"moveTo": [_("Choose the outlet that takes over.")]})
    if on_unhealthy == OnUnhealthy.MOVE and move_to is not None and not move_to.is_active:
        raise ValidationError({"moveTo": [_("The outlet that takes over is inactive.")]})


def _check_rows(body: str, rows: Sequence[Row]) -> None:
    if not rows:
        raise ValidationError({"recipients": [_("There are no recipients in it.")]})
    if problems := lacking(body, rows):
        raise BadRecipients(problems)


def blasts_of_outlet(outlet: Outlet) -> Iterable[int]:
    """Open blasts that this outlet takes part in."""
    is_open = ~Q(status__in=(BlastStatus.DONE, BlastStatus.CANCELLED))
    return Blast.objects.filter(is_open, Q(outlets=outlet) | Q(move_to=outlet)).values_list("pk", flat=True).distinct()
