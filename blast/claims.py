"""The durable steps of sending, called in background threads and in group transactions.

A row is SENDING, with the claim of its outlet, before anything of it reaches the wire. `claimed_at` stays from the
first time that it may have been on the wire; so a QUEUED row that has one is to be repeated, with the same id, and by
the same device only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from blast.histories import Attempts, attempts_take_back, attempts_write
from blast.models import Blast, OptOut, Recipient
from blast.outcomes import Why
from blast.states import BlastStatus, RecipientStatus
from wa_sessions.bulk import update_said
from wa_sessions.models import WhatsAppSession
from wa_sessions.ownership import Ownership

ROWS_A_STATEMENT = 2000


@dataclass(frozen=True, slots=True)
class Claim:
    """An outlet's sender asks for up to `count` rows of one blast."""

    outlet: int
    ownership: Ownership
    blast: int
    count: int
    now: datetime


@dataclass(slots=True)
class Claimed:
    """A row that is SENDING, ours, and on disk so."""

    pk: int
    blast: int
    phone: str
    name: str
    variables: Mapping[str, str]
    message_id: str
    jid: str
    device: str
    claimed_at: datetime  # since when it may have been on the wire
    maybe_sent: bool  # an earlier life, or this one, may have sent it already
    present_device: str  # the outlet's jid now
    counted_at: datetime | None  # as which attempt its next try is on disk; None: as none yet
    tries: int = 0  # by this sender
    is_typed: bool = False  # the person saw the outlet typing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `at` is when WhatsApp took the message."""

    pk: int
    outlet: int
    phone: str
    ownership: Ownership
    status: RecipientStatus
    at: datetime | None = None
    code: str = ""
    detail: str = ""
    counted_at: datetime | None = None  # as which attempt a try was counted that never was


@dataclass(frozen=True, slots=True)
class PutBack:
    """Rows that will not be sent now. Those that may have been keep their `claimed_at`."""

    outlet: int
    ownership: Ownership
    never_sent: Sequence[int] = ()
    maybe_sent: Sequence[int] = ()
    counted_at: Sequence[datetime] = ()  # as which attempts tries were counted that never were


@dataclass(frozen=True, slots=True)
class Checked:
    """What WhatsApp says of numbers: its name for each, or None where nobody has it."""

    outlet: int
    blast: int
    jids: Mapping[str, str | None] = field(default_factory=dict)


def claims_write(claims: Sequence[Claim]) -> list[list[Claimed]]:
    """Make rows SENDING. See `wa_sessions.group.Write`."""
    found = [_claim(claim) for claim in claims]
    found = _without_opted_out(found)
    counts = zip(claims, map(len, found), strict=True)
    attempts_write([Attempts(claim.outlet, claim.now, count) for claim, count in counts if count])
    return found


def _without_opted_out(found: list[list[Claimed]]) -> list[list[Claimed]]:
    phones = {row.phone for rows in found for row in rows}
    gone = _opted_out(phones)
    if gone:
        pks = [row.pk for rows in found for row in rows if row.phone in gone and not row.maybe_sent]
        Recipient.objects.filter(pk__in=pks).update(
            status=RecipientStatus.SKIPPED, error_code=Why.OPTED_OUT, claimed_at=None, owner=""
        )
        # What may have been sent before the person opted out is not repeated, and nobody knows whether it arrived.
        maybe = [row.pk for rows in found for row in rows if row.phone in gone and row.maybe_sent]
        Recipient.objects.filter(pk__in=maybe).update(status=RecipientStatus.UNKNOWN, error_code=Why.OPTED_OUT)
        found = [[row for row in rows if row.phone not in gone] for rows in found]
    return found


def _opted_out(phones: set[str]) -> set[str]:
    rows = OptOut.objects.filter(phone__in=phones, ended_at=None).order_by()
    return set(rows.values_list("phone", flat=True)) if phones else set()


