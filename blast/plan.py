"""What there is to do, read from the database in one go; and what only the clock decides: due blasts, finished ones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from blast import hints
from blast.acts import note
from blast.histories import attempts_forget
from blast.models import Act, Attachment, Blast, Recipient
from blast.outcomes import FAILURES, Why
from blast.states import OPEN, BlastStatus, OnUnhealthy, RecipientStatus
from outlets.models import Outlet
from wa_sessions.models import WhatsAppSession


@dataclass(frozen=True, slots=True)
class Job:
    """A running blast, as its senders need it."""

    pk: int
    body: str
    on_unhealthy: str
    move_to: int | None
    has_attachment: bool
    outlets: frozenset[int]  # all that it may concern


@dataclass(frozen=True, slots=True)
class Plan:
    jobs: Mapping[int, Job]
    queues: Mapping[int, Sequence[int]]  # outlet -> running blasts with work for it, the oldest first
    left: frozenset[int]  # outlets with rows that are SENDING
    unlinked: frozenset[int]  # outlets in `queues` that nobody has ever tried to connect
    names: Mapping[int, str]  # of the outlets in `queues`


NOTHING = Plan({}, {}, frozenset(), frozenset(), {})


def look(now: datetime) -> Plan:
    """Start what is due, end what is done, and say what is to be sent."""
    _start_due(now)
    _end_done(now)
    rows = Blast.objects.filter(status=BlastStatus.RUNNING).order_by("started_at", "pk")
    running = list(rows.values_list("pk", "body", "on_unhealthy", "move_to"))
    sending = Recipient.objects.filter(status=RecipientStatus.SENDING).order_by()
    left = frozenset(sending.values_list("outlet", flat=True).distinct())
    pks = [row[0] for row in running]
    open_rows = Recipient.objects.filter(blast__in=pks, status__in=OPEN).order_by()
    has_work: dict[int, set[int]] = defaultdict(set)
    for blast, outlet in open_rows.values_list("blast", "outlet").distinct():
        has_work[blast].add(outlet)
    chosen: dict[int, set[int]] = defaultdict(set)
    for blast, outlet in Blast.outlets.through.objects.filter(blast__in=pks).values_list("blast", "outlet"):
        chosen[blast].add(outlet)
    attached = set(Attachment.objects.filter(blast__in=pks).values_list("pk", flat=True))
    queues: dict[int, list[int]] = defaultdict(list)
    jobs = {}
    for pk, body, on_unhealthy, move_to in running:
        may_concern = chosen[pk].union(filter(None, (move_to,)))
        jobs[pk] = Job(pk, body, on_unhealthy, move_to, pk in attached, frozenset(may_concern))
        for outlet in has_work[pk]:
            queues[outlet].append(pk)
    linked = set(WhatsAppSession.objects.filter(pk__in=list(queues)).values_list("pk", flat=True))
    names = dict(Outlet.objects.filter(pk__in=list(queues)).values_list("pk", "name"))
    return Plan(jobs, dict(queues), left, frozenset(set(queues) - linked), names)


def _start_due(now: datetime) -> None:
    due = Blast.objects.filter(status=BlastStatus.SCHEDULED, start_at__lte=now)
    for pk in list(due.values_list("pk", flat=True)):
        with transaction.atomic():
            if due.filter(pk=pk).update(status=BlastStatus.RUNNING, started_at=now):
                note(Act.What.STARTED, blast=pk)
        hints.changed(pk)


def _end_done(now: datetime) -> None:
    still_open = Recipient.objects.filter(blast=OuterRef("pk"), status__in=OPEN)
    done = Blast.objects.filter(status=BlastStatus.RUNNING).exclude(Exists(still_open))
    ended = list(done.values_list("pk", flat=True))
    for pk in ended:
        with transaction.atomic():
            Blast.objects.select_for_update().get(pk=pk)  # whoever makes rows QUEUED again holds it meanwhile
            if done.filter(pk=pk).update(status=BlastStatus.DONE, ended_at=now):
                note(Act.What.DONE, blast=pk)
        hints.changed(pk)
    if ended:
        attempts_forget(now)


def rest_give_up(outlet: int, job: Job) -> int:
    """An outlet cannot send any more: move its rest of a blast, or skip it, as people chose. Returns how many.

    What may have been sent by it neither moves nor is repeated. Nothing happens where people chose to hold.
    """
    rows = Recipient.objects.filter(blast=job.pk, outlet=outlet, status=RecipientStatus.QUEUED)
    with transaction.atomic():
        if not Blast.objects.select_for_update().filter(pk=job.pk, status=BlastStatus.RUNNING).exists():
            return 0
        if job.on_unhealthy == OnUnhealthy.SKIP:
            what = Act.What.SKIPPED
            fresh: dict[str, Any] = {"status": RecipientStatus.SKIPPED, "error_code": Why.OUTLET_UNHEALTHY}
            more: dict[str, Any] = {}
        elif job.on_unhealthy == OnUnhealthy.MOVE and job.move_to not in (None, outlet):
            what = Act.What.MOVED
            fresh, more = {"outlet": job.move_to}, {"moveTo": f"outlet_{job.move_to}"}
        else:
            return 0
        unknown = rows.filter(claimed_at__isnull=False)
        doubtful = unknown.update(status=RecipientStatus.UNKNOWN, error_code=Why.OUTLET_UNHEALTHY)
        count = rows.filter(claimed_at=None).update(**fresh)
        if not count + doubtful:
            return 0
        note(what, blast=job.pk, outlet=outlet, recipients=count, unknown=doubtful, **more)
    return count + doubtful


def rest_held(outlet: int, job: Job) -> None:
    """Write down that an outlet's rest of a blast waits for it, once for each time that it does."""
    newest = (
        Act.objects.filter(blast=job.pk, outlet=outlet).order_by("-at", "-pk").values_list("what", flat=True).first()
    )
    if newest != Act.What.HELD:
        note(Act.What.HELD, blast=job.pk, outlet=outlet)


def last_failures(outlet: int, count: int, since: datetime | None) -> list[bool]:
    """Which of the outlet's last messages failed, the newest last."""
    rows = Recipient.objects.filter(outlet=outlet, claimed_at__isnull=False)
    if since is not None:
        rows = rows.filter(claimed_at__gt=since)
    counted = rows.exclude(status__in=(*OPEN, RecipientStatus.SKIPPED, RecipientStatus.CANCELLED))
    counted = counted.exclude(error_code=Why.MISSING_VARIABLE)
    newest = counted.order_by(F("claimed_at").desc(), "-line").values_list("status", "error_code")[:count]
    return [status == RecipientStatus.FAILED or code in FAILURES for status, code in reversed(list(newest))]
