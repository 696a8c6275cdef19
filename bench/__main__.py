"""`python -m bench`: measure, and print the table."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import blast, http, lag, memory, outage, push, soak, status
from bench.house import Bench, cores, files_allowed
from bench.processes import BenchError
from bench.table import Figure, show, table

GROUPS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "memory": memory.figures,
    "soak": soak.figures,
    "status": status.figures,
    "http": http.figures,
    "push": push.figures,
    "outage": outage.figures,
    "lag": lag.figures,
    "blast": blast.figures,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "soak"), default="all")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, once each")
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="one group of figures; may be repeated")
    options = parser.parse_args()
    wanted = ["soak"] if options.what == "soak" else options.only or list(GROUPS)
    print(f"{cores()} cores, {files_allowed():,} open files allowed, Python {sys.version.split()[0]}\n", flush=True)
    figures, failed = [], 0
    for name in wanted:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="gerai-bench-") as folder:
            try:
                for figure in GROUPS[name](Bench(Path(folder), options.quick)):
                    figures.append(figure)
                    show(figure)
            except BenchError as error:
                failed += 1
                print(f"FAILED: {name}: {error}")
        print(f"  {name}: {time.monotonic() - began:.0f} s\n", flush=True)
    print(table(figures))
    return 1 if failed or any(figure.verdict == "MISSED" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
