"""Figure 6: the status of 100 outlets over HTTP, against the same view on Django's own ASGI handler under Daphne."""

import contextlib
import socket
from collections.abc import Iterator
from statistics import median
from urllib.parse import urlsplit

from bench.house import Bench, Database, Server, Wire, serve, simulator, until
from bench.processes import BenchError, Child
from bench.table import REPEATS, Figure, median_figure

CONNECTIONS = 8


def figures(bench: Bench) -> Iterator[Figure]:
    count = 100
    seconds = bench.size(5, 1)
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(simulator(bench))
        servers = (stack.enter_context(_ours(bench, wire, count)), stack.enter_context(_stock(bench, wire, count)))
        loads = [stack.enter_context(load(server)) for server in servers]
        for one, server in zip(loads, servers, strict=True):
            server.until_healthy(count)
            rate(one, CONNECTIONS, 1)  # warms it
        runs, costs = [], []
        for _ in range(REPEATS):
            measured = [_rate_and_cost(one, server, seconds) for one, server in zip(loads, servers, strict=True)]
            runs.append([answers for answers, _ in measured])
            costs.append([cost for _, cost in measured])
    ours, stock = zip(*runs, strict=True)
    ours_ms, stock_ms = (1000 * median(each) for each in zip(*costs, strict=True))
    yield median_figure(
        f"HTTP status of {count} with a token : stock Django ASGI",
        [mine / theirs for mine, theirs in runs],
        floor=2, aim=3, unit="x", more_is_better=True,
        detail=f"{median(ours):.0f} against {median(stock):.0f} requests/s, {CONNECTIONS} connections; CPU of one "
        f"{ours_ms:.2f} ms against {stock_ms:.2f} ms, {median(theirs / mine for mine, theirs in costs):.2f} x",
    )  # fmt: skip


def _rate_and_cost(load: Child, server: Server, seconds: float) -> tuple[float, float]:
    """Answers a second, and the server's seconds of CPU for each, its sessions' own work included."""
    before = server.child.cpu_s()
    answers_a_second = rate(load, CONNECTIONS, seconds)
    return answers_a_second, (server.child.cpu_s() - before) / (answers_a_second * seconds)


def rate(load: Child, connections: int, seconds: float) -> float:
    """Answers a second."""
    answer = load.ask(connections=connections, seconds=seconds, patience_s=seconds + 90)
    if answer["errors"]:
        raise BenchError(f"{answer['errors']} requests failed")
    return float(answer["answers"] / answer["seconds"])


def load(server: Server) -> Child:
    """Something that asks for the status, in a process of its own."""
    address = urlsplit(server.url)
    return Child(
        "-m", "bench.programs.load", str(address.hostname), str(address.port), "/api/outlets/status", server.token
    )


@contextlib.contextmanager
def _ours(bench: Bench, wire: Wire, count: int) -> Iterator[Server]:
    with serve(Database(bench, wire, count)) as server:
        yield server


@contextlib.contextmanager
def _stock(bench: Bench, wire: Wire, count: int) -> Iterator[Server]:
    database = Database(bench, wire, count)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = ("-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "bench.programs.stock:application")
    with Child(*command, env=database.env, errors=database.folder / "server.log") as child:
        until(lambda: _listens(port), "Daphne to listen")
        yield Server(child, database.token, f"http://127.0.0.1:{port}")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
