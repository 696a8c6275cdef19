"""The manager's reads and its own writes, each called in a background thread: claims, wishes, last seen."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from outlets.models import Outlet
from wa_sessions.lifecycle_types import State
from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership, claim
from wa_sessions.states import Intent, Status, Wish

ROWS_A_STATEMENT = 5000  # two parameters a row; SQLite takes 32,766


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
    table = connection.ops.quote_name(WhatsAppSession._meta.db_table)
    stamp = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    items = list(seen.items())
    for start in range(0, len(items), ROWS_A_STATEMENT):
        part = items[start : start + ROWS_A_STATEMENT]
        values = ", ".join([f"(%s, {stamp})"] * len(part))
        params: list[Any] = []
        for pk, at in part:
            params += (pk, connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(at, UTC)))
        sql = (
            f"WITH proof (id, at) AS (VALUES {values}) UPDATE {table} SET last_seen = proof.at FROM proof"  # noqa: S608
            f" WHERE {table}.outlet_id = proof.id AND {table}.owner = %s"
            f" AND ({table}.last_seen IS NULL OR {table}.last_seen < proof.at)"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [*params, owner])
