"""One connection of one client, as the server sees it: intro, handshake, registration or login, and what follows.

Bytes come in by `receive`, on the loop; everything is written at once, in order. A client that breaks the protocol is
noted in the simulator's mistakes and gets what the real server would give it.
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from whatsapp.exceptions import FrameError, ProtocolError
from whatsapp.protocol.frames import INTRO, FrameCutter, frame
from whatsapp.protocol.jid import SERVER_JID
from whatsapp.protocol.nodes import Node, decode_node
from whatsapp.protocol.noise import Responder
from whatsapp.simulator import delivery, queries, routing
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.exceptions import PhoneError, Refused, Trouble
from whatsapp.simulator.faults import Kind, Stage
from whatsapp.simulator.pairing import Pairing
from whatsapp.simulator.payloads import Login, Registration, read_payload
from whatsapp.simulator.speech import Speaker, State
from whatsapp.simulator.strikes import strike

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator
    from whatsapp.simulator.wire import Wire

_MAX_FRAME = 1 << 20
_RECENT_IDS = 16
_QUIET_TAGS = frozenset(("presence", "chatstate", "ib"))  # told to the server, which says nothing back


class Session(Speaker):
    """The state of one connection."""

    __slots__ = (
        "_cutter", "_head", "_pairing_timer", "_recent_ids", "_responder",
        "active", "available", "device", "pairing",
    )  # fmt: skip

    def __init__(self, simulator: "Simulator", wire: "Wire") -> None:
        super().__init__(simulator, wire)
        self.pairing: Pairing | None = None  # set while this connection registers
        self.device: Device | None = None  # set once logged in
        self.active = False  # the client asked for stanzas
        self.available = False  # the client said that it is online
        self._head = b""  # of the stream, until the intro is complete
        self._cutter = FrameCutter(_MAX_FRAME)
        self._responder: Responder | None = Responder(simulator.authority.static_private)
        self._recent_ids: list[str] = []  # of the client's latest queries
        self._pairing_timer: asyncio.TimerHandle | None = None

    def mistake(self, reason: str) -> None:
        """Note that the client did something that the real server would not take."""
        self.simulator.ledger.mistake(reason, self.number, self.device.number if self.device else None)

    def accept_pairing(self, account: Account, adv_secret: bytes) -> "asyncio.Future[Device]":
        """The phone accepted this device; the future has the device once it signed. Raises PhoneError."""
        pairing = self.pairing
        if pairing is None or self.state is not State.PAIRING:
            raise PhoneError(Trouble.GONE)
        iq = pairing.accept(account, adv_secret, self.next_id())
        assert pairing.done is not None
        self.simulator.identify(self.wire, account.number)
        self.send(iq)
        return pairing.done

    def lost(self) -> None:
        """The TCP connection is gone."""
        self.state = State.OVER
        if self._pairing_timer is not None:
            self._pairing_timer.cancel()
        if self.device is not None and self.device.session is self:
            self.device.session = None
        if self.pairing is not None:
            waiting = (self.pairing.done, self.pairing.code.bundle if self.pairing.code else None)
            for future in waiting:
                if future is not None and not future.done():
                    future.set_exception(PhoneError(Trouble.WENT_AWAY))
                    future.exception()  # nobody may be waiting any more
        for answer in (self.queries or {}).values():
            answer.cancel()
        self.simulator.forget(self)

    # --- what the client says

    def receive(self, data: bytes | str) -> None:
        """Take one WebSocket message."""
        if self.state is State.OVER:
            return
        if isinstance(data, str):
            self.mistake("a text message on a binary stream")
            self.wire.reset()
            return
        try:
            for payload in self._cut(data):
                self._take(payload)
        except ProtocolError as error:
            self.mistake(f"{self.state.value}: {error}")
            self.wire.reset()

    def _cut(self, data: bytes) -> Iterator[bytes]:
        if self.state is State.INTRO:
            data = self._head = self._head + data
            start = 0
            if data[:4] == b"ED\x00\x01"[: len(data)]:
                start = 7 + int.from_bytes(data[4:7], "big")
                if len(data) < 7 or len(data) < start + len(INTRO):
                    return iter(())
            if len(data) - start < len(INTRO) and INTRO.startswith(data[start:]):
                return iter(())
            if data[start : start + len(INTRO)] != INTRO:
                raise FrameError("the stream does not begin with the intro")
            self._head, self.state, data = b"", State.HELLO, data[start + len(INTRO) :]
        return iter(self._cutter.feed(data))

    def _take(self, payload: bytes) -> None:
        match self.state:
            case State.HELLO:
                self._hello(payload)
            case State.FINISH:
                self._finish(payload)
            case State.PAIRING | State.OPEN:
                assert self._transport is not None
                plain = self._transport.open(payload)
                if plain[:1] != b"\x00":
                    self.mistake("clients send plain frames, flag 0")
                self._stanza(decode_node(plain))
            case _:
                pass

    def _hello(self, payload: bytes) -> None:
        responder = self._responder
        assert responder is not None
        responder.read_hello(payload)
        self.state = State.FINISH
        fault = self.simulator.faults.strike(Stage.HELLO)
        chain = self.simulator.authority.chain
        if fault is not None:
            if fault.kind is not Kind.CERTIFICATE:
                strike(self, fault)
                return
            chain = self.simulator.authority.bad_chain(fault.which)
        hello = frame(responder.hello(chain))
        delay = self.simulator.delay_of(None)
        if delay:
            asyncio.get_running_loop().call_later(delay, self.wire.write, hello)
        else:
            self.wire.write(hello)

    def _finish(self, payload: bytes) -> None:
        responder = self._responder
        assert responder is not None
        raw = responder.read_finish(payload)
        self._transport, self._responder = responder.transport(), None
        try:
            wish = read_payload(raw, self.simulator.oldest_version)
            if isinstance(wish, Registration):
                self._register(wish, responder.client_static)
            else:
                self._log_in(wish, responder.client_static)
        except Refused as refused:
            if refused.mistake:
                self.mistake(refused.mistake)
            self.fail(refused.code)

    def _register(self, registration: Registration, noise_public: bytes) -> None:
        self.state = State.PAIRING
        fault = self.simulator.faults.strike(Stage.LOGIN)
        if fault is not None:
            strike(self, fault)
            return
        self.pairing = Pairing(registration, noise_public, self.simulator.qr_refs)
        self.simulator.await_pairing(self)
        self._pairing_timer = asyncio.get_running_loop().call_later(self.simulator.pairing_window_s, self.stream_end)
        self.send(self.pairing.announce(self.next_id()))

    def _log_in(self, login: Login, noise_public: bytes) -> None:
        self.state = State.OPEN
        self.simulator.identify(self.wire, login.number)
        fault = self.simulator.faults.strike(Stage.LOGIN, login.number)
        if fault is not None:
            strike(self, fault)
            return
        account = self.simulator.accounts.get(login.number)
        device = account.devices.get(login.device) if account else None
        if account is None or device is None:
            raise Refused(401, "logged out")  # after an unlinking clients may come once more: no mistake
        if device.noise_public != noise_public:
            raise Refused(401, "logged out", "the login comes with another noise key than the device's")
        if device.session is not None and device.session is not self:
            device.session.stream_error(conflict="replaced")
        self.device, device.session = device, self
        self.simulator.ledger.count("logins", login.number)
        self.send(queries.success(account, device))
        fault = self.simulator.faults.strike(Stage.OPEN, login.number)
        if fault is not None:
            strike(self, fault)
        elif not login.passive:
            delivery.activate(self)

    def _stanza(self, node: Node) -> None:
        if node.tag == "iq":
            self._iq(node)
        elif node.tag == "ack":
            self.simulator.ledger.count("acks", self.number)
            delivery.take_ack(self, node)
        elif node.tag in _QUIET_TAGS:
            if node.tag == "presence":
                self.available = node.attr("type", "available") == "available"
            elif node.tag == "chatstate":
                routing.chat_state(self, node)
        elif self.device is None:
            self.mistake(f"<{node.tag}> before the login")
        elif node.tag == "receipt":
            self.simulator.ledger.count("receipts", self.number)
            delivery.take_receipt(self, node)
            routing.receipt(self.simulator, (self.device.account, self.device.number), node)
        elif node.tag == "message":
            routing.accept(self, node)
        elif node.tag != "call":
            self.mistake(f"<{node.tag}> is no stanza that clients send")

    def _iq(self, node: Node) -> None:
        iq_id, kind = node.attr("id"), node.attr("type")
        if kind in ("result", "error"):
            self._answered(node, iq_id)
            return
        if not iq_id or iq_id in self._recent_ids:
            self.mistake("a query without an id" if not iq_id else "a query id was used twice")
        self._recent_ids = [*self._recent_ids[1 - _RECENT_IDS :], iq_id]
        keepalive = node.attr("xmlns") == "w:p"
        self.simulator.ledger.count("pings" if keepalive else "queries", self.number)
        if not keepalive and self.simulator.faults.standing(Kind.DEAF, self.number):
            return
        try:
            answer = queries.answer(self, node)
        except Refused as refused:
            if refused.mistake:
                self.mistake(refused.mistake)
            error = Node("error", {"code": str(refused.code), "text": refused.text})
            answer = Node("iq", {"from": SERVER_JID, "type": "error", "id": iq_id}, [error])
        self.send(answer)
        if self.device is not None and self.device.number not in self.device.account.devices:
            self.stream_error(401, "device_removed")  # it just logged itself out
        elif self.device is not None and self.active and node.attr("xmlns") == "passive":
            delivery.activate(self)

    def _answered(self, node: Node, iq_id: str) -> None:
        pairing = self.pairing
        if self.queries and iq_id in self.queries:
            answer = self.queries.pop(iq_id)
            if not answer.done():
                answer.set_result(node)
        elif pairing is not None and pairing.announce_id and iq_id == pairing.announce_id:
            pairing.announce_id = ""
        elif pairing is not None and pairing.is_answer(node):
            self._linked(pairing, node)
        else:
            self.mistake("an answer to nothing that was asked")

    def _linked(self, pairing: Pairing, node: Node) -> None:
        assert pairing.done is not None
        try:
            device = pairing.finish(node)
        except (Refused, PhoneError) as error:
            if isinstance(error, Refused) and error.mistake:
                self.mistake(error.mistake)
                error = PhoneError(Trouble.UNVERIFIED)
            if not pairing.done.done():
                pairing.done.set_exception(error)
                pairing.done.exception()
            self.stream_error(400)
            return
        self.simulator.ledger.count("pairings", self.number)
        self.simulator.linked(device)
        if not pairing.done.done():
            pairing.done.set_result(device)
        self.stream_error(515)
