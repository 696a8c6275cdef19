"""The manager's reads and its own writes, each called in a background thread: claims, wishes, last seen."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F, Q

from outlets.models import Outlet
from wa_sessions.bulk import update_said
from wa_sessions.lifecycle_types import State
from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership, claim
from wa_sessions.states import Intent, Status, Wish


@dataclass(frozen=True, slots=True)
class Claimed:
    """A session that is ours now, and what its row says."""

    outlet: int
    ownership: Ownership
    state: State


@dataclass(frozen=True, slots=True)
class Asked:
    """What people want of one outlet. `wish` is None where only settings changed."""

    outlet: int
    wish: Wish | None
    intent: Intent
    number: int
    active: bool
    auto_reconnect: bool
    max_retries: int


@dataclass(frozen=True, slots=True)
class Found:
    asked: list[Asked]
    unowned: set[int]  # new rows that nobody owns
    taken: set[int]  # rows that another process owns


def claim_all(owner: str) -> list[Claimed]:
    """Own every session there is, and read it."""
    return _claimed(claim(owner))


def claim_new(owner: str, sessions: Iterable[int]) -> list[Claimed]:
    """Own these sessions, which nobody owns, and read them. Those that somebody claimed meanwhile are left out."""
    with transaction.atomic():
        free = WhatsAppSession.objects.filter(pk__in=list(sessions), owner="")
        if connection.features.has_select_for_update:
            free = free.select_for_update()
        return _claimed(claim(owner, list(free.values_list("pk", flat=True))))


def _claimed(ownerships: Mapping[int, Ownership]) -> list[Claimed]:
    rows = WhatsAppSession.objects.filter(owner__in={held.owner for held in ownerships.values()}).select_related(
        "outlet"
    )
    return [Claimed(row.pk, ownerships[row.pk], _state_of(row)) for row in rows if row.pk in ownerships]


def _state_of(row: WhatsAppSession) -> State:
    return State(
        intent=Intent(row.intent),
        active=row.outlet.is_active,
        auto_reconnect=row.auto_reconnect,
        max_retries=row.max_retries,
        linked=bool(row.jid),
        status=Status(row.status),
        retry_count=row.retry_count,
        retry_at=row.retry_at.timestamp() if row.retry_at else None,
        cause=row.cause,
        detail=tuple(row.cause_detail.items()),
        wish_done=row.wish_done,
    )


def wishes(owner: str, inactive: Collection[int]) -> Found:
    """What people asked for that was not done yet. `inactive` are the outlets that the caller holds as inactive."""
    toggled = set(Outlet.objects.filter(is_active=False).values_list("pk", flat=True)) ^ set(inactive)
    rows = WhatsAppSession.objects.filter(
        ~Q(wish_number=F("wish_done")) | ~Q(owner=owner) | Q(pk__in=toggled)
    ).values_list("pk", "owner", "wish", "intent", "wish_number", "outlet__is_active", "auto_reconnect", "max_retries")
    found = Found([], set(), set())
    for pk, row_owner, wish, intent, number, active, auto_reconnect, max_retries in rows:
        if row_owner == owner:
            known = Wish(wish) if wish in Wish.values else None
            found.asked.append(Asked(pk, known, Intent(intent), number, active, auto_reconnect, max_retries))
        else:
            (found.taken if row_owner else found.unowned).add(pk)
    return found


def owned(owner: str) -> set[int]:
    """The sessions that exist and are this owner's."""
    return set(WhatsAppSession.objects.filter(owner=owner).values_list("pk", flat=True))


def outlet_number(outlet: int) -> str:
    return Outlet.objects.values_list("whatsapp_number", flat=True).get(pk=outlet)


def last_seen_write(owner: str, seen: Mapping[int, float]) -> None:
    """Move `last_seen` of many outlets (primary key -> seconds since 1970) in one statement, forward only."""
    update_said(
        WhatsAppSession,
        {"id": None, "at": "last_seen"},
        [(pk, datetime.fromtimestamp(at, UTC)) for pk, at in seen.items()],
        owner,
        sets="last_seen = said.at",
        where="it.outlet_id = said.id AND it.owner = %s AND (it.last_seen IS NULL OR it.last_seen < said.at)",
    )
