"""Figure 8: WhatsApp is away for ten seconds, and comes back."""

import time
from collections.abc import Iterator

from bench.house import Bench, Database, serve, simulator, until
from bench.table import REPEATS, Figure, median_figure

AWAY_S = 10.0


def figures(bench: Bench) -> Iterator[Figure]:
    count = bench.size(1000, 200)
    seconds, dials = [], []
    with simulator(bench) as wire:
        database = Database(bench, wire, count)
        with serve(database) as server:
            server.until_healthy(count)
            for _ in range(bench.size(REPEATS, 1)):
                before = wire.control.counts()
                wire.control.fault("refuse")
                wire.control.fault("drop")
                time.sleep(AWAY_S)
                wire.control.lift()
                lifted = time.monotonic()
                until(lambda: wire.control.counts()["logins"] - before["logins"] >= count, "all to log in", 120)  # noqa: B023
                server.until_healthy(count)
                seconds.append(time.monotonic() - lifted)
                dials.append((wire.control.counts()["dials"] - before["dials"]) / count)
                time.sleep(3)
    yield median_figure(
        f"{count:,} outlets back after {AWAY_S:.0f} s without WhatsApp", seconds, floor=10, aim=5, unit="s"
    )
    yield median_figure("    dials of each for it, as the simulator counts", dials, floor=1.1, aim=1.02)
