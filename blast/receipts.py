"""What recipients' phones say of messages: written forward only, whatever the order, however often."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from blast.models import Recipient
from blast.states import OF_RECEIPT, RecipientStatus, before
from wa_sessions.bulk import update_said
from whatsapp.events import ReceiptReceived

IDS_A_QUERY = 5000
_STAMPS: Mapping[str, tuple[str, ...]] = {  # who has read it has it, and it was sent
    RecipientStatus.SENT: ("sent_at",),
    RecipientStatus.DELIVERED: ("sent_at", "delivered_at"),
    RecipientStatus.READ: ("sent_at", "delivered_at", "read_at"),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that came for an outlet."""

    outlet: int
    event: ReceiptReceived


def receipts_write(receipts: Sequence[Receipt]) -> list[set[int]]:
    """Write them all. Gives for each the blasts that it was about. See `wa_sessions.group.Write`."""
    wanted = {message_id for receipt in receipts for message_id in receipt.event.message_ids}
    rows = {row[1]: row for row in _rows(wanted)}
    moves: dict[RecipientStatus, dict[int, datetime]] = defaultdict(dict)
    touched: list[set[int]] = []
    for receipt in receipts:
        blasts = set()
        status = OF_RECEIPT[receipt.event.status]
        at = datetime.fromtimestamp(receipt.event.at, UTC)
        for message_id in receipt.event.message_ids:
            row = rows.get(message_id)
            if row is None or not _is_theirs(receipt, row):
                continue
            pk, blast = row[0], row[2]
            known = moves[status].get(pk)
            moves[status][pk] = at if known is None else min(known, at)
            blasts.add(blast)
        touched.append(blasts)
    for status, times in moves.items():
        _advance(status, list(times.items()))
    return touched


def _rows(message_ids: Iterable[str]) -> Iterable[tuple[int, str, int, int, str, str]]:
    every = list(message_ids)
    for start in range(0, len(every), IDS_A_QUERY):
        rows = Recipient.objects.filter(message_id__in=every[start : start + IDS_A_QUERY]).order_by()
        yield from rows.values_list("pk", "message_id", "blast_id", "outlet_id", "phone", "jid")


def _is_theirs(receipt: Receipt, row: tuple[int, str, int, int, str, str]) -> bool:
    """Whether it comes from the person that the message was for: ids are no secret from other recipients' programs."""
    _, _, _, outlet, phone, jid = row
    event = receipt.event
    if outlet != receipt.outlet:
        return False
    if event.status == "sent_by_own_device":
        return True
    user = jid.partition("@")[0]
    if event.number is not None:
        return event.number in (phone, user)
    return not jid.endswith("@lid") or event.recipient.user == user


def _advance(status: RecipientStatus, times: Sequence[tuple[int, datetime]]) -> None:
    moves = f"it.status IN ({', '.join(f'{chr(39)}{each.value}{chr(39)}' for each in sorted(before(status)))})"
    stamps = [f"{column} = COALESCE(it.{column}, said.at)" for column in _STAMPS[status]]
    update_said(
        Recipient,
        {"id": None, "at": "sent_at"},
        times,
        sets=f"{', '.join(stamps)}, status = CASE WHEN {moves} THEN '{status.value}' ELSE it.status END,"
        f" error_code = CASE WHEN {moves} THEN '' ELSE it.error_code END",
        where="it.id = said.id",
    )
