"""Which process holds an outlet's socket: owner and epoch in the row, and in the WHERE of every write of the state."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F, QuerySet

from wa_sessions.models import WhatsAppSession


class OwnershipLostError(Exception):
    """Somebody newer owns this outlet: drop the socket, write nothing."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """One claim. `owner` names a process, and a start of it; `epoch` grows with each claim of an outlet."""

    owner: str
    epoch: int

    def holds(self, session_id: int) -> bool:
        """Whether the claim still stands; inside a transaction it then stands until its end (PostgreSQL locks the row,
        SQLite has one writer)."""
        row = WhatsAppSession.objects.filter(pk=session_id, owner=self.owner, epoch=self.epoch)
        if connection.features.has_select_for_update:
            row = row.select_for_update()
        return row.first() is not None


def holding(claims: Mapping[int, Ownership]) -> dict[int, Ownership]:
    """Who holds these sessions now, of those that exist; inside a transaction it then stays so, as with `holds`."""
    rows = WhatsAppSession.objects.filter(pk__in=list(claims)).order_by("pk")
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return {pk: Ownership(owner, epoch) for pk, owner, epoch in rows.values_list("pk", "owner", "epoch")}


def new_owner() -> str:
    """A name for this start of this process."""
    return secrets.token_hex(8)


def claim(owner: str, session_ids: Iterable[int] | None = None) -> dict[int, Ownership]:
    """Own these sessions (None: all there are), whoever owned them before. Returns the claim of each.

    What was on show for a phone died with the connection of the owner before.
    """
    with transaction.atomic():
        rows = WhatsAppSession.objects.all() if session_ids is None else _with_ids(session_ids)
        rows.update(owner=owner, epoch=F("epoch") + 1, qr=None, qr_expires_at=None, pairing_code=None)
        claimed = WhatsAppSession.objects.filter(owner=owner) if session_ids is None else _with_ids(session_ids)
        return {pk: Ownership(owner, epoch) for pk, epoch in claimed.values_list("pk", "epoch")}


def _with_ids(session_ids: Iterable[int]) -> QuerySet[WhatsAppSession]:
    return WhatsAppSession.objects.filter(pk__in=list(session_ids))
