"""Faults to order.

A fault strikes for one account or for all. Some strike the connections that are open now, some wait for new ones, at
the stage of the connection where they can strike:

    stage      a new connection is there when                    an account can be told apart
    upgrade    its HTTP request was read                         no: faults for one account cannot strike here
    hello      its first handshake message was read              no
    login      it said who it is (registrations: all only)       yes
    open       <success> was sent                                yes

or a message of a client, at one of these; `skip` so many messages first:

    message    it was read, and nothing was done with it         yes
    taken      it was passed on, and its ack not sent            yes
    acked      its ack was sent                                  yes
    part       one device's part of it is passed on              yes

    kind           strikes                    what happens
    drop           now; new ones: open        the TCP connection is reset
    close          now; new ones: open        the WebSocket is closed properly, with `code` (1000)
    stream_error   now; new ones: open        <stream:error>, `code`, `conflict` ("replaced", "device_removed"), closed
    stream_end     now; new ones: open        <xmlstreamend/>, closed
    garbage        now; new ones: open        nonsense, `which` of GARBAGE; the server does not close
    black_hole     now, and new ones          nothing answered, TCP stays open; new ones: upgrade (one account: login)
    deaf           now, and new ones          keepalive is answered, other queries are not
    slow           now, and new ones          every answer comes `delay_s` late
    refuse         new ones, upgrade          reset, unanswered; `which` "port": port closed and nothing counted
    http           new ones, upgrade          HTTP `code` (503) in place of the upgrade
    certificate    new ones, hello            a bad certificate, `which` of BAD_CERTIFICATES
    failure        new ones, login            <failure reason=`code`>, with `ban_code` and `expire_s` for 402
    no_scan        phones                     no phone recognises a QR code
    ack_error      messages, message          refused with `code` (463)
    ack_delay      messages                   passed on at once, acknowledged `delay_s` late
    no_ack         messages                   passed on, never acknowledged
    token_required messages                   463 for those without the token that their recipient gave (§22)
    damage         messages, part             encs of this sender arrive damaged, unless they were asked for again
    media          uploads                    answered with HTTP `code` (503)

A temporary ban in mid-blast is two orders: failure with 402, and drop at a message.

Kinds that strike "now" strike only the open connections unless `times` says how many new ones follow; the others last
until they are lifted, or until they struck `times` times.
"""

import enum
import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from whatsapp.simulator.authority import BAD_CERTIFICATES
from whatsapp.simulator.exceptions import SimulatorError

GARBAGE: Final = (
    "frame",  # a frame that no key opens
    "node",  # properly sealed bytes that are no node
    "deep",  # properly sealed, nested without end
    "bomb",  # properly sealed, inflates to very much
    "text",  # a text message
    "cut",  # a frame that never ends, and then the connection does
)


class Stage(enum.StrEnum):
    UPGRADE = "upgrade"
    HELLO = "hello"
    LOGIN = "login"
    OPEN = "open"
    MESSAGE = "message"
    TAKEN = "taken"
    ACKED = "acked"
    PART = "part"


class Kind(enum.StrEnum):
    DROP = "drop"
    CLOSE = "close"
    STREAM_ERROR = "stream_error"
    STREAM_END = "stream_end"
    GARBAGE = "garbage"
    BLACK_HOLE = "black_hole"
    DEAF = "deaf"
    SLOW = "slow"
    REFUSE = "refuse"
    HTTP = "http"
    CERTIFICATE = "certificate"
    FAILURE = "failure"
    NO_SCAN = "no_scan"
    ACK_ERROR = "ack_error"
    ACK_DELAY = "ack_delay"
    NO_ACK = "no_ack"
    TOKEN_REQUIRED = "token_required"  # noqa: S105
    DAMAGE = "damage"
    MEDIA = "media"


INSTANT: Final = frozenset((Kind.DROP, Kind.CLOSE, Kind.STREAM_ERROR, Kind.STREAM_END, Kind.GARBAGE))
_FIXED_STAGE: Final = {
    Kind.REFUSE: Stage.UPGRADE,
    Kind.HTTP: Stage.UPGRADE,
    Kind.CERTIFICATE: Stage.HELLO,
    Kind.FAILURE: Stage.LOGIN,
    Kind.ACK_ERROR: Stage.MESSAGE,
    Kind.DAMAGE: Stage.PART,
}
_NO_STAGE: Final = frozenset(
    (Kind.DEAF, Kind.SLOW, Kind.NO_SCAN, Kind.ACK_DELAY, Kind.NO_ACK, Kind.TOKEN_REQUIRED, Kind.MEDIA)
)
MESSAGE_STAGES: Final = frozenset((Stage.MESSAGE, Stage.TAKEN, Stage.ACKED))
_DEFAULT_CODE: Final = {Kind.CLOSE: 1000, Kind.HTTP: 503, Kind.FAILURE: 503, Kind.ACK_ERROR: 463, Kind.MEDIA: 503}


