"""What the lifecycle speaks of: its state, what can happen to it, and what it may ask for."""

import enum
import math
from dataclasses import dataclass
from typing import Any

from wa_sessions.states import Intent, Status, Wish
from whatsapp.ends import End


@dataclass(frozen=True, slots=True)
class Policy:
    """How retries go, for all outlets: WA_RETRY_DELAY and WA_SLOW_RETRY."""

    retry_delay_s: float = 3.0
    slow_retry: bool = True


class Phase(enum.StrEnum):
    """What is being done about the connection. IDLE, QUEUED and WAITING have no socket, the others have one."""

    IDLE = "idle"  # nothing, until a person asks
    QUEUED = "queued"  # wants to dial, waits for its turn or for the network
    DIALING = "dialing"
    PAIRING = "pairing"
    OPEN = "open"
    UNLINKING = "unlinking"  # logged in, only to have the server remove this device; ends by itself
    WAITING = "waiting"  # until `retry_at`
    CLOSING = "closing"


HAS_SOCKET = frozenset({Phase.DIALING, Phase.PAIRING, Phase.OPEN, Phase.UNLINKING, Phase.CLOSING})
UNDER_WAY = frozenset({Phase.QUEUED, Phase.DIALING, Phase.PAIRING, Phase.WAITING})  # to a connection that stays
CLAIMS_A_CONNECTION = frozenset({Status.CONNECTED, Status.PAUSED, Status.CONNECTING})


@dataclass(frozen=True, slots=True)
class State:
    """All that the machine knows. `status` and what follows it is what the row will say."""

    phase: Phase = Phase.IDLE
    intent: Intent = Intent.OFFLINE
    active: bool = True  # the outlet is in use
    auto_reconnect: bool = True
    max_retries: int = 3
    linked: bool = False  # there are keys that may log in

    status: Status = Status.DISCONNECTED
    retry_count: int = 0
    retry_at: float | None = None  # seconds since 1970
    cause: str = ""
    detail: tuple[tuple[str, Any], ...] = ()
    wish_done: int = 0

    slow_attempts: int = 0  # quiet attempts made since the retries were used up
    timeouts_only: bool = True  # every counted attempt died of waiting
    restarts: int = 0  # 515 in a row
    calm_at: float = math.inf  # when the row is over, if none follows
    reason: str = ""  # of the last change of status: a cause or a wish; goes into the flip
    wants_pairing: bool = False  # a person asked for a QR and none is open yet
    wants_code: bool = False  # and for an 8-character code with it
    unlinking: int = 0  # number of the wish to unlink that is being carried out, 0 for none
    wrong_number: bool = False  # the linked number is not the outlet's: the device must be removed

    @property
    def wants_socket(self) -> bool:
        return self.active and self.intent is not Intent.OFFLINE

    @property
    def retries_used_up(self) -> bool:
        return self.status in (Status.FAILED, Status.TIMEOUT)


# Events


@dataclass(frozen=True, slots=True)
class Wished:
    """A person asked for something. `number` counts the wishes of this outlet."""

    wish: Wish
    intent: Intent
    number: int


@dataclass(frozen=True, slots=True)
class Configured:
    """What people set has changed, or is read for the first time; also carries the number of the wish that did it."""

    active: bool
    auto_reconnect: bool
    max_retries: int
    number: int


@dataclass(frozen=True, slots=True)
class Restored:
    """The server started and owns this outlet now."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """It is this outlet's turn to dial."""


@dataclass(frozen=True, slots=True)
class Woken:
    """The time of `retry_at` has come."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The phone accepted this device and the keys are on disk."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The server confirmed who this connection is. The numbers are digits."""

    number: str
    expected: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is gone; no socket is left. `network_works` says that another outlet got through meanwhile."""

    end: End
    network_works: bool = False


@dataclass(frozen=True, slots=True)
class KeyLost:
    """The saved keys cannot be read; no socket is left."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The server stops: close, and say what is true."""


Event = Wished | Configured | Restored | Admitted | Woken | Linked | LoggedIn | Ended | KeyLost | Stopped


# Effects


class Effect(enum.StrEnum):
    QUEUE = "queue"  # ask for a turn to dial; `Admitted` follows
    QUEUE_FIRST = "queue_first"  # the same for a person who is waiting for it
    LEAVE_QUEUE = "leave_queue"
    DIAL = "dial"  # open a connection with the saved keys
    PAIR = "pair"  # open a connection that shows QR codes
    CLOSE = "close"  # close it; `Ended` follows
    UNLINK = "unlink"  # tell the server to remove this device, then close; `Ended` follows
    WIPE = "wipe"  # forget the keys
    WAKE = "wake"  # `Woken` at `retry_at`, replacing an earlier one
    CODE = "code"  # ask the open pairing connection for an 8-character code


Step = tuple[State, tuple[Effect, ...]]
