"""`python -m whatsapp.simulator`: a simulator in a process of its own, until it is told to stop.

It prints one line of JSON when it listens: {"url": …, "control": …, "root_key": …}.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence

from whatsapp.simulator.server import Simulator


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--root-seed", default=None, help="the same seed gives the same root key")
    parser.add_argument("--refs", type=int, default=6, help="QR codes in one pairing")
    parser.add_argument("--state", default=None, help="JSON file that keeps phones and linked devices")
    parser.add_argument("--phone", action="append", default=[], metavar="NUMBER[=NAME]", help="add a phone")


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    simulator = Simulator(root_seed=options.root_seed, state=options.state, qr_refs=options.refs)
    for phone in options.phone:
        number, _, name = phone.partition("=")
        simulator.add_phone(number, name=name)
    await simulator.start(options.host, options.port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    line = {"url": simulator.url, "control": simulator.control_url, "root_key": simulator.root_key.hex()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    try:
        await stop.wait()
    finally:
        await simulator.stop()


def serve(options: argparse.Namespace) -> None:
    """`run` on the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(run(options))
    else:
        uvloop.run(run(options))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m whatsapp.simulator", description=__doc__)
    add_arguments(parser)
    serve(parser.parse_args(arguments))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