@dataclass(slots=True, eq=False)
class Fault:
    """One order. See the table above for what each field means."""

    kind: Kind
    number: str | None = None  # None: for all
    code: int | None = None
    conflict: str | None = None
    which: str = ""
    ban_code: int | None = None
    expire_s: int | None = None
    delay_s: float = 0.0
    stage: Stage | None = None
    times: int | None = None  # how many new connections, or messages, are still to be struck; None: all until lifted
    skip: int = 0  # how many are let through before
    fault_id: int = 0

    def __post_init__(self) -> None:
        """Fill in what the kind implies. Raises SimulatorError for what cannot be."""
        if self.code is None:
            self.code = _DEFAULT_CODE.get(self.kind)
        if self.kind is Kind.STREAM_ERROR and self.code is None and self.conflict is None:
            raise SimulatorError("a stream error needs a code or a conflict")
        if self.kind in (Kind.SLOW, Kind.ACK_DELAY) and self.delay_s <= 0:
            raise SimulatorError(f"{self.kind} needs delay_s, in seconds")
        if self.kind in (Kind.STREAM_ERROR, Kind.STREAM_END, Kind.GARBAGE) and self.stage in (
            Stage.UPGRADE,
            Stage.HELLO,
        ):
            raise SimulatorError(f"{self.kind} needs a connection whose handshake is done")
        known = {Kind.GARBAGE: GARBAGE, Kind.CERTIFICATE: BAD_CERTIFICATES}.get(self.kind)
        if known and not self.which:
            self.which = known[0]
        if known and self.which not in known:
            raise SimulatorError(f"{self.kind} knows {', '.join(known)}; not {self.which!r}")
        self._settle_stage()
        if self.times is None and self.kind in INSTANT:
            self.times = 1 if self.stage in MESSAGE_STAGES else 0

    def _settle_stage(self) -> None:
        fixed = _FIXED_STAGE.get(self.kind)
        if self.kind in _NO_STAGE:
            self.stage = None
        elif fixed:
            if self.stage not in (None, fixed):
                raise SimulatorError(f"{self.kind} strikes at {fixed} only")
            self.stage = fixed
        elif self.stage is Stage.PART:
            raise SimulatorError(f"{self.kind} cannot strike a part of a message")
        elif self.stage is None:
            early = self.kind is Kind.BLACK_HOLE and self.number is None
            late = Stage.LOGIN if self.kind is Kind.BLACK_HOLE else Stage.OPEN
            self.stage = Stage.UPGRADE if early else late
        if self.number and self.stage in (Stage.UPGRADE, Stage.HELLO):
            raise SimulatorError(f"at {self.stage} nobody has said yet who is calling: order {self.kind} for all")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The orders that stand. An order for one account goes before one for all, a newer before an older."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._orders: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._orders))

    def add(self, fault: Fault) -> None:
        fault.fault_id = next(self._ids)
        if fault.times != 0:
            self._orders.append(fault)

    def lift(self, number: str | None = None, kind: Kind | None = None, fault_id: int | None = None) -> list[Fault]:
        """Take back the orders that match everything given (all of them without arguments). Gives those taken back."""
        lifted = [
            fault
            for fault in self._orders
            if (number is None or fault.number == number)
            and (kind is None or fault.kind is kind)
            and (fault_id is None or fault.fault_id == fault_id)
        ]
        self._orders = [fault for fault in self._orders if fault not in lifted]
        return lifted

    def strike(self, stage: Stage, number: str | None = None) -> Fault | None:
        """The order that a new connection, or a message, has to suffer at this stage; counts it as carried out."""
        if not self._orders:
            return None
        fault = self._find(lambda fault: fault.stage is stage, number)
        if fault is not None and fault.skip > 0:
            fault.skip -= 1
            return None
        if fault is not None and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._orders.remove(fault)
        return fault

    def standing(self, kind: Kind, number: str | None = None) -> Fault | None:
        """The order of that kind for this account or for all, if one stands."""
        return self._find(lambda fault: fault.kind is kind, number) if self._orders else None

    def _find(self, fits: Callable[[Fault], bool], number: str | None) -> Fault | None:
        found = None
        for fault in self._orders:
            fits_number = fault.number is None or fault.number == number
            goes_first = found is None or fault.number is not None or found.number is None
            if fits_number and goes_first and fits(fault):
                found = fault
        return found
