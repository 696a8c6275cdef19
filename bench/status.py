"""Figures 4 and 5: reading the status in process, in time and in queries."""

from collections.abc import Iterator
from statistics import median

from bench.house import Bench, blank
from bench.processes import run
from bench.table import REPEATS, Figure, median_figure


def figures(bench: Bench) -> Iterator[Figure]:
    count = bench.size(1000, 200)
    times = run("-m", "bench.programs.status", "time", str(count), str(REPEATS), env=blank(bench)[1])
    ours, nested = times["ours"], times["serializer"]
    anew = [theirs / mine for mine, theirs in zip(times["anew"], nested, strict=True)]
    yield median_figure(
        f"status of {count:,} in process : nested ModelSerializer",
        [theirs / mine for mine, theirs in zip(ours, nested, strict=True)],
        floor=4.5, aim=10, unit="x", more_is_better=True,
        detail=f"{median(ours) * 1000:.1f} ms against {median(nested) * 1000:.1f} ms; {median(anew):.1f} x where all "
        "outlets changed since the read before",
    )  # fmt: skip
    counts = ("1", "20", str(count))
    found = run("-m", "bench.programs.status", "queries", *counts, env=blank(bench)[1])
    worst = max((case for case in found["cases"] if case.startswith("http")), key=found["cases"].get)
    yield Figure(
        "database queries per status read",
        found["http"], floor=4, aim=3,
        detail=f"{found['in_process']} in process; the most is: {worst}; "
        f"{found['noting']} where a token's use is noted too, once in 5 minutes",
    )  # fmt: skip
