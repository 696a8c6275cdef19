"""One WebSocket of the simulator, with what a misbehaving line needs: silence, and resets."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from websockets.asyncio.connection import broadcast
from websockets.asyncio.server import ServerConnection

if TYPE_CHECKING:
    from whatsapp.simulator.faults import Fault
    from whatsapp.simulator.session import Session

_MAX_SWALLOWED = 1 << 20  # bytes kept while silent; a line that swallowed more is reset when it heals


class Wire(ServerConnection):
    """A WebSocket connection that can fall silent without TCP noticing.

    While silent it reads nothing out of what arrives and writes nothing, but sees when the other side is gone. When
    woken it reads what it swallowed, as TCP would deliver it after an outage.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session: Session | None = None  # what speaks on it, once the upgrade is done
        self.silenced_by: Fault | None = None  # the order that keeps it silent
        self.number: str | None = None  # the account that its client said it is
        self.counted = False  # in the ledger, among all sockets
        self._swallowed: bytearray | None = None
        self._woken: asyncio.Event | None = None

    def data_received(self, data: bytes) -> None:
        if self._swallowed is None:
            super().data_received(data)
        elif len(self._swallowed) <= _MAX_SWALLOWED:
            self._swallowed += data

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.session is not None:
            self.session.lost()
        if self._woken is not None:
            self._woken.set()

    def write(self, data: bytes | str) -> None:
        """Send one message now, whatever the other side's pace. Nothing happens on a silent or closed line."""
        if self._swallowed is None:
            broadcast((self,), data)

    def reset(self) -> None:
        """Cut the TCP connection."""
        self.transport.abort()

    def fall_silent(self, fault: "Fault") -> None:
        if self._swallowed is None:
            self.silenced_by, self._swallowed, self._woken = fault, bytearray(), asyncio.Event()

    def wake(self) -> None:
        """Heal: read what came meanwhile."""
        swallowed, self._swallowed, self.silenced_by = self._swallowed, None, None
        if self._woken is not None:
            self._woken.set()
        if swallowed and len(swallowed) > _MAX_SWALLOWED:
            self.reset()
        elif swallowed and not self.protocol.reader.eof:  # else the other side gave up meanwhile
            super().data_received(bytes(swallowed))

    async def until_woken(self) -> None:
        """Wait until the line is no longer silent, or gone."""
        if self._woken is not None:
            await self._woken.wait()

    async def until_lost(self) -> None:
        with contextlib.suppress(Exception):
            await self.wait_closed()
