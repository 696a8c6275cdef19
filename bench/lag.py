"""Figure 9: how late the loop that holds 2,000 sockets is, while the status of all of them is asked again and again."""

import contextlib
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.house import Bench, Database, serve, simulator
from bench.http import load, rate
from bench.table import REPEATS, Figure, median_figure, quantile

CONNECTIONS = 4


def figures(bench: Bench) -> Iterator[Figure]:
    count = bench.size(2000, 300)
    seconds = bench.size(10, 3)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(simulator(bench))
        database = Database(bench, wire, count)
        server = stack.enter_context(serve(database, "bench.programs.probed"))
        server.until_healthy(count)
        asking = stack.enter_context(load(server))
        time.sleep(5)
        file = database.folder / "lag"
        idle = _since(file, 0)[-600:]
        runs, rates = [], []
        for _ in range(REPEATS):
            before = file.stat().st_size
            rates.append(rate(asking, CONNECTIONS, seconds))
            runs.append(1000 * quantile(_since(file, before), 0.99))
    yield median_figure(
        f"loop lag with {count:,} sockets under status load, p99", runs, floor=20, aim=8, unit="ms",
        detail=f"{median(rates):.1f} reads of all {count:,} a second; idle p99 {1000 * quantile(idle, 0.99):.1f} ms",
    )  # fmt: skip


def _since(file: Path, offset: int) -> list[float]:
    late = array("d")
    late.frombytes(file.read_bytes()[offset:])
    return list(late)
