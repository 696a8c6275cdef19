"""Reads. Every way to a blast begins at `blasts_visible_to`; numbers are counted anew with each question."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet
from django.http import Http404

from accounts.models import User
from blast.models import Act, Attachment, Blast, Contact, OptOut, Recipient
from blast.outcomes import sentence
from blast.states import BlastStatus, RecipientStatus
from outlets.models import Outlet
from outlets.selectors import visible_to

PAGE_SIZE = 50
ACTS_SHOWN = 100
_PUBLIC_ID = re.compile(r"blast_([1-9][0-9]{0,17})\Z", re.ASCII)
_CHUNK = 5000

_FINAL = (BlastStatus.DONE, BlastStatus.CANCELLED)
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    BlastStatus.DRAFT: ("edit", "start", "cancel"),
    BlastStatus.SCHEDULED: ("start", "pause", "cancel"),
    BlastStatus.RUNNING: ("pause", "cancel"),
    BlastStatus.PAUSED: ("resume", "cancel"),
    BlastStatus.DONE: (),
    BlastStatus.CANCELLED: (),
}


# Which blasts and which people


def blasts_visible_to(user: User | AnonymousUser) -> QuerySet[Blast]:
    """The blasts that this account may know of: those wholly from outlets that it sees."""
    if isinstance(user, User) and user.is_active and user.sees_all:
        return Blast.objects.all()
    own = visible_to(user).values("pk")
    links = Blast.outlets.through.objects
    return (
        Blast.objects.filter(pk__in=links.filter(outlet__in=own).values("blast"))
        .exclude(pk__in=links.exclude(outlet__in=own).values("blast"))
        .filter(Q(move_to=None) | Q(move_to__in=own))
    )


def blast_for(user: User | AnonymousUser, blast_id: str) -> Blast:
    """The blast with this public id ("blast_7"). Absent and forbidden are the same `Http404`."""
    match = _PUBLIC_ID.match(blast_id)
    blast = blasts_visible_to(user).filter(pk=int(match[1])).first() if match else None
    if blast is None:
        raise Http404
    return blast


def opt_outs_visible_to(user: User | AnonymousUser) -> QuerySet[OptOut]:
    """People who want nothing more: all for who sees all outlets, else those who said so to an outlet of theirs."""
    if isinstance(user, User) and user.is_active and user.sees_all:
        return OptOut.objects.all()
    return OptOut.objects.filter(outlet__in=visible_to(user))


def opted_out(phones: Iterable[str]) -> set[str]:
    """Which of these want nothing more."""
    return _of_phones(phones, lambda part: OptOut.objects.filter(phone__in=part, ended_at=None).order_by())


def messaged_lately(phones: Iterable[str], days: int, now: datetime) -> set[str]:
    """Which of these any outlet has written to in the last `days` days."""
    since = now - timedelta(days=days)
    return _of_phones(phones, lambda part: Contact.objects.filter(phone__in=part, last_out_at__gte=since))


def last_writers(phones: Iterable[str], outlets: Iterable[Outlet]) -> dict[str, int]:
    """For each phone that one of `outlets` has ever written to: the outlet that did so last, by its primary key."""
    pks = [outlet.pk for outlet in outlets]
    writers: dict[str, int] = {}
    for part in _chunks(phones):
        rows = Contact.objects.filter(phone__in=part, outlet__in=pks, last_out_at__isnull=False)
        writers.update(rows.order_by("last_out_at", "pk").values_list("phone", "outlet_id"))
    return writers


def _of_phones(phones: Iterable[str], rows_of: Any) -> set[str]:
    found: set[str] = set()
    for part in _chunks(phones):
        found.update(rows_of(part).values_list("phone", flat=True))
    return found


def _chunks(phones: Iterable[str]) -> Iterator[list[str]]:
    every = list(phones)
    return (every[start : start + _CHUNK] for start in range(0, len(every), _CHUNK))


def _askable(text: str) -> str:
    """What may stand in a question to the database: PostgreSQL takes no NUL."""
    return text.replace("\0", "")


# Blasts


def blast_page(
    user: User, *, status: str | None = None, q: str = "", page: int = 1, page_size: int = PAGE_SIZE
) -> dict[str, Any]:
    """The answer of `GET /api/blasts`: newest first, `page` from 1. `status` filters, `q` looks in the names."""
    rows = blasts_visible_to(user)
    if status:
        rows = rows.filter(status=_askable(status))
    if q:
        rows = rows.filter(name__icontains=_askable(q))
    found = rows.count()
    chosen = list(
        rows.select_related("created_by", "move_to")
        .prefetch_related("outlets")
        .order_by("-pk")[(page - 1) * page_size : page * page_size]
    )
    counts = counts_of(blast.pk for blast in chosen)
    return {
        "success": True,
        "count": found,
        "page": page,
        "pageSize": page_size,
        "blasts": [_element(blast, counts[blast.pk]) for blast in chosen],
    }


def blast_detail(blast: Blast) -> dict[str, Any]:
    """One blast: an element of `blasts`, and the numbers of each outlet, the attachment, and who did what."""
    by_outlet = counts_by_outlet(blast)
    total: dict[str, int] = dict.fromkeys(RecipientStatus.values, 0)
    for counts in by_outlet.values():
        for status, number in counts.items():
            total[status] += number
    outlets = Outlet.objects.filter(Q(blasts=blast) | Q(pk__in=list(by_outlet))).distinct().order_by("name", "pk")
    return {
        **_element(blast, total),
        "perOutlet": [
            {"outletId": outlet.public_id, "name": outlet.name, "counts": _counts(by_outlet.get(outlet.pk, {}))}
            for outlet in outlets
        ],
        "attachment": _attachment(blast),
        "acts": [_act(act) for act in blast.acts.select_related("by", "outlet")[:ACTS_SHOWN]],
    }


def counts_of(blasts: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many recipients of each blast are in each status. One query."""
    rows = Recipient.objects.filter(blast__in=list(blasts)).order_by().values_list("blast", "status")
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for blast, status, number in rows.annotate(number=Count("pk")):
        counts[blast][status] = number
    return counts