def _claim(claim: Claim) -> list[Claimed]:
    owner, epoch = claim.ownership.owner, claim.ownership.epoch
    now = connection.ops.adapt_datetimefield_value(claim.now)
    params = (
        claim.blast, claim.outlet, claim.count,
        owner, epoch, claim.outlet, now,
        claim.blast, claim.outlet, owner, epoch,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_claim_sql(), params)
        rows = cursor.fetchall()
    claimed = [_claimed(claim.blast, row, claim.now) for row in rows]
    claimed.sort(key=lambda pair: pair[0])
    found = [row for _, row in claimed]
    if any(row.maybe_sent for row in found):
        device = WhatsAppSession.objects.values_list("jid", flat=True).get(pk=claim.outlet)
        for row in found:
            row.present_device = device
    return found


def _claim_sql() -> str:
    rows, blasts = Recipient._meta.db_table, Blast._meta.db_table
    sessions = WhatsAppSession._meta.db_table
    locked = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    stamp = "%s::timestamptz" if connection.vendor == "postgresql" else "%s"
    # Materialized: PostgreSQL may run a subquery of the WHERE once for each row, with other rows locked each time.
    return (
        f"WITH next AS MATERIALIZED (SELECT id FROM {rows}"  # noqa: S608
        " WHERE blast_id = %s AND outlet_id = %s AND status = 'QUEUED'"
        f" ORDER BY line LIMIT %s{locked})"
        f" UPDATE {rows} SET status = 'SENDING', owner = %s, epoch = %s, attempts = attempts + 1,"
        " device = CASE WHEN claimed_at IS NULL"
        f" THEN COALESCE((SELECT jid FROM {sessions} WHERE outlet_id = %s), '') ELSE device END,"
        f" claimed_at = COALESCE(claimed_at, {stamp})"
        " WHERE id IN (SELECT id FROM next)"
        f" AND EXISTS (SELECT 1 FROM {blasts} WHERE id = %s AND status = 'RUNNING')"
        f" AND EXISTS (SELECT 1 FROM {sessions} WHERE outlet_id = %s AND owner = %s AND epoch = %s)"
        " RETURNING line, id, phone, name, variables, message_id, jid, device, claimed_at"
    )


def _claimed(blast: int, row: Sequence[Any], now: datetime) -> tuple[int, Claimed]:
    line, pk, phone, name, variables, message_id, jid, device, claimed_at = row
    if isinstance(claimed_at, str):
        claimed_at = datetime.fromisoformat(claimed_at)
    if claimed_at.tzinfo is None:  # SQLite
        claimed_at = claimed_at.replace(tzinfo=UTC)
    values = variables if isinstance(variables, dict) else json.loads(variables)
    claimed = Claimed(
        pk=pk,
        blast=blast,
        phone=phone,
        name=name,
        variables=values,
        message_id=message_id,
        jid=jid,
        device=device,
        claimed_at=claimed_at,
        maybe_sent=claimed_at != now,
        present_device=device,
        counted_at=now,
    )
    return line, claimed


def outcomes_write(outcomes: Sequence[Outcome]) -> list[None]:
    """Write what became of rows that were claimed, forward only, and that the outlet wrote to these people."""
    is_sending = "it.status = 'SENDING'"  # a receipt may have been quicker, and says more
    update_said(
        Recipient,
        {"id": None, "status": None, "at": "sent_at", "code": None, "detail": None, "claimant": None},
        [
            (each.pk, each.status.value, each.at, str(each.code), each.detail[:200], _claimant(each.ownership))
            for each in outcomes
        ],
        sets="sent_at = COALESCE(it.sent_at, said.at),"
        f" status = CASE WHEN {is_sending} THEN said.status ELSE it.status END,"
        f" error_code = CASE WHEN {is_sending} THEN said.code ELSE it.error_code END,"
        f" error_detail = CASE WHEN {is_sending} THEN said.detail ELSE it.error_detail END",
        where="it.id = said.id AND it.owner || ':' || it.epoch = said.claimant",
    )
    contacts_write({(each.outlet, each.phone): each.at for each in outcomes if each.at is not None}, "last_out_at")
    attempts_take_back([(each.outlet, each.counted_at) for each in outcomes if each.counted_at is not None])
    return [None] * len(outcomes)


def _claimant(ownership: Ownership) -> str:
    return f"{ownership.owner}:{ownership.epoch}"


