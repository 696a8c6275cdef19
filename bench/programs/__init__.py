"""Programs that the bench runs in processes of their own. They print JSON lines, and some take orders likewise."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any


async def orders() -> AsyncIterator[dict[str, Any]]:
    """The JSON lines of standard input, until its end."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield json.loads(line)
