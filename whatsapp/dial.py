"""From a URL to an open WebSocket, each step with its own time-out and its own typed end (PROTOCOL.md §1)."""

import asyncio
import functools
import logging
import socket as sockets
import ssl
import urllib.parse
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Origin

from whatsapp.ends import End
from whatsapp.options import ClientOptions
from whatsapp.protocol.ends import http_end, local_end
from whatsapp.protocol.frames import LENGTH_BYTES, MAX_FRAME

_HEADERS = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
_MAX_MESSAGE = LENGTH_BYTES + MAX_FRAME  # bytes; a longer message holds no frame that we would take
_MAX_QUEUE = 4  # WebSocket messages read ahead of us
_logger = logging.getLogger("whatsapp.websocket")  # of the websockets library; it sees sealed bytes only


class DialError(Exception):
    """The dial did not get through; `end` says why."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end


async def dial(options: ClientOptions) -> ClientConnection:
    """An open WebSocket without compression and without keepalive of its own. Raises DialError."""
    url = urllib.parse.urlsplit(options.url)
    secure = url.scheme == "wss"
    raw = await _open_tcp(url.hostname or "", url.port or (443 if secure else 80), options.dial_timeout_s)
    try:
        return await _upgrade(raw, options, secure)
    except BaseException:
        raw.close()
        raise


async def _open_tcp(host: str, port: int, timeout_s: float) -> sockets.socket:
    """A connected socket to the first address of `host` that answers."""
    loop = asyncio.get_running_loop()
    end = local_end("dns")
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await loop.getaddrinfo(host, port, type=sockets.SOCK_STREAM)
            for family, kind, protocol, _, address in addresses:
                raw = sockets.socket(family, kind, protocol)
                try:
                    raw.setblocking(False)
                    # One dead address must not use up the time of the others.
                    async with asyncio.timeout(timeout_s / len(addresses)):
                        await loop.sock_connect(raw, address)
                except BaseException as error:
                    raw.close()
                    if not isinstance(error, OSError):  # TimeoutError is one
                        raise
                    end = local_end("connect_timeout" if isinstance(error, TimeoutError) else "connect")
                else:
                    return raw
    except TimeoutError:
        raise DialError(local_end("connect_timeout")) from None
    except (OSError, UnicodeError):
        raise DialError(local_end("dns")) from None
    raise DialError(end)


async def _upgrade(raw: sockets.socket, options: ClientOptions, secure: bool) -> ClientConnection:
    tls: dict[str, Any] = {}
    if secure:
        tls = {"ssl": options.ssl_context or _default_context(), "ssl_handshake_timeout": options.tls_timeout_s}
    try:
        connection = await connect(
            options.url,
            sock=raw,
            origin=Origin(options.origin),
            additional_headers=_HEADERS,
            user_agent_header=None,
            compression=None,
            proxy=None,
            open_timeout=options.upgrade_timeout_s + (options.tls_timeout_s if secure else 0),
            ping_interval=None,
            close_timeout=options.close_timeout_s,
            max_size=_MAX_MESSAGE,
            max_queue=_MAX_QUEUE,
            logger=_logger,
            **tls,
        )
    except InvalidStatus as error:
        raise DialError(http_end(error.response.status_code)) from None
    except TimeoutError:
        raise DialError(local_end("upgrade_timeout")) from None
    except ConnectionAbortedError:  # how asyncio says that TLS took too long
        raise DialError(local_end("tls_timeout" if secure else "upgrade")) from None
    except OSError:  # websockets has exceptions of its own for the upgrade, so this was before it
        raise DialError(local_end("tls" if secure else "upgrade")) from None
    except (InvalidHandshake, WebSocketException, EOFError, ValueError):
        raise DialError(local_end("upgrade")) from None
    # The upgrade is history, and its headers are a third of what an idle connection holds.
    for part in (connection.request, connection.response):
        if part is not None:
            part.headers.clear()
    return connection


@functools.cache
def _default_context() -> ssl.SSLContext:
    """Loading the system's authorities takes long and much memory: once is enough."""
    return ssl.create_default_context()
