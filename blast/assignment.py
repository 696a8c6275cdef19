"""Which outlet writes to whom. Pure, and the same input always gives the same answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.core.exceptions import ValidationError

from blast.problems import Code, Problem, Refused, excerpt
from blast.states import Assignment
from outlets.numbers import normalise


class AnOutlet(Protocol):
    """What is asked of an `outlets.models.Outlet`."""

    pk: int
    name: str
    whatsapp_number: str


class ARow(Protocol):
    """What is asked of a `recipients.Row`."""

    @property
    def line(self) -> int: ...
    @property
    def phone(self) -> str: ...
    @property
    def outlet(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Assigned:
    """For each row, in their order, the pk of its outlet; None where `problems` says why."""

    outlets: list[int | None]
    problems: list[Problem]

    @property
    def counts(self) -> dict[int, int]:
        """How many each outlet has got; those without any are missing."""
        counts: dict[int, int] = {}
        for pk in self.outlets:
            if pk is not None:
                counts[pk] = counts.get(pk, 0) + 1
        return counts


def assign(
    rows: Sequence[ARow],
    outlets: Sequence[AnOutlet],
    how: str,
    last_writer: Mapping[str, int] | None = None,
) -> Assigned:
    """Give each row one of the `outlets`. Without any outlet every row is refused by one problem without a line.

    EVEN deals the rows out like cards, the outlets in the order of their pk. COLUMN takes the outlet that the row names
    by its name, WhatsApp number or id (`outlet_7` or 7). LAST_WRITER takes the outlet that `last_writer` has for the
    phone, if it is chosen here, and deals the rest to whoever has least.
    """
    chosen = sorted(outlets, key=lambda outlet: outlet.pk)
    if not chosen:
        return Assigned([None] * len(rows), [Refused(Code.NOBODY_SENDS).problem])
    if how == Assignment.COLUMN:
        return _by_column(rows, chosen)
    if how == Assignment.LAST_WRITER:
        return Assigned(_by_last_writer(rows, chosen, last_writer or {}), [])
    return Assigned([chosen[i % len(chosen)].pk for i in range(len(rows))], [])


def _by_last_writer(
    rows: Sequence[ARow], chosen: Sequence[AnOutlet], last_writer: Mapping[str, int]
) -> list[int | None]:
    loads = {outlet.pk: 0 for outlet in chosen}
    given: list[int | None] = []
    for row in rows:
        pk = last_writer.get(row.phone)
        given.append(pk if pk in loads else None)
        if pk is not None and pk in loads:
            loads[pk] += 1
    for i, pk in enumerate(given):
        if pk is None:
            least = min(loads, key=loads.__getitem__)
            given[i] = least
            loads[least] += 1
    return given


def _by_column(rows: Sequence[ARow], chosen: Sequence[AnOutlet]) -> Assigned:
    outlets = _Outlets(chosen)
    seen: dict[str, int | Code] = {}  # the same few words stand in thousands of rows
    given: list[int | None] = []
    problems = []
    for row in rows:
        found = seen.get(row.outlet)
        if found is None:
            found = seen[row.outlet] = outlets.find(row.outlet)
        if isinstance(found, Code):
            problems.append(Problem(row.line, found, {"value": excerpt(row.outlet)}))
            given.append(None)
        else:
            given.append(found)
    return Assigned(given, problems)


class _Outlets:
    """Finds outlets by what people write."""

    def __init__(self, chosen: Sequence[AnOutlet]) -> None:
        self._ids = {outlet.pk for outlet in chosen}
        self._numbers = {outlet.whatsapp_number: outlet.pk for outlet in chosen}
        self._names: dict[str, list[int]] = {}
        for outlet in chosen:
            self._names.setdefault(_plain(outlet.name), []).append(outlet.pk)

    def find(self, written: str) -> int | Code:
        """The pk, or why there is none. A name goes before an id: outlets may be called "7"."""
        if not (plain := _plain(written)):
            return Code.NO_OUTLET
        if named := self._names.get(plain):
            return named[0] if len(named) == 1 else Code.AMBIGUOUS_OUTLET
        if (marked := re.fullmatch(r"(?:outlet_)?([0-9]{1,9})", plain, re.ASCII)) and int(marked[1]) in self._ids:
            return int(marked[1])
        try:
            return self._numbers.get(normalise(written), Code.UNKNOWN_OUTLET)
        except ValidationError:
            return Code.UNKNOWN_OUTLET


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