def counts_by_outlet(blast: Blast) -> dict[int, dict[str, int]]:
    """The same for one blast, by outlet."""
    rows = Recipient.objects.filter(blast=blast).order_by().values_list("outlet", "status")
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for outlet, status, number in rows.annotate(number=Count("pk")):
        counts[outlet][status] = number
    return dict(counts)


def attachment_of(blast: Blast) -> Attachment | None:
    """What it is; the file itself is read where it is sent."""
    return Attachment.objects.filter(blast=blast).defer("data").first()


def typing_s(blast: Blast) -> float:
    """How long people see the outlet typing before each message, in seconds. A file is not typed."""
    is_text = settings.BLAST_TYPING_S > 0 and not Attachment.objects.filter(blast=blast).exists()
    return settings.BLAST_TYPING_S if is_text else 0.0


def _element(blast: Blast, counts: Mapping[str, int]) -> dict[str, Any]:
    numbers = _counts(counts)
    actions = list(_ACTIONS[blast.status])
    if numbers["failed"] and blast.status in (BlastStatus.DONE, BlastStatus.RUNNING, BlastStatus.PAUSED):
        actions.append("retry")
    return {
        "blastId": blast.public_id,
        "name": blast.name,
        "status": blast.status,
        "body": blast.body,
        "outlets": [{"outletId": outlet.public_id, "name": outlet.name} for outlet in blast.outlets.all()],
        "assignment": blast.assignment,
        "onUnhealthy": blast.on_unhealthy,
        "moveTo": blast.move_to.public_id if blast.move_to else None,
        "startAt": iso(blast.start_at),
        "startedAt": iso(blast.started_at),
        "endedAt": iso(blast.ended_at),
        "createdAt": iso(blast.created_at),
        "createdBy": blast.created_by.get_username() if blast.created_by else None,
        "counts": numbers,
        "actions": actions,
    }


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    numbers = {status.lower(): counts.get(status, 0) for status in RecipientStatus.values}
    total = sum(numbers.values())
    return {"total": total, "open": numbers["queued"] + numbers["sending"], **numbers}


