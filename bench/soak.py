"""Figure 3: 10,000 linked outlets in one process, for ten minutes."""

import time
from collections.abc import Iterator

from bench.house import Bench, Database, files_allowed, serve, simulator
from bench.processes import BenchError
from bench.table import Figure

SPARE_FILES = 500


def figures(bench: Bench) -> Iterator[Figure]:
    count, minutes = bench.size(10_000, 2000), bench.size(10, 1)
    if files_allowed() < count + SPARE_FILES:
        raise BenchError(f"{count:,} sockets need `ulimit -n {count + SPARE_FILES}`, {files_allowed():,} are allowed")
    with simulator(bench) as wire:
        database = Database(bench, wire, count)
        with serve(database) as server:
            began = time.monotonic()
            server.until_healthy(count, patience_s=600)
            print(f"    {count:,} connected after {time.monotonic() - began:.0f} s", flush=True)
            before = wire.control.counts()
            most = 0.0
            for _ in range(minutes * 6):
                time.sleep(10)
                most = max(most, server.child.memory(settle_s=0) / 2**20)
            after = wire.control.counts()
            healthy = server.status()["healthy"]
    dropped = max(after["dials"] - before["dials"], count - after["sockets"], count - healthy)
    said = f"{after['pings'] - before['pings']:,} pings answered, {after['mistakes']} mistakes"
    yield Figure(f"{count:,} outlets for {minutes} min: drops", dropped, floor=0, aim=0, detail=said)
    yield Figure("    memory at most", most, floor=900, aim=450, unit="MiB")
