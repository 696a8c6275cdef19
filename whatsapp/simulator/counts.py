"""What the simulated server counts, and the protocol mistakes that it saw."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_MAX_MISTAKES: Final = 10_000


@dataclass(slots=True)
class Counts:
    """Of one account, or of all. An account is known only once its client said who it is: with the login payload, or
    when a phone accepted it. So `dials` that die before count only for all."""

    sockets: int = 0  # open now
    max_sockets: int = 0  # the most that were ever open at once
    dials: int = 0  # for all: WebSocket requests; for one account: those that identified themselves as it
    logins: int = 0  # ended in <success>
    failures: int = 0  # ended in <failure>
    pairings: int = 0
    pings: int = 0  # keepalive queries of clients
    acks: int = 0
    receipts: int = 0
    queries: int = 0
    messages: int = 0  # of clients, passed on
    refused_messages: int = 0  # acknowledged with an error
    mistakes: int = 0
    last_dial_at: float = 0.0  # seconds since 1970

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that a client did and the real server would not have taken."""

    reason: str
    number: str | None  # of the account, where it was known
    device: int | None
    at: float = field(default_factory=time.time)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Ledger:
    """All counts of a simulator."""

    def __init__(self) -> None:
        self.total = Counts()
        self.mistakes: deque[Mistake] = deque(maxlen=_MAX_MISTAKES)
        self._accounts: dict[str, Counts] = {}

    def of(self, number: str | None) -> Counts:
        """The counts of one account, or of all for None."""
        if number is None:
            return self.total
        counts = self._accounts.get(number)
        if counts is None:
            counts = self._accounts[number] = Counts()
        return counts

    def count(self, what: str, number: str | None = None) -> None:
        """Add one to `what`, for all and for the account if there is one."""
        for counts in (self.total, self.of(number)) if number else (self.total,):
            setattr(counts, what, getattr(counts, what) + 1)

    def dialled(self, number: str | None = None) -> None:
        """For all when the request comes, for the account when it is known."""
        counts = self.of(number)
        counts.dials += 1
        counts.last_dial_at = time.time()

    def opened(self, number: str | None = None) -> None:
        counts = self.of(number)
        counts.sockets += 1
        counts.max_sockets = max(counts.max_sockets, counts.sockets)

    def closed(self, number: str | None = None) -> None:
        self.of(number).sockets -= 1

    def mistake(self, reason: str, number: str | None = None, device: int | None = None) -> None:
        self.mistakes.append(Mistake(reason, number, device))
        self.count("mistakes", number)

    def reset(self) -> None:
        """Start counting anew; sockets that are open stay counted."""
        self.mistakes.clear()
        for number in (None, *self._accounts):
            counts = self.of(number)
            fresh = Counts(sockets=counts.sockets, max_sockets=counts.sockets)
            if number is None:
                self.total = fresh
            else:
                self._accounts[number] = fresh
