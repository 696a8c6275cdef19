"""Writing many rows with one statement. Row by row through the ORM each costs a millisecond, most of it Python's, and
an outage ends with two changes for every outlet in the same few seconds."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.ownership import Ownership

FLIPS_A_STATEMENT = 4000  # seven parameters each; SQLite takes 32,766
_FLIP_FIELDS = ("session", "from_status", "to_status", "reason", "source", "at", "drift_s")


@dataclass(frozen=True, slots=True)
class RowWrite:
    """What one session's row shall say, by the names of the fields, if the claim still stands."""

    session_id: int
    ownership: Ownership
    fields: dict[str, Any]


def sessions_write(writes: Iterable[RowWrite]) -> set[int]:
    """Write all that are still owned as claimed, and count up their version: one statement for all that write the same
    fields. At most some hundreds at once, inside a transaction. Returns those that were written."""
    alike: defaultdict[tuple[str, ...], list[RowWrite]] = defaultdict(list)
    for write in writes:
        alike[tuple(sorted(write.fields))].append(write)
    written: set[int] = set()
    for names, group in alike.items():
        written |= _write_alike(names, group)
    return written


def flips_insert(flips: Sequence[Flip]) -> None:
    """Insert these, in order."""
    fields = _fields(Flip, _FLIP_FIELDS)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    for start in range(0, len(flips), FLIPS_A_STATEMENT):
        part = flips[start : start + FLIPS_A_STATEMENT]
        sql = f"INSERT INTO {quote(Flip._meta.db_table)} ({columns}) VALUES {_places(len(fields), part)}"  # noqa: S608
        params = [_prepared(field, getattr(flip, field.attname)) for flip in part for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def _write_alike(names: Sequence[str], group: Sequence[RowWrite]) -> set[int]:
    fields = _fields(WhatsAppSession, names)
    table = connection.ops.quote_name(WhatsAppSession._meta.db_table)
    columns = [connection.ops.quote_name(field.column) for field in fields]
    # PostgreSQL takes a column of nothing but nulls for text.
    is_typed = connection.vendor == "postgresql"
    casts = [f"::{field.db_type(connection)}" if is_typed else "" for field in fields]
    sets = [f"{column} = said.{column}{cast}" for column, cast in zip(columns, casts, strict=True)]
    sql = (
        f"WITH said ({', '.join(('id', 'claimant', 'claim', *columns))})"  # noqa: S608
        f" AS (VALUES {_places(3 + len(fields), group)})"
        f" UPDATE {table} SET {', '.join((*sets, f'version = {table}.version + 1'))} FROM said"
        f" WHERE {table}.outlet_id = said.id AND {table}.owner = said.claimant AND {table}.epoch = said.claim"
        f" RETURNING {table}.outlet_id"
    )
    params: list[Any] = []
    for write in group:
        params += (write.session_id, write.ownership.owner, write.ownership.epoch)
        params += (_prepared(field, write.fields[name]) for field, name in zip(fields, names, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


def _fields(model: type[Model], names: Iterable[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def _places(count: int, rows: Collection[Any]) -> str:
    return ", ".join([f"({', '.join(['%s'] * count)})"] * len(rows))


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
