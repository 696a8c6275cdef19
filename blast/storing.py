"""How the parts of a blast lie in the database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from blast.models import Attachment, Blast, Recipient, new_message_id
from blast.recipients import Row

ROWS_AT_ONCE = 2000  # eight parameters each; SQLite takes 32,766


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file to send with the message; `kind` as in `Attachment.Kind`."""

    kind: str
    mimetype: str
    file_name: str
    data: bytes


def recipients_insert(blast: Blast, rows: Sequence[Row], placed: Sequence[int]) -> None:
    """Write the recipients of a blast, each with the outlet at its place in `placed`. In a transaction."""
    # By hand: for ten thousand rows `bulk_create` takes a second more, while nobody else can write.
    quote = connection.ops.quote_name
    names = ("blast", "line", "phone", "name", "variables", "asked_outlet", "outlet", "message_id")
    fields: list[Any] = [Recipient._meta.get_field(name) for name in names]
    columns = ", ".join(quote(field.column) for field in fields)
    place = f"({', '.join(['%s'] * len(names))}, 'QUEUED', '', '', 0, '', '', '', 0)"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        params: list[Any] = []
        for row, outlet in zip(part, placed[start : start + ROWS_AT_ONCE], strict=True):
            variables_json = json.dumps(dict(row.variables)) if row.variables else "{}"
            params += (blast.pk, row.line, row.phone, row.name, variables_json, row.outlet[:100], outlet)
            params.append(new_message_id())
        sql = (
            f"INSERT INTO {quote(Recipient._meta.db_table)} ({columns},"  # noqa: S608
            " status, jid, owner, epoch, device, error_code, error_detail, attempts)"
            f" VALUES {', '.join([place] * len(part))}"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def row_of(recipient: Recipient) -> Row:
    return Row(recipient.line, recipient.phone, recipient.name, recipient.asked_outlet, recipient.variables)


def attach(blast: Blast, new: NewAttachment) -> None:
    fields = {
        "kind": new.kind,
        "mimetype": new.mimetype,
        "file_name": new.file_name[:200],
        "size": len(new.data),
        "data": new.data,
    }
    Attachment.objects.update_or_create(blast=blast, defaults=fields)
