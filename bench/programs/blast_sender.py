"""The manager and the blast worker of one process, without the HTTP part, on a database that `fill` made.

python -m bench.programs.blast_sender
{"people": ["628…", …]}: a blast to them from all outlets, unpaced; {"seconds": s, "messages": n} once it is DONE
"""

import asyncio
import json
import time
from typing import Any

import django
import uvloop

django.setup()

from asgiref.sync import sync_to_async  # noqa: E402

from accounts.models import User  # noqa: E402
from bench.programs import orders  # noqa: E402
from blast import services, worker  # noqa: E402
from blast.models import Blast, Recipient  # noqa: E402
from blast.recipients import Row  # noqa: E402
from outlets.models import Outlet  # noqa: E402
from wa_sessions import manager as sessions  # noqa: E402
from wa_sessions.db import run_db  # noqa: E402

LOOK_S = 0.02


def make(people: list[str]) -> Blast:
    """A draft; every person is written to by the outlet whose turn it is."""
    rows = [Row(place, phone, f"Orang {place}") for place, phone in enumerate(people, start=1)]
    body = "Halo {name}! Diskon 20% hari ini."
    return services.blast_create(
        User.objects.get(), name="Bench", body=body, outlets=list(Outlet.objects.order_by("pk")), rows=rows
    )


def is_done(blast: Blast) -> bool:
    return Blast.objects.filter(pk=blast.pk, status="DONE").exists()


def reached(blast: Blast) -> int:
    return Recipient.objects.filter(blast=blast, status__in=("SENT", "DELIVERED", "READ")).count()


async def main() -> None:
    await sessions.start()
    sender = worker.start()
    outlets = await run_db(lambda: list(Outlet.objects.values_list("pk", flat=True)))
    while not all(map(sender.is_healthy, outlets)):  # noqa: ASYNC110  # it says so to nobody
        await asyncio.sleep(LOOK_S)
    print(json.dumps({"open": len(outlets)}), flush=True)
    async for order in orders():
        blast = await sync_to_async(make)(order["people"])
        began = time.perf_counter()
        await sync_to_async(services.blast_start)(blast, await run_db(User.objects.get))
        while not await run_db(is_done, blast):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        answer: dict[str, Any] = {"seconds": time.perf_counter() - began, "messages": await run_db(reached, blast)}
        print(json.dumps(answer), flush=True)
    await worker.stop()
    await sessions.stop()
    worker.close()


if __name__ == "__main__":
    uvloop.run(main())
