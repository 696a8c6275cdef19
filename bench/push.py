"""Figure 7: a line breaks, and 100 open dashboards hear of it."""

from collections.abc import Iterator
from statistics import median

from bench.house import Bench, Database, serve, simulator
from bench.processes import Child
from bench.table import REPEATS, Figure, median_figure, quantile

DASHBOARDS = 100


def figures(bench: Bench) -> Iterator[Figure]:
    events = bench.size(200, 30)  # in one run; each breaks the line of another outlet
    with simulator(bench) as wire:
        database = Database(bench, wire, events)
        with serve(database) as server:
            server.until_healthy(events)
            command = (server.url, server.token, wire.control_url, str(DASHBOARDS))
            with Child("-m", "bench.programs.dashboards", *command) as dashboards:
                runs = []
                for _ in range(bench.size(REPEATS, 2)):
                    ids = {row["outlet"]["whatsappNumber"]: row["outletId"] for row in server.status()["statuses"]}
                    seconds = []
                    for start in range(0, events, 50):
                        seconds += dashboards.ask(numbers=dict(list(ids.items())[start : start + 50]))["seconds"]
                    runs.append([1000 * each for each in seconds])
                    server.until_healthy(events)
    yield median_figure(
        f"line broken -> last of {DASHBOARDS} dashboards told, p99",
        [quantile(run, 0.99) for run in runs],
        floor=100, aim=30, unit="ms",
        detail=f"p50 {median(quantile(run, 0.5) for run in runs):.1f} ms, {events} events a run",
    )  # fmt: skip
