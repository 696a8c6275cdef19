"""The doors of a simulator: the one that clients dial, and its own for orders."""

import asyncio
import contextlib
import ssl as ssl_module
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from whatsapp.simulator import control_server
from whatsapp.simulator.faults import Kind, Stage
from whatsapp.simulator.session import Session
from whatsapp.simulator.wire import Wire

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

PATH: Final = "/ws/chat"
CONTROL_PATH: Final = "/control"
ORIGIN: Final = "https://web.whatsapp.com"
_LOOPBACK: Final = frozenset(("127.0.0.1", "::1"))
_MAX_MESSAGE: Final = 1 << 20


class Listener:
    """Listens for clients, and may close that port for a while. Orders have a port of their own besides."""

    def __init__(self, simulator: "Simulator", ssl: ssl_module.SSLContext | None, *, open_control: bool) -> None:
        self._simulator = simulator
        self._ssl = ssl
        self._open_control = open_control
        self._address = ("127.0.0.1", 0)
        self._servers: list[Server] = []  # only the last one may still listen; older ones hold their connections
        self._control: Server | None = None
        self.is_open = False

    @property
    def url(self) -> str:
        host, port = self._address
        return f"{'wss' if self._ssl else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    @property
    def control_url(self) -> str:
        assert self._control is not None, "not started"
        return f"ws://127.0.0.1:{self._control.sockets[0].getsockname()[1]}{CONTROL_PATH}"

    async def start(self, host: str, port: int) -> None:
        self._address = (host, port)
        await self.open()
        self._control = await serve(
            self._serve_control,
            "127.0.0.1",
            0,
            process_request=self._admit_orders,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            max_size=None,
        )

    async def stop(self) -> None:
        """All doors; connections of clients must be cut before, or they are waited for."""
        self.is_open = False
        servers = [*self._servers, *([self._control] if self._control else [])]
        for server in servers:
            server.close()
        for server in servers:
            await server.wait_closed()
        self._servers, self._control = [], None

    async def open(self) -> None:
        """Listen for clients, on the same port as before."""
        host, port = self._address
        server = await serve(
            self._serve_client,
            host,
            port,
            process_request=self._upgrade,
            create_connection=Wire,
            compression=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=1,
            max_size=_MAX_MESSAGE,
            server_header=None,
            ssl=self._ssl,
        )
        self._address = (host, next(iter(server.sockets)).getsockname()[1])
        self._servers.append(server)
        self.is_open = True

    def close(self) -> None:
        """New dials are refused by the system; connections stay."""
        if self.is_open:
            self.is_open = False
            server = self._servers[-1]
            server.server.close()  # at once; the library's own way takes another turn of the loop
            server.close(close_connections=False)

    def _admit_orders(self, connection: ServerConnection, request: Request) -> Response | None:
        """Programs of this machine only: a browser, which says its origin, must not be talked into giving orders."""
        local = self._open_control or connection.remote_address[0] in _LOOPBACK
        if local and "Origin" not in request.headers:
            return None
        return connection.respond(403, "Orders are for programs of this machine.\n")

    async def _upgrade(self, connection: Any, request: Request) -> Response | None:
        wire: Wire = connection
        path = request.path.partition("?")[0]
        if path == CONTROL_PATH:
            return self._admit_orders(wire, request)
        self._simulator.ledger.dialled()
        self._simulator.wires.add(wire)
        response = await self._upgrade_client(wire, path, request)
        if response is not None or wire.transport.is_closing():
            self._simulator.wires.discard(wire)
        return response

    async def _upgrade_client(self, wire: Wire, path: str, request: Request) -> Response | None:
        fault = self._simulator.faults.strike(Stage.UPGRADE)
        delay = self._simulator.delay_of(None)
        if delay:
            await asyncio.sleep(delay)
        if fault is not None and fault.kind is Kind.HTTP:
            return wire.respond(fault.code or 503, "Ordered.\n")
        if fault is not None and fault.kind is Kind.BLACK_HOLE:
            wire.fall_silent(fault)
        elif fault is not None:
            wire.reset()
            await wire.until_lost()
        await wire.until_woken()
        if path != PATH:
            return wire.respond(404, "Not found.\n")
        if request.headers.get("Origin") != ORIGIN:
            self._simulator.ledger.mistake("an upgrade without WhatsApp Web's Origin header")
            return wire.respond(403, "Forbidden.\n")
        return None

    async def _serve_client(self, connection: Any) -> None:
        wire: Wire = connection
        if wire.request is not None and wire.request.path.partition("?")[0] == CONTROL_PATH:
            await self._serve_control(wire)
            return
        session = wire.session = Session(self._simulator, wire)
        if wire.request is not None:
            wire.request.headers.clear()  # a third of what an idle connection would hold
        wire.counted = True
        self._simulator.ledger.opened()
        with contextlib.suppress(ConnectionClosed):
            async for message in wire:
                session.receive(message)

    async def _serve_control(self, connection: Any) -> None:
        await control_server.serve_orders(self._simulator, connection)
