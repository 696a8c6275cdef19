"""Writing many rows with one statement. Row by row through the ORM each costs a millisecond, most of it Python's, and
an outage ends with two changes for every outlet in the same few seconds."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.ownership import Ownership

PARAMS_A_STATEMENT = 30_000  # SQLite takes 32,766
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
    place = f"({', '.join(['%s'] * len(fields))})"
    at_once = PARAMS_A_STATEMENT // len(fields)
    for start in range(0, len(flips), at_once):
        part = flips[start : start + at_once]
        places = ", ".join([place] * len(part))
        sql = f"INSERT INTO {quote(Flip._meta.db_table)} ({columns}) VALUES {places}"  # noqa: S608
        params = [_prepared(field, getattr(flip, field.attname)) for flip in part for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)


def update_said(
    model: type[Model],
    columns: Mapping[str, str | None],
    rows: Sequence[Sequence[Any]],
    *params: Any,
    sets: str,
    where: str,
    returning: str = "",
) -> list[Any]:
    """`UPDATE model AS it SET sets FROM said WHERE where`: write many rows, each as `rows` say, with one statement.

    `said` has these columns, and `rows` has their values. A column that is given the name of a field holds what the
    field does: constants that are times, or nothing but nulls, PostgreSQL would take for text. `params` are those of
    `where`. Gives `returning`, a column that `said` does not have, of each row that was written.
    """
    quote = connection.ops.quote_name
    fields: list[Any] = [model._meta.get_field(name) if name else None for name in columns.values()]
    is_typed = connection.vendor == "postgresql"
    casts = [f"::{field.db_type(connection)}" if field is not None and is_typed else "" for field in fields]
    place = f"({', '.join(f'%s{cast}' for cast in casts)})"
    at_once = PARAMS_A_STATEMENT // len(columns)
    found: list[Any] = []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        sql = (
            f"WITH said ({', '.join(map(quote, columns))})"  # noqa: S608
            f" AS (VALUES {', '.join([place] * len(part))})"
            f" UPDATE {quote(model._meta.db_table)} AS it SET {sets} FROM said WHERE {where}"
            f"{f' RETURNING {returning}' if returning else ''}"
        )
        said = [
            _prepared(field, value) if field is not None else value
            for row in part
            for field, value in zip(fields, row, strict=True)
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, [*said, *params])
            if returning:
                found += [row[0] for row in cursor.fetchall()]
    return found


def _write_alike(names: Sequence[str], group: Sequence[RowWrite]) -> set[int]:
    quote = connection.ops.quote_name
    columns = {field.column: field.name for field in _fields(WhatsAppSession, names)}
    sets = [f"{quote(column)} = said.{quote(column)}" for column in columns]
    written = update_said(
        WhatsAppSession,
        {"id": None, "claimant": None, "claim": None, **columns},
        [
            (write.session_id, write.ownership.owner, write.ownership.epoch, *(write.fields[name] for name in names))
            for write in group
        ],
        sets=", ".join((*sets, "version = it.version + 1")),
        where="it.outlet_id = said.id AND it.owner = said.claimant AND it.epoch = said.claim",
        returning="outlet_id",
    )
    return set(written)


def _fields(model: type[Model], names: Iterable[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
