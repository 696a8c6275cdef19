"""A blast on the database of a server that runs: made, started, paused, counted.

    python -m bench.programs.blast_steering <outlets>
then lines {"do": "make", "people": […]}, {"do": "start"}, {"do": "pause"}, {"do": "count"}: {"sent": n}
"""

import json
import sys
from datetime import time
from typing import Any

import django

django.setup()

from accounts.models import User  # noqa: E402
from blast import services  # noqa: E402
from blast.models import Blast, Pace, Recipient, default_fields  # noqa: E402
from blast.recipients import Row  # noqa: E402
from outlets.models import Outlet  # noqa: E402

# A message each ten seconds at most and no quiet hours: faster numbers are lost soon, whatever the program can do.
PACE = {"delay_s": 10.0, "per_minute": 6, "daily_cap": None, "quiet_from": time(0), "quiet_to": time(0), "ramp_days": 0}


def make(outlets: int, people: list[str]) -> Blast:
    chosen = list(Outlet.objects.order_by("pk")[:outlets])
    for outlet in chosen:
        Pace.objects.create(outlet=outlet, **{**default_fields(), **PACE})
    rows = [Row(place, phone, f"Orang {place}") for place, phone in enumerate(people, start=1)]
    return services.blast_create(User.objects.get(), name="Bench", body="Halo {name}!", outlets=chosen, rows=rows)


def steer(order: dict[str, Any], outlets: int) -> int:
    user, blast = User.objects.get(), Blast.objects.first()
    if order["do"] == "make":
        blast = make(outlets, order["people"])
    assert blast is not None
    if order["do"] == "start":
        (services.blast_resume if blast.status == "PAUSED" else services.blast_start)(blast, user)
    elif order["do"] == "pause" and blast.status == "RUNNING":
        services.blast_pause(blast, user)
    return Recipient.objects.filter(blast=blast).exclude(sent_at=None).count()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps({"sent": steer(json.loads(line), int(sys.argv[1]))}), flush=True)
