"""What the pacing of outlets needs from the database: their limits, their stops, and what they sent lately."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models.functions import Coalesce

from blast import pacing
from blast.models import Pace, Recipient, default_pace
from blast.safety import Stop
from wa_sessions.models import WhatsAppSession


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
        if self.pace.daily_cap is None:
            return None
        day = datetime.fromtimestamp(now, pacing._zone(self.pace.zone)).date()
        cap = max(1, int(self.pace.daily_cap * pacing.share(now, self.pace, self.history.linked_at) + 1e-9))
        return max(0, cap - self.history.on(day))


def pacers(outlets: Collection[int], now: float) -> dict[int, Pacer]:
    """For each of these outlets, as the database has it."""
    rows = {row.pk: row for row in Pace.objects.filter(pk__in=list(outlets))}
    linked = dict(WhatsAppSession.objects.filter(pk__in=list(outlets)).values_list("pk", "linked_at"))
    since = pacing.history_from(now, default_pace())
    times: dict[int, list[float]] = defaultdict(list)
    sent = Recipient.objects.filter(outlet__in=list(outlets), claimed_at__gte=datetime.fromtimestamp(since, UTC))
    for outlet, at in sent.order_by().values_list("outlet", Coalesce("sent_at", "claimed_at")):
        times[outlet].append(at.timestamp())
    made = {}
    for outlet in outlets:
        row, linked_at = rows.get(outlet), linked.get(outlet)
        pace = row.settings if row is not None else default_pace()
        history = pacing.History(times[outlet], pace, linked_at.timestamp() if linked_at is not None else None)
        made[outlet] = Pacer(pace, history, row.stop if row else None, row.released_at if row else None)
    return made
