"""Blasts made by hand, in each state that the pages know."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from blast.models import Act, Blast, OptOut, Pace, Recipient, default_fields
from blast.states import BlastStatus, RecipientStatus
from outlets.models import Outlet

BODY = "Halo {name}, ada promo khusus dari {outlet} hari ini. Balas STOP untuk berhenti."
ENDINGS = (
    (RecipientStatus.READ, 6), (RecipientStatus.DELIVERED, 8), (RecipientStatus.SENT, 4), (RecipientStatus.FAILED, 2),
    (RecipientStatus.UNKNOWN, 1), (RecipientStatus.SKIPPED, 1),
)  # fmt: skip
NAMES = ("Ibu Ani", "Pak Budi", "Citra", "Dewi", "Eko", "Fitri", "Gilang", "Hana")


def make_blast(
    by: User, outlets: list[Outlet], *, name: str = "Promo Jumat", status: str = BlastStatus.DRAFT, body: str = BODY,
    people: int = 40, **fields: Any,
) -> Blast:  # fmt: skip
    """A blast with `people` recipients, dealt out to `outlets`; a draft has them all waiting."""
    now = timezone.now()
    if status not in (BlastStatus.DRAFT, BlastStatus.SCHEDULED):
        fields.setdefault("started_at", now - timedelta(minutes=20))
    if status in (BlastStatus.DONE, BlastStatus.CANCELLED):
        fields.setdefault("ended_at", now - timedelta(minutes=2))
    blast = Blast.objects.create(name=name, body=body, status=status, created_by=by, **fields)
    blast.outlets.set(outlets)
    endings = [] if status in (BlastStatus.DRAFT, BlastStatus.SCHEDULED) else _endings()
    rows = []
    for line in range(1, people + 1):
        ending = endings[line - 1] if line <= len(endings) else RecipientStatus.QUEUED
        if ending == RecipientStatus.QUEUED and status == BlastStatus.DONE:
            ending = RecipientStatus.READ
        rows.append(_recipient(blast, line, outlets[line % len(outlets)], ending))
    Recipient.objects.bulk_create(rows)
    Act.objects.create(what=Act.What.CREATED, by=by, blast=blast, at=now - timedelta(minutes=30))
    if endings:
        Act.objects.create(what=Act.What.STARTED, by=by, blast=blast, at=now - timedelta(minutes=20))
    return blast


def _endings() -> list[str]:
    return [status for status, count in ENDINGS for _ in range(count)]


def _recipient(blast: Blast, line: int, outlet: Outlet, status: str) -> Recipient:
    at = timezone.now() - timedelta(minutes=10)
    codes = {RecipientStatus.FAILED: "refused", RecipientStatus.UNKNOWN: "no_answer"}
    codes[RecipientStatus.SKIPPED] = "not_on_whatsapp"
    is_out = status in (RecipientStatus.SENT, RecipientStatus.DELIVERED, RecipientStatus.READ)
    return Recipient(
        blast=blast,
        line=line,
        phone=f"62813{line:08d}",
        name=NAMES[line % len(NAMES)],
        outlet=outlet,
        status=status,
        sent_at=at if is_out else None,
        delivered_at=at if status in (RecipientStatus.DELIVERED, RecipientStatus.READ) else None,
        read_at=at if status == RecipientStatus.READ else None,
        error_code=codes.get(RecipientStatus(status), ""),
        error_detail="479" if status == RecipientStatus.FAILED else "",
    )


def stop(outlet: Outlet, cause: str = "restricted", **fields: Any) -> Pace:
    """The outlet was stopped to keep its number safe."""
    return Pace.objects.create(
        outlet=outlet, stopped_at=timezone.now(), stopped_cause=cause, **{**default_fields(), **fields}
    )


def opt_out(outlet: Outlet, phone: str = "6281300000001", text: str = "STOP") -> OptOut:
    return OptOut.objects.create(phone=phone, at=timezone.now() - timedelta(hours=3), outlet=outlet, text=text)
