"""The one statement that every read of the status begins with."""

from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from outlets.models import Outlet

# What `session_rows` gives. Times and JSON as the database writes them: to make objects of them, which are then written
# as text again, was half of a read.
COLUMNS = (
    "pk",
    "name",
    "whatsapp_number",
    "is_active",
    "session__status",
    "session__session_name",
    Cast("session__connected_at", TextField()),
    Cast("session__last_seen", TextField()),
    Cast("session__qr_expires_at", TextField()),
    "session__auto_reconnect",
    "session__retry_count",
    "session__max_retries",
    "session__cause",
    Cast("session__cause_detail", TextField()),
    Cast("session__retry_at", TextField()),
    "session__intent",
    "session__jid",
    "session__wish_number",
    "session__wish_done",
    "session__owner",
    "session__version",
)


def session_rows(outlets: QuerySet[Outlet]) -> list[tuple[Any, ...]]:
    """`COLUMNS` of these outlets, by name, as the database driver gives them: yes and no may be 1 and 0.

    They are filtered by the outlet's own columns only, as `visible_to` does. To build the whole statement takes longer
    than to read a hundred outlets with it, so only its condition is built each time.
    """
    try:
        condition, params = outlets.query.get_compiler(connection=connection).compile(outlets.query.where)
    except EmptyResultSet:
        return []
    except FullResultSet:
        condition, params = "", ()
    where = f" WHERE {condition}" if condition else ""
    table = connection.ops.quote_name(Outlet._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"{_select(connection.vendor)}{where} ORDER BY {table}.name, {table}.id", params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@lru_cache
def _select(vendor: str) -> str:
    query: Any = Outlet.objects.order_by().values_list(*COLUMNS).query
    sql: str = query.get_compiler(connection=connection).as_sql()[0]
    return sql
