"""Who would get which message from whom: the first people of a list or of a draft, each with the name of the sender."""

from collections.abc import Sequence

from blast import selectors
from blast.assignment import assign
from blast.listing import SAMPLES
from blast.models import Blast
from blast.recipients import Row
from blast.states import Assignment
from blast.storing import row_of
from outlets.models import Outlet

Addressed = tuple[Row, str]  # a person, and the name of the outlet that writes; "" where nobody can tell yet


def of_draft(blast: Blast) -> list[Addressed]:
    """The first people of a blast, with the outlets that they were given."""
    rows = selectors.recipients_of(blast).select_related("outlet")[:SAMPLES]
    return [(row_of(row), row.outlet.name) for row in rows]


def of_rows(rows: Sequence[Row], outlets: Sequence[Outlet], how: str) -> list[Addressed]:
    """The first people of a list that is not saved yet, as it would be shared out among these outlets."""
    by_pk = {outlet.pk: outlet.name for outlet in outlets}
    if how == Assignment.LAST_WRITER and len(outlets) > 1:
        # Who was never written to goes to whoever has least, which the first rows alone do not tell.
        writers = selectors.last_writers((row.phone for row in rows), outlets)
        return [(row, by_pk.get(writers.get(row.phone, 0), "")) for row in rows]
    given = assign(rows, outlets, how).outlets
    return [(row, by_pk.get(pk or 0, "")) for row, pk in zip(rows, given, strict=True)]
