"""The status read in process: its time beside a nested ModelSerializer's, and its queries.

    python -m bench.programs.status time <outlets> <repeats>        {"ours": [s…], "anew": [s…], "serializer": [s…]}
    python -m bench.programs.status queries <outlets>…      {"in_process": n, "http": n, "noting": n, "cases": {…}}

The sockets are made by hand: what is measured is the reading, and all ways read the same ones. Times are of this
thread on the CPU, so that whatever else the machine does says nothing about either. "anew" is a read for which no
element was kept; "noting" one that also writes down a token's use, once in five minutes for each token.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import ApiToken, Role, User  # noqa: E402
from bench.programs import nested  # noqa: E402
from outlets.models import Outlet  # noqa: E402
from wa_sessions import elements, manager, selectors  # noqa: E402
from wa_sessions.lifecycle_types import Phase  # noqa: E402
from wa_sessions.live import Live  # noqa: E402
from wa_sessions.models import WhatsAppSession  # noqa: E402

READS = 5  # in one run
NOT_QUERIES = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@dataclass(slots=True)
class Socket:
    is_open: bool = True
    answered_at: float = 0.0


def fill(count: int) -> User:
    """`count` connected outlets of this process, whose sockets stand."""
    Outlet.objects.all().delete()
    outlets = Outlet.objects.bulk_create(
        Outlet(name=f"Outlet {place:05d}", whatsapp_number=f"62811{place:08d}") for place in range(count)
    )
    now = datetime.now(UTC)
    WhatsAppSession.objects.bulk_create(
        WhatsAppSession(
            outlet=outlet, intent="ONLINE", status="CONNECTED", session_name="Gerai", connected_at=now, last_seen=now,
            jid=f"{outlet.whatsapp_number}:1@s.whatsapp.net", owner="me", epoch=1,
        )
        for outlet in outlets
    )  # fmt: skip
    clock = time.monotonic()
    snapshot = {
        outlet.pk: Live(
            Phase.OPEN, clock - 60, proof=Socket(answered_at=clock), user=f"{outlet.whatsapp_number}:1@s.whatsapp.net",
            name="Gerai",
        )
        for outlet in outlets
    }  # fmt: skip
    here: Any = SimpleNamespace(
        owner="me", proof_window_s=3600.0, snapshot=lambda: snapshot, nudge=lambda: None, is_ready=True
    )
    manager._current = here
    return User.objects.get_or_create(username="adi", defaults={"role": Role.ADMIN})[0]


def measure_time(count: int, repeats: int) -> dict[str, Any]:
    user = fill(count)
    ways: dict[str, Callable[[User], dict[str, Any]]] = {
        "ours": selectors.status_page,
        "anew": _all_anew,
        "serializer": nested.status_page,
    }
    answers = [way(user) for way in ways.values()]  # warms both, too
    assert len({_without_times(answer) for answer in answers}) == 1, "the ways do not answer the same"
    runs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            began = time.thread_time()
            for _ in range(READS):
                way(user)
            runs[name].append((time.thread_time() - began) / READS)
    return runs


def _all_anew(user: User) -> dict[str, Any]:
    """The first read of a process, or one that finds every outlet changed."""
    elements._kept.clear()
    return selectors.status_page(user)


def _without_times(answer: dict[str, Any]) -> str:
    answer = json.loads(json.dumps({**answer, "at": None}))
    for element in answer["statuses"]:
        element["verifiedAt"] = element["session"]["lastSeen"] = None
    return json.dumps(answer)


def measure_queries(counts: list[int]) -> dict[str, Any]:
    cases = {}
    for count in counts:
        for wrong in sorted({0, 1, count}):
            for way in ("in_process", "http", "noting"):
                user = fill(count)
                cases[f"{way}, {count} outlets, {wrong} mismatches"] = _queries(way, user, wrong)
    worst = {
        way: max(n for case, n in cases.items() if case.startswith(way)) for way in ("in_process", "http", "noting")
    }
    return {**worst, "cases": cases}


def _queries(way: str, user: User, wrong: int) -> int:
    token, row = ApiToken.objects.issue(user, lifetime=timedelta(days=1))
    if way != "noting":
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=datetime.now(UTC))
    client = Client(headers={"Authorization": f"Bearer {token}"})
    some = list(WhatsAppSession.objects.values_list("pk", flat=True)[:wrong])
    WhatsAppSession.objects.filter(pk__in=some).update(status="DISCONNECTED")
    with CaptureQueriesContext(connection) as captured:
        if way == "in_process":
            answer = selectors.status_page(user)
        else:
            answer = client.get("/api/outlets/status", headers={"host": "127.0.0.1"}).json()
    assert sum(element["synced"] for element in answer["statuses"]) == wrong
    return sum(not query["sql"].startswith(NOT_QUERIES) for query in captured.captured_queries)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    if sys.argv[1] == "time":
        print(json.dumps(measure_time(int(sys.argv[2]), int(sys.argv[3]))))
    else:
        print(json.dumps(measure_queries([int(count) for count in sys.argv[2:]])))
