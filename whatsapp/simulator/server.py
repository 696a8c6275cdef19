"""The simulated server: it listens, knows accounts and connections, and takes orders.

Everything happens on the loop that `start` ran on, asyncio's or uvloop's; nothing here is safe from another thread.
"""

import asyncio
import contextlib
import ssl as ssl_module
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from whatsapp.protocol.nodes import Node
from whatsapp.protocol.payload import Version
from whatsapp.simulator import delivery, memory
from whatsapp.simulator.accounts import Account
from whatsapp.simulator.authority import Authority
from whatsapp.simulator.counts import Counts, Ledger, Mistake
from whatsapp.simulator.exceptions import SimulatorError
from whatsapp.simulator.faults import INSTANT, MESSAGE_STAGES, Fault, Faults, Kind, Stage
from whatsapp.simulator.listening import Listener
from whatsapp.simulator.media_server import MediaServer
from whatsapp.simulator.people import People
from whatsapp.simulator.phone import Phone
from whatsapp.simulator.scrutiny import Scrutiny
from whatsapp.simulator.session import Session
from whatsapp.simulator.strikes import strike
from whatsapp.simulator.wire import Wire

_SAVE_DELAY_S: Final = 0.1


class Simulator(People):
    """A WhatsApp server with its phones. See the package's docstring for the way through.

    `root_seed`: the same seed gives the same root key, so that clients trust a restarted simulator.
    `state`: a dict, or the path of a JSON file, that accounts and linked devices are kept in; None forgets them.
    `qr_refs`: how many QR codes a client may show; it is given `pairing_window_s` seconds for them.
    `ssl`: serve wss. `open_control`: on the clients' port, take orders from other machines too.
    """

    def __init__(
        self,
        *,
        root_seed: str | None = None,
        state: memory.State = None,
        qr_refs: int = 6,
        pairing_window_s: float = 180.0,
        oldest_version: Version = (2, 3000, 0),
        ssl: ssl_module.SSLContext | None = None,
        open_control: bool = False,
    ) -> None:
        super().__init__()
        self.authority = Authority(root_seed)
        self.faults = Faults()
        self.ledger = Ledger()
        self.qr_refs = qr_refs
        self.pairing_window_s = pairing_window_s
        self.oldest_version = oldest_version  # older ones get failure 405
        self.wires: set[Wire] = set()  # open ones of clients, upgraded or not
        self.media = MediaServer(self)
        self.scrutiny = Scrutiny()
        self._listener = Listener(self, ssl, open_control=open_control)
        self._state = state
        self._refs: dict[str, Session] = {}  # what can be scanned
        self._tasks: set[asyncio.Task[Any]] = set()
        self._save_timer: asyncio.TimerHandle | None = None
        for account in memory.load(state):
            self._add(account)

    # --- running

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 takes a free one, see `url`. Orders have a port of their own besides the path on this one."""
        await self._listener.start(host, port)
        await self.media.start(host)

    async def stop(self) -> None:
        """Cut every connection and stop listening."""
        for wire in list(self.wires):
            wire.reset()
        await self._listener.stop()
        await self.media.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._save_timer is not None:
            self._save_timer.cancel()
        self._save_now()

    async def __aenter__(self) -> "Simulator":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What clients dial."""
        return self._listener.url

    @property
    def control_url(self) -> str:
        """Where orders from other processes go; it stays reachable while clients find the port closed."""
        return self._listener.control_url

    @property
    def root_key(self) -> bytes:
        """What clients must trust, 32 bytes."""
        return self.authority.root_key

    # --- faults, stanzas, counts

    def fault(self, kind: str, number: str | None = None, **details: Any) -> Fault:
        """Order a fault; see `whatsapp.simulator.faults` for the kinds. Raises SimulatorError for what cannot be."""
        try:
            details["stage"] = Stage(details["stage"]) if details.get("stage") else None
            fault = Fault(Kind(kind), number, **details)
        except (TypeError, ValueError) as error:
            raise SimulatorError(f"no such fault: {error}") from None
        self.faults.add(fault)
        strikes_open = fault.kind in INSTANT or (fault.kind is Kind.BLACK_HOLE and fault.times is None)
        strikes_open = strikes_open and fault.stage not in MESSAGE_STAGES
        for wire in list(self.wires) if strikes_open else ():
            if number is None or wire.number == number:
                self._strike_open(wire, fault)
        if fault.kind is Kind.REFUSE and fault.which == "port":
            self._listener.close()
        return fault

    async def lift(self, number: str | None = None, kind: str | None = None, fault_id: int | None = None) -> int:
        """Take faults back, all that match; silent lines hear again. Gives how many."""
        lifted = self.faults.lift(number, Kind(kind) if kind else None, fault_id)
        for wire in list(self.wires):
            if wire.silenced_by in lifted:
                wire.wake()
        closed = any(fault.kind is Kind.REFUSE and fault.which == "port" for fault in lifted)
        if closed and not self._listener.is_open:
            await self._listener.open()
        return len(lifted)

    def send(self, number: str, node: Node, device: int | None = None) -> None:
        """A stanza to the linked devices of a number (or to one of them), now or at their next login."""
        for found in self.phone(number).devices:
            if device is None or found.number == device:
                delivery.push(found, Node(node.tag, dict(node.attrs), node.content))

    def sessions(self, number: str | None = None) -> list[Session]:
        """The connections that are logged in."""
        accounts: Iterable[Account] = self.accounts.values() if number is None else [self.phone(number).account]
        return [
            device.session for account in accounts for device in account.devices.values() if device.session is not None
        ]

    def counts(self, number: str | None = None) -> Counts:
        """Of one account, or of all."""
        return self.ledger.of(number)

    @property
    def mistakes(self) -> list[Mistake]:
        """What clients did and the real server would not have taken, oldest first."""
        return list(self.ledger.mistakes)

    # --- for sessions and phones

    def delay_of(self, number: str | None) -> float:
        fault = self.faults.standing(Kind.SLOW, number)
        return fault.delay_s if fault else 0.0

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run on its own, until the simulator stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def identify(self, wire: Wire, number: str) -> None:
        """A connection said whose it is."""
        if wire.number is None:
            wire.number = number
            self.ledger.dialled(number)
            self.ledger.opened(number)

    def await_pairing(self, session: Session) -> None:
        assert session.pairing is not None
        for ref in session.pairing.refs:
            self._refs[ref] = session

    def session_of_ref(self, ref: str) -> Session | None:
        return self._refs.get(ref)

    def session_waiting_for_code(self, account: Account) -> Session | None:
        """The connection that asked last to be linked to this account by code."""
        waiting = [
            session
            for session in dict.fromkeys(self._refs.values())
            if session.pairing and session.pairing.code and session.pairing.code.account is account
        ]
        return waiting[-1] if waiting else None

    def forget(self, session: Session) -> None:
        """Its connection is gone."""
        wire = session.wire
        self.wires.discard(wire)
        if wire.counted:
            wire.counted = False
            self.ledger.closed()
        if wire.number is not None:
            self.ledger.closed(wire.number)
            wire.number = None
        for ref in session.pairing.refs if session.pairing else ():
            self._refs.pop(ref, None)

    def save(self) -> None:
        """Keep accounts and devices, soon."""
        if self._state is not None and self._save_timer is None:
            with contextlib.suppress(RuntimeError):  # before the loop runs: `stop` saves
                self._save_timer = asyncio.get_running_loop().call_later(_SAVE_DELAY_S, self._save_now)

    def _new_phone(self, account: Account) -> Phone:
        return Phone(self, account)

    def _strike_open(self, wire: Wire, fault: Fault) -> None:
        if wire.session is not None:
            strike(wire.session, fault)
        elif fault.kind is Kind.BLACK_HOLE:
            wire.fall_silent(fault)
        elif fault.kind is Kind.DROP:
            wire.reset()

    # --- memory

    def _save_now(self) -> None:
        self._save_timer = None
        memory.save(self._state, (account for account in self.accounts.values() if not account.is_recipient))
