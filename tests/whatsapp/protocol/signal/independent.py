"""libsignal and Baileys in a process of their own, to check against."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.interop.baileys import NODE

SCRIPT = Path(__file__).with_name("independent.mjs")


class Independent:
    """Asks and waits for the answer, one at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE or "node", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Raises RuntimeError with the text of the error over there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": what, **details}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
