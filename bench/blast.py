"""The figures of blasts: messages a second, rows on disk, imports, and what a running blast costs everybody else."""

import contextlib
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from bench.house import Bench, Database, blank, serve, simulator
from bench.http import load, rate
from bench.processes import BenchError, Child, run
from bench.push import DASHBOARDS
from bench.table import REPEATS, Figure, median_figure, quantile

OUTLETS = 20
BAILEYS = "bench/programs/baileys_blast.mjs"


def figures(bench: Bench) -> Iterator[Figure]:
    yield from _messages(bench)
    yield from _rows(bench)
    yield from _others(bench)


def _messages(bench: Bench) -> Iterator[Figure]:
    """Ours and Baileys, each in one process, to the same simulator, to people that nobody wrote to before."""
    count = bench.size(1000, 200)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(simulator(bench))
        database = Database(bench, wire, OUTLETS)
        database.env["BLAST_PACING"] = "off"
        ours = stack.enter_context(database.program("blast_sender"))
        ours.answer()
        baileys = stack.enter_context(Child("node", BAILEYS, wire.url, errors=bench.folder / "baileys.log"))
        baileys.answer()
        linked = wire.control.order("link_directly", numbers=wire.numbers(OUTLETS))["credentials"]
        _ask(baileys, do="log in", credentials=linked)
        first = 0
        runs = []
        for turn in range(bench.size(REPEATS, 2) + 1):
            pair = []
            for way, order in ((ours, {}), (baileys, {"do": "send"})):
                people = wire.control.add_recipients(count, lazy=True, first=first)
                first += count
                answer = _ask(way, **order, people=people)
                if answer["messages"] != count:
                    raise BenchError(f"{answer['messages']} of {count} messages were sent")
                pair.append(count / answer["seconds"])
            if turn:  # the first one warms
                runs.append(pair)
        totals = wire.control.totals()
        if totals["repeats"] or totals["undecryptable"] or totals["ignored"]:
            raise BenchError(f"phones could not read every message once: {totals}")
    mine, theirs = zip(*runs, strict=True)
    yield median_figure(
        f"messages/s end to end, {OUTLETS} outlets : Baileys",
        [one / other for one, other in runs],
        floor=1, aim=3, unit="x", more_is_better=True,
        detail=f"{median(mine):.0f} against {median(theirs):.0f} messages/s, one process each, {count} messages a run",
    )  # fmt: skip


def _ask(child: Child, **order: Any) -> dict[str, Any]:
    answer = child.ask(patience_s=300, **order)
    if "error" in answer:
        raise BenchError(f"{child.name}: {answer['error']}")
    return answer


def _rows(bench: Bench) -> Iterator[Figure]:
    program = "bench.programs.blast_rows"
    count = bench.size(4000, 500)
    steps = run("-m", program, "steps", str(count), str(REPEATS), env=blank(bench)[1], patience_s=300)
    yield median_figure(
        "durable claims and outcomes/s : plain ORM commits",
        [mine / theirs for mine, theirs in zip(steps["ours"], steps["plain"], strict=True)],
        floor=0.25, aim=1, unit="x", more_is_better=True,
        detail=f"{median(steps['ours']):.0f} against {median(steps['plain']):.0f} a second, {OUTLETS} outlets",
    )  # fmt: skip
    count = bench.size(10_000, 2000)
    times = run("-m", program, "import", str(count), str(REPEATS), env=blank(bench)[1], patience_s=300)
    yield median_figure(
        f"import of {count:,} rows : bare parse and bulk_create",
        [mine / theirs for mine, theirs in zip(times["ours"], times["bare"], strict=True)],
        floor=4, aim=2, unit="x",
        detail=f"{median(times['ours']):.2f} s against {median(times['bare']):.2f} s",
    )  # fmt: skip


def _others(bench: Bench) -> Iterator[Figure]:
    """Status and dashboards of a server, idle and while 20 of its outlets send at the fastest pace that is sensible."""
    outlets, seconds, events = 100, bench.size(4, 1), bench.size(40, 10)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(simulator(bench))
        database = Database(bench, wire, outlets)
        server = stack.enter_context(serve(database))
        server.until_healthy(outlets)
        asking = stack.enter_context(load(server))
        command = (server.url, server.token, wire.control_url, str(DASHBOARDS))
        people = wire.control.add_recipients(2000, lazy=True)
        steering = stack.enter_context(database.program("blast_steering", str(OUTLETS)))
        steering.ask(do="make", people=people, patience_s=300)
        dashboards = stack.enter_context(Child("-m", "bench.programs.dashboards", *command))
        quiet = {row["outlet"]["whatsappNumber"]: row["outletId"] for row in server.status()["statuses"][-events:]}
        runs: dict[str, list[tuple[float, float]]] = {"idle": [], "running": []}
        sent = []
        rate(asking, 4, 1)
        for turn in range(bench.size(REPEATS, 2) + 1):
            for state in runs:
                before = steering.ask(do="start" if state == "running" else "pause")["sent"]
                time.sleep(2)  # the worker has heard of it
                began = time.monotonic()
                answers = rate(asking, 4, seconds)
                told = [1000 * each for each in dashboards.ask(numbers=quiet)["seconds"]]
                took = time.monotonic() - began
                server.until_healthy(outlets)
                if turn:
                    runs[state].append((answers, quantile(told, 0.5)))
                    if state == "running":
                        sent.append((steering.ask(do="count")["sent"] - before) / (took + 2))
        if not min(sent):
            raise BenchError("the blast did not run")
    pairs = list(zip(runs["idle"], runs["running"], strict=True))
    said = f"{median(sent):.1f} messages/s from {OUTLETS} of {outlets} outlets"
    yield median_figure(
        "HTTP status while a blast runs : idle",
        [busy[0] / idle[0] for idle, busy in pairs],
        floor=0.8, aim=0.97, unit="x", more_is_better=True,
        detail=f"{median(busy[0] for _, busy in pairs):.0f} against {median(idle[0] for idle, _ in pairs):.0f}"
        f" requests/s; {said}",
    )  # fmt: skip
    yield median_figure(
        f"last of {DASHBOARDS} dashboards told while a blast runs : idle, p50",
        [busy[1] / idle[1] for idle, busy in pairs],
        floor=1.2, aim=1.03, unit="x",
        detail=f"{median(busy[1] for _, busy in pairs):.1f} ms against {median(idle[1] for idle, _ in pairs):.1f} ms",
    )  # fmt: skip
