"""Accounts that outlive the simulator: kept in a dict of the caller or in a JSON file."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whatsapp.simulator.accounts import Account

State = dict[str, Any] | str | Path | None


def load(state: State) -> list[Account]:
    """The accounts in `state`; none if there is no such file yet."""
    if isinstance(state, str | Path):
        path = Path(state)
        state = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [Account.from_dict(row) for row in (state or {}).get("accounts", ())]


def save(state: State, accounts: Iterable[Account]) -> None:
    """Replace what `state` holds; a file is replaced as a whole."""
    if state is None:
        return
    rows = [account.as_dict() for account in accounts]
    if isinstance(state, dict):
        state["accounts"] = rows
        return
    path = Path(state)
    with tempfile.NamedTemporaryFile(  # beside the file, so that it can take its place at once
        "w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8"
    ) as file:
        json.dump({"accounts": rows}, file)
    Path(file.name).replace(path)
