"""Processes of our own: started, spoken to in lines of JSON, weighed, ended."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0


class BenchError(Exception):
    """A figure could not be measured; the text says why."""


class Child:
    """A process that prints JSON lines. Use it in a `with` block: it ends there, whatever happened."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None, errors: Path | None = None) -> None:
        self.name = " ".join(command[:3])
        self._errors = errors.open("ab") if errors else None
        self._process = subprocess.Popen(
            [sys.executable, *command] if command[0] != "node" else list(command),
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._errors:
            self._errors.close()

    def line(self, patience_s: float = PATIENCE_S) -> str:
        """The next line that it prints. Raises BenchError if none comes."""
        try:
            line = self._lines.get(timeout=patience_s)
        except queue.Empty:
            raise BenchError(f"{self.name} said nothing for {patience_s:.0f} s") from None
        if not line:
            raise BenchError(f"{self.name} ended with {self._process.wait()}")
        return line

    def answer(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        return dict(json.loads(self.line(patience_s)))

    def ask(self, patience_s: float = PATIENCE_S, **order: Any) -> dict[str, Any]:
        """Send an order as one line, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self.answer(patience_s)

    def memory(self, settle_s: float = 2.0) -> int:
        """Its proportional set size in bytes, once it has settled."""
        time.sleep(settle_s)
        for row in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if row.startswith("Pss:"):
                return int(row.split()[1]) * 1024
        raise BenchError("this system does not say how much memory a process has")

    def cpu_s(self) -> float:
        """The seconds of CPU that it has taken so far: what else the machine does says nothing about them."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")


def run(*command: str, env: Mapping[str, str], patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """Run a program to its end and give the JSON that it printed last."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        timeout=patience_s,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"{' '.join(command[:3])} ended with {done.returncode}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