def _attachment(blast: Blast) -> dict[str, Any] | None:
    row = Attachment.objects.filter(blast=blast).values("kind", "mimetype", "file_name", "size").first()
    if row is None:
        return None
    return {"kind": row["kind"], "mimetype": row["mimetype"], "fileName": row["file_name"], "size": row["size"]}


def _act(act: Act) -> dict[str, Any]:
    return {
        "at": iso(act.at),
        "by": act.by.get_username() if act.by else None,
        "what": act.what,
        "words": str(Act.What(act.what).label),
        "outletId": act.outlet.public_id if act.outlet else None,
        "detail": act.detail,
    }


# Recipients


def recipients_of(
    blast: Blast, *, status: str | None = None, outlet: Outlet | None = None, q: str = ""
) -> QuerySet[Recipient]:
    """The recipients of a blast in the order of the list; `q` looks in names and numbers."""
    rows = Recipient.objects.filter(blast=blast).order_by("line", "pk")
    if status:
        rows = rows.filter(status=_askable(status))
    if outlet is not None:
        rows = rows.filter(outlet=outlet)
    if q:
        q = _askable(q)
        digits = "".join(filter(str.isdigit, q)).lstrip("0")
        is_number = bool(digits) and not any(map(str.isalpha, q))
        rows = rows.filter(Q(name__icontains=q) | Q(phone__contains=digits) if is_number else Q(name__icontains=q))
    return rows


def recipients_page(
    blast: Blast,
    *,
    status: str | None = None,
    outlet: Outlet | None = None,
    q: str = "",
    page: int = 1,
    page_size: int = PAGE_SIZE,
) -> dict[str, Any]:
    """The answer of `GET /api/blasts/{blastId}/recipients`."""
    rows = recipients_of(blast, status=status, outlet=outlet, q=q)
    names = dict(Outlet.objects.filter(pk__in=rows.order_by().values("outlet")).values_list("pk", "name"))
    return {
        "success": True,
        "count": rows.count(),
        "page": page,
        "pageSize": page_size,
        "recipients": [_recipient(row, names) for row in rows[(page - 1) * page_size : page * page_size]],
    }


def _recipient(row: Recipient, outlet_names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "line": row.line,
        "phone": row.phone,
        "name": row.name,
        "variables": row.variables,
        "outletId": f"outlet_{row.outlet_id}",
        "outletName": outlet_names.get(row.outlet_id, ""),
        "status": row.status,
        "messageId": row.message_id,
        "sentAt": iso(row.sent_at),
        "deliveredAt": iso(row.delivered_at),
        "readAt": iso(row.read_at),
        "error": {"code": row.error_code, "message": sentence(row.error_code, row.error_detail)}
        if row.error_code
        else None,
        "attempts": row.attempts,
    }


# Opt-outs


def opt_out_page(
    user: User, *, q: str = "", active: bool | None = True, page: int = 1, page_size: int = PAGE_SIZE
) -> dict[str, Any]:
    """The answer of `GET /api/opt-outs`, newest first. `active` None: those that were undone, too."""
    rows = opt_outs_visible_to(user).select_related("outlet", "ended_by").order_by("-at", "-pk")
    if active is not None:
        rows = rows.filter(ended_at__isnull=active)
    if digits := "".join(filter(str.isdigit, q)).lstrip("0"):
        rows = rows.filter(phone__contains=digits)
    return {
        "success": True,
        "count": rows.count(),
        "page": page,
        "pageSize": page_size,
        "optOuts": [opt_out_element(row) for row in rows[(page - 1) * page_size : page * page_size]],
    }


def opt_out_element(row: OptOut) -> dict[str, Any]:
    return {
        "optOutId": row.pk,
        "phone": row.phone,
        "at": iso(row.at),
        "outletId": row.outlet.public_id if row.outlet else None,
        "text": row.text,
        "confirmed": row.confirmed_at is not None,
        "endedAt": iso(row.ended_at),
        "endedBy": row.ended_by.get_username() if row.ended_by else None,
        "reason": row.reason,
    }


def recent_days() -> int:
    """How many days are "lately" in the pre-flight check."""
    return int(settings.BLAST_RECENT_DAYS)


def is_open(blast: Blast) -> bool:
    """Whether anything may still happen to the blast's recipients by our doing."""
    return blast.status not in _FINAL


def iso(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
