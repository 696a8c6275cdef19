"""Django's SQLite backend for a program with many threads."""

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Closes its cursors in the thread that they belong to, above all where a transaction could not begin.

    Django leaves the cursor of a `BEGIN` that found the database locked to whoever collects garbage next. That is any
    thread, and the event loop's too; and there SQLite waits for the mutex of the connection, for as long as its owner
    waits for the lock.
    """

    def _start_transaction_under_autocommit(self) -> None:
        with self.cursor() as cursor:
            cursor.execute(f"BEGIN {self.transaction_mode or ''}")  # type: ignore[attr-defined]
