"""All recipients of a blast and their outcomes, as a file: for people in their words, for programs in the API's."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from blast import csv_export
from blast.models import Blast, Recipient
from blast.outcomes import sentence
from blast.selectors import iso
from blast.states import RecipientStatus

_ROWS_AT_ONCE = 1000


def export(blast: Blast, *, for_people: bool) -> StreamingHttpResponse:
    """The CSV file. It has a column for each variable that any recipient has; no cell is a formula."""
    columns = variables_of(blast)
    if for_people:
        heading = [
            _("Line"), _("Number"), _("Name"), *columns, _("Outlet"), _("Status"), _("Sent"), _("Delivered"),
            _("Read"), _("Reason"),
        ]  # fmt: skip
    else:
        heading = [
            "line", "phone", "name", *columns, "outlet", "status", "sent", "delivered", "read", "error", "message_id"
        ]  # fmt: skip
    cells = _for_people if for_people else _for_programs

    def line(row: Recipient) -> list[object]:
        values = (row.variables.get(name, "") for name in columns)
        return [row.line, row.phone, row.name, *values, row.outlet.name, *cells(row)]

    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in blast.name).strip("-").lower()
    file_name = f"{blast.public_id}-{name[:60]}".rstrip("-") + ".csv"
    return csv_export.download(file_name, heading, map(line, _rows(blast)))


def variables_of(blast: Blast) -> list[str]:
    """The names of all variables of a blast's recipients, those of the first rows first. One query, nothing loaded."""
    rows, quote = Recipient._meta.db_table, connection.ops.quote_name
    if connection.vendor == "postgresql":
        keys = f"{quote(rows)}, jsonb_object_keys({quote(rows)}.variables) AS entry(key)"
    else:
        keys = f"{quote(rows)}, json_each({quote(rows)}.variables) AS entry"
    asked = f"SELECT entry.key FROM {keys} WHERE blast_id = %s GROUP BY entry.key ORDER BY MIN(line), entry.key"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(asked, [blast.pk])
        return [key for (key,) in cursor.fetchall()]


def _rows(blast: Blast) -> Iterator[Recipient]:
    """All recipients in the order of the list. No cursor stays open meanwhile: each part is sent by another thread."""
    last = 0
    rows = Recipient.objects.filter(blast=blast).select_related("outlet").order_by("pk")
    while part := list(rows.filter(pk__gt=last)[:_ROWS_AT_ONCE]):
        yield from part
        last = part[-1].pk


def _for_people(row: Recipient) -> list[object]:
    times = (_local(at) for at in (row.sent_at, row.delivered_at, row.read_at))
    return [str(RecipientStatus(row.status).label), *times, sentence(row.error_code, row.error_detail)]


def _for_programs(row: Recipient) -> list[object]:
    times = (iso(at) or "" for at in (row.sent_at, row.delivered_at, row.read_at))
    return [row.status, *times, row.error_code, row.message_id]


def _local(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" if at else ""
