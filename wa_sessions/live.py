"""What the sockets prove right now. Pure data: the manager swaps it, everybody reads it, from any thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from wa_sessions.lifecycle_types import UNDER_WAY, Phase
from wa_sessions.states import Status


class Proof(Protocol):
    """The part of a connection that proves that it lives; read from other threads, so plain attributes only."""

    @property
    def is_open(self) -> bool: ...

    @property
    def answered_at(self) -> float:
        """Monotonic seconds of the last word from the server."""


@dataclass(frozen=True, slots=True)
class Live:
    """One outlet, as its owner's memory has it."""

    phase: Phase
    since: float  # monotonic seconds, of `phase`
    proof: Proof | None = None  # while there is a socket
    user: str = ""  # the jid that the server confirmed in this connection
    name: str = ""
    has_qr: bool = False
    is_settled: bool = True  # the row says what it will say: nothing waits to be written
    waits_for_network: bool = False

    def is_verified(self, now: float, window_s: float) -> bool:
        """The four checks: a socket in memory, a confirmed user, open, and an answer within the keepalive window."""
        proof = self.proof
        return (
            self.phase is Phase.OPEN
            and proof is not None
            and bool(self.user)
            and proof.is_open
            and now - proof.answered_at <= window_s
        )

    def status(self, now: float, window_s: float) -> Status:
        """The live status: CONNECTED, CONNECTING or DISCONNECTED."""
        if self.is_verified(now, window_s):
            return Status.CONNECTED
        return Status.CONNECTING if self.phase in UNDER_WAY else Status.DISCONNECTED


Snapshot = Mapping[int, Live]
NOTHING = Live(Phase.IDLE, float("-inf"))
