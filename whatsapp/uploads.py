"""Files to WhatsApp's media servers: encrypted here, posted over HTTP (PROTOCOL.md §23)."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from whatsapp.exceptions import UploadError
from whatsapp.line import Line
from whatsapp.options import ClientOptions
from whatsapp.protocol import media, stanzas
from whatsapp.protocol.media import EncryptedMedia, MediaKind, UploadedMedia
from whatsapp.protocol.nodes import Node

_MAX_ANSWER: Final = 65_536  # bytes
_REFUSED: Final = frozenset({401, 403})  # the permission ran out


@dataclass(frozen=True, slots=True)
class _Servers:
    """Where files go, and the permission to put them there."""

    auth: str
    hosts: tuple[str, ...]
    until: float  # `loop.time()`


class Uploader:
    __slots__ = ("_line", "_options", "_servers")

    def __init__(self, line: Line, options: ClientOptions) -> None:
        self._line = line
        self._options = options
        self._servers: _Servers | None = None

    async def upload(self, data: bytes, kind: MediaKind) -> UploadedMedia:
        """See `Client.upload`."""
        encrypted = await asyncio.to_thread(media.encrypt, data, kind)
        status: int | None = None
        for _ in range(2):
            servers = await self._known_servers()
            for host in servers.hosts:
                status, answer = await asyncio.to_thread(_post, self._options, host, servers.auth, encrypted)
                place = _read(answer) if status == http.client.OK else None
                if place is not None:
                    url, direct_path = place
                    return encrypted.uploaded(url=url, direct_path=direct_path, at=int(self._options.now()))
                if status in _REFUSED:
                    break
            self._servers = None
            if status not in _REFUSED:
                break
        raise UploadError(status)

    async def _known_servers(self) -> _Servers:
        now = asyncio.get_running_loop().time()
        if self._servers is None or self._servers.until <= now:
            answer = await self._line.query(stanzas.iq_set("w:m", Node("media_conn")))
            found = answer.child("media_conn") or Node("media_conn")
            hosts = tuple(name for host in found.children("host") if (name := host.attr("hostname")))
            self._servers = _Servers(found.attr("auth"), hosts, now + found.attr_int("ttl", 60))
        return self._servers


def _post(options: ClientOptions, host: str, auth: str, encrypted: EncryptedMedia) -> tuple[int | None, bytes]:
    """The status and body of the answer; None if there is none."""
    path = f"{encrypted.upload_path}?{urlencode({'auth': auth, 'token': encrypted.token})}"
    headers = {"Origin": options.origin, "Referer": f"{options.origin}/", "Content-Type": "application/octet-stream"}
    https = options.media_scheme == "https" or (options.media_scheme is None and not options.url.startswith("ws:"))
    try:
        connection = (
            http.client.HTTPSConnection(host, timeout=options.upload_timeout_s, context=options.ssl_context)
            if https
            else http.client.HTTPConnection(host, timeout=options.upload_timeout_s)
        )
        try:
            connection.request("POST", path, encrypted.body, headers)
            response = connection.getresponse()
            return response.status, response.read(_MAX_ANSWER)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None, b""


def _read(answer: bytes) -> tuple[str, str] | None:
    try:
        found = json.loads(answer)
        url, direct_path = found["url"], found["direct_path"]
    except (ValueError, KeyError, TypeError):
        return None
    return (url, direct_path) if isinstance(url, str) and isinstance(direct_path, str) else None
