"""What the pacing of outlets needs from the database: their limits, their stops, and what they sent lately."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import F

from blast import pacing
from blast.models import Attempt, Pace, default_pace
from blast.safety import Stop
from wa_sessions.models import WhatsAppSession

KEPT = timedelta(days=2)  # attempts: `pacing.history_from` never asks for more


@dataclass(frozen=True, slots=True)
class Attempts:
    """So many messages are about to be sent by an outlet."""

    outlet: int
    at: datetime
    count: int = 1
    instead_of: datetime | None = None  # what was counted for the same message before, and was not sent


@dataclass(slots=True)
class Pacer:
    """One outlet's limits and what counts against them. `stop`: it may send nothing until a person releases it."""

    pace: pacing.Pace
    history: pacing.History
    stop: Stop | None = None
    released_at: datetime | None = None

    @property
    def is_free(self) -> bool:
        """Whether there is no limit at all."""
        pace = self.pace
        is_quiet = pace.quiet_from is not None and pace.quiet_from != pace.quiet_to
        return pace.delay_s == 0 and pace.per_minute is None and pace.daily_cap is None and not is_quiet

    def left_today(self, now: float) -> int | None:
        """How many more messages the daily cap allows today; None without a cap."""
        return pacing.left_today(self.history, self.pace, now)

    def expected_end(self, count: int, now: float, typing_s: float) -> datetime | None:
        """When `count` messages will probably have gone, each typed for so long before.

        None where its limits never allow that many, and where it was stopped: nobody knows when it is let go on.
        """
        if self.stop is not None:
            return None
        end = pacing.expected_end(count, self.history, self.pace, now, typing_s)
        return None if math.isinf(end) else datetime.fromtimestamp(end, UTC)


def pacers(outlets: Collection[int], now: float) -> dict[int, Pacer]:
    """For each of these outlets, as the database has it."""
    rows = {row.pk: row for row in Pace.objects.filter(pk__in=list(outlets))}
    linked = dict(WhatsAppSession.objects.filter(pk__in=list(outlets)).values_list("pk", "linked_at"))
    since = pacing.history_from(now, default_pace())
    times: dict[int, list[float]] = defaultdict(list)
    tried = Attempt.objects.filter(outlet__in=list(outlets), at__gte=datetime.fromtimestamp(since, UTC))
    for outlet, at, count in tried.values_list("outlet", "at", "count"):
        times[outlet] += [at.timestamp()] * count
    made = {}
    for outlet in outlets:
        row, linked_at = rows.get(outlet), linked.get(outlet)
        pace = row.settings if row is not None else default_pace()
        history = pacing.History(times[outlet], pace, linked_at.timestamp() if linked_at is not None else None)
        made[outlet] = Pacer(pace, history, row.stop if row else None, row.released_at if row else None)
    return made


def attempts_write(attempts: Sequence[Attempts]) -> list[None]:
    """Count tries, before the wire. See `wa_sessions.group.Write`."""
    # By hand: it is done with every claim.
    if attempts:
        places = ", ".join(["(%s, %s, %s)"] * len(attempts))
        adapt = connection.ops.adapt_datetimefield_value
        params = [value for each in attempts for value in (each.outlet, adapt(each.at), each.count)]
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {Attempt._meta.db_table} (outlet_id, at, count) VALUES {places}", params)  # noqa: S608
    attempts_take_back([(each.outlet, each.instead_of) for each in attempts if each.instead_of is not None])
    return [None] * len(attempts)


def attempts_take_back(tries: Iterable[tuple[int, datetime]]) -> None:
    """Count tries (outlet, time of the attempt) no more: nothing of them reached the wire."""
    for (outlet, at), count in Counter(tries).items():
        Attempt.objects.filter(outlet=outlet, at=at, count__gte=count).update(count=F("count") - count)


def attempts_forget(now: datetime) -> None:
    """Delete those that no limit counts any more."""
    Attempt.objects.filter(at__lt=now - KEPT).delete()