def contacts_write(times: Mapping[tuple[int, str], datetime], column: str) -> None:
    """Note when outlets and people last wrote to each other ((outlet, phone) -> time), forward only."""
    items = list(times.items())
    for start in range(0, len(items), ROWS_A_STATEMENT):
        part = items[start : start + ROWS_A_STATEMENT]
        params: list[Any] = []
        for (outlet, phone), at in part:
            params += (outlet, phone, connection.ops.adapt_datetimefield_value(at))
        sql = (
            f"INSERT INTO blast_contact (outlet_id, phone, {column}) VALUES {', '.join(['(%s, %s, %s)'] * len(part))}"  # noqa: S608
            f" ON CONFLICT (outlet_id, phone) DO UPDATE SET {column} = excluded.{column}"
            f" WHERE blast_contact.{column} IS NULL OR blast_contact.{column} < excluded.{column}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def put_back_write(items: Sequence[PutBack]) -> list[None]:
    """Give up claims of rows that are not on the wire; those that may be there are settled or repeated later."""
    for item in items:
        ours = Q(status=RecipientStatus.SENDING, owner=item.ownership.owner, epoch=item.ownership.epoch)
        if item.never_sent:
            rows = Recipient.objects.filter(ours, pk__in=list(item.never_sent))
            _unclaim(rows, claimed_at=None, device="", attempts=F("attempts") - 1)
        if item.maybe_sent:
            _unclaim(Recipient.objects.filter(ours, pk__in=list(item.maybe_sent)))
    attempts_take_back([(item.outlet, at) for item in items for at in item.counted_at])
    return [None] * len(items)


put_back_write.locks_first = True  # type: ignore[attr-defined]  # blasts, before rows, as does who cancels one


def left_behind(outlet: int) -> set[int]:
    """Make rows QUEUED again that were left SENDING by whoever sent for this outlet before. Gives their blasts.

    They keep their `claimed_at`: they may have been sent.
    """
    with transaction.atomic():
        return _unclaim(Recipient.objects.filter(outlet=outlet, status=RecipientStatus.SENDING))


def _unclaim(rows: QuerySet[Recipient], **fields: Any) -> set[int]:
    """QUEUED again; where the blast was cancelled meanwhile, what can be said of them. Called in a transaction."""
    # In PostgreSQL a blast could be cancelled between the two statements, and its rows wait for ever.
    blasts = Blast.objects.select_for_update().filter(pk__in=rows.values("blast")).order_by("pk")
    statuses = dict(blasts.values_list("pk", "status"))
    ended = [pk for pk, status in statuses.items() if status in (BlastStatus.CANCELLED, BlastStatus.DONE)]
    if ended:
        over = rows.filter(blast__in=ended)
        if "claimed_at" in fields:  # they were never sent
            over.update(status=RecipientStatus.CANCELLED, owner="", **fields)
        else:
            over.update(status=RecipientStatus.UNKNOWN, error_code=Why.INTERRUPTED, owner="")
    rows.update(status=RecipientStatus.QUEUED, owner="", **fields)
    return set(statuses)


def unchecked(outlet: int, blast: int, count: int) -> list[str]:
    """Numbers that will be written to next, and of which nobody asked yet whether they are on WhatsApp."""
    rows = Recipient.objects.filter(blast=blast, outlet=outlet, status=RecipientStatus.QUEUED, jid="")
    return list(rows.order_by("line").values_list("phone", flat=True)[:count])


def checked_write(items: Sequence[Checked]) -> list[None]:
    """Write down what WhatsApp calls these numbers; who is not there is skipped."""
    for item in items:
        rows = Recipient.objects.filter(blast=item.blast)
        absent = [phone for phone, jid in item.jids.items() if jid is None]
        if absent:
            waiting = rows.filter(phone__in=absent, status=RecipientStatus.QUEUED, claimed_at=None)
            waiting.update(status=RecipientStatus.SKIPPED, error_code=Why.NOT_ON_WHATSAPP)
        there = [(phone, jid) for phone, jid in item.jids.items() if jid is not None]
        update_said(
            Recipient,
            {"phone": None, "jid": None},
            there,
            item.blast,
            sets="jid = said.jid",
            where="it.blast_id = %s AND it.phone = said.phone",
        )
    return [None] * len(items)
