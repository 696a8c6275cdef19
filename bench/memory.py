"""Figures 1 and 2: what one linked, idle outlet costs in memory, against a bare WebSocket client and against Baileys.

Each cost is the difference between many connections and few, divided: what the process needs anyhow is not counted.
"""

import shutil
from collections.abc import Iterator
from statistics import median

from bench.house import Bench, Database, Wire, serve, simulator, until
from bench.processes import ROOT, Child
from bench.table import REPEATS, Figure, median_figure

FEW = 20
WARM = 5  # sessions of Baileys
AT_ONCE = 10
QUERIES = 2  # that a client asks before it is settled


def figures(bench: Bench) -> Iterator[Figure]:
    count = bench.size(2000, 300)
    repeats = bench.size(REPEATS, 1)
    with simulator(bench) as wire:
        few, many = Database(bench, wire, FEW), Database(bench, wire, count)
        bare, engine, house, read = [], [], [], []
        for _ in range(repeats):
            bare.append(_bare(wire, count))
            engine.append(_engine(wire, count))
            idle, used = _house(wire, few, many)
            house.append(idle)
            read.append(used)
    beside = f"bare {_kib(bare)}, engine alone {_kib(engine)}, whole house {_kib(house)} for each of {count:,}"
    yield median_figure(
        "memory per outlet, engine alone : bare client",
        [mine / theirs for mine, theirs in zip(engine, bare, strict=True)],
        floor=4, aim=2, unit="x", detail=beside,
    )  # fmt: skip
    beside += f"; {_kib(read)} once the status of all was read"
    yield median_figure(
        "memory per outlet, whole house : bare client",
        [mine / theirs for mine, theirs in zip(house, bare, strict=True)],
        floor=4, aim=2, unit="x", detail=beside,
    )  # fmt: skip
    baileys = ROOT / "tests" / "interop" / "node_modules" / "@whiskeysockets" / "baileys"
    if not shutil.which("node") or not baileys.is_dir():
        print("SKIPPED: Node with its packages is missing: nothing was compared with Baileys.")
        return
    sessions = bench.size(100, 30)
    with simulator(bench) as wire:
        pairs = [_baileys(wire, sessions) for _ in range(repeats)]
    theirs = [each for _, each in pairs]
    base = median(first for first, _ in pairs) / 2**20
    yield median_figure(
        "memory per outlet, Baileys : whole house",
        [their / mine for mine, their in zip(house, theirs, strict=True)],
        floor=15, aim=30, unit="x", more_is_better=True,
        detail=f"Baileys {_kib(theirs)} for each of {sessions}, and {base:.0f} MiB before the first",
    )  # fmt: skip


def _bare(wire: Wire, count: int) -> float:
    with Child("-m", "bench.programs.bare", wire.url) as child:
        child.ask(count=FEW)
        before = child.memory()
        child.ask(count=count)
        return (child.memory() - before) / (count - FEW)


def _engine(wire: Wire, count: int) -> float:
    numbers = wire.numbers(count)
    with Child("-m", "bench.programs.engine", wire.url, wire.root_key, wire.control_url) as child:
        child.ask(numbers=numbers[:FEW])
        before = child.memory()
        child.ask(numbers=numbers[FEW:])
        return (child.memory() - before) / (count - FEW)


def _house(wire: Wire, few: Database, many: Database) -> tuple[float, float]:
    """Bytes for each outlet: linked and idle, and after somebody has read the status of all."""
    sizes = []
    for database in (few, many):
        settled = wire.control.counts()["queries"] + QUERIES * len(database.numbers)
        with serve(database) as server:
            until(lambda: wire.control.counts()["queries"] >= settled, "all to settle", 180, 0.25)  # noqa: B023
            idle = server.child.memory(settle_s=5)
            server.until_healthy(len(database.numbers))
            sizes.append((idle, server.child.memory()))
    count = len(many.numbers) - len(few.numbers)
    return (sizes[1][0] - sizes[0][0]) / count, (sizes[1][1] - sizes[0][1]) / count


def _baileys(wire: Wire, count: int) -> tuple[float, float]:
    """Bytes before the first session, and of each."""
    with Child("node", "--expose-gc", "bench/programs/baileys.mjs", wire.url) as child:
        child.answer()
        base = child.memory()
        _log_in(child, wire, WARM)
        before = child.memory()
        for start in range(0, count, AT_ONCE):
            _log_in(child, wire, min(AT_ONCE, count - start))
        return base, (child.memory() - before) / count


def _log_in(child: Child, wire: Wire, count: int) -> None:
    linked = wire.control.order("link_directly", numbers=wire.numbers(count), device_name="Baileys")
    child.ask(credentials=linked["credentials"])


def _kib(runs: list[float]) -> str:
    return f"{median(runs) / 1024:.1f} KiB"
