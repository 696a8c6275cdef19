"""Where files are uploaded to and downloaded from, by plain HTTP (PROTOCOL.md §23).

POST /mms/{kind}/{token}?auth={auth}&token={token}    the token is the body's SHA-256; gives {"url", "direct_path"}
GET  {direct_path}
"""

import asyncio
import base64
import hashlib
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from whatsapp.protocol.media import MediaKind
from whatsapp.simulator.faults import Kind

if TYPE_CHECKING:
    from whatsapp.simulator.server import Simulator

_AUTH: Final = "sim-"  # and the number that it was given to
_MAX_BODY: Final = 1 << 27
_MAX_HEAD: Final = 1 << 14
_PATIENCE_S: Final = 30.0
_PATH: Final = "/v/"


class MediaServer:
    """Keeps what was uploaded, by its path. `hostname` is what clients are told; it has a port in it."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.hostname = "media.invalid"
        self.files: dict[str, bytes] = {}
        self.uploads = 0

    async def start(self, host: str) -> None:
        self._server = await asyncio.start_server(self._serve, host, 0, limit=_MAX_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        self.hostname = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def auth_of(self, number: str) -> str:
        """What a client of that number has to show."""
        return _AUTH + number

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                status, kind, body = await self._answer(head, reader, writer)
                answer = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"{answer}Connection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError, ValueError):
            pass  # who does not speak HTTP gets no answer
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, str, bytes]:
        request, *lines = head.split("\r\n")
        method, target, _ = request.split(" ", 2)
        url = urlsplit(target)
        if method == "GET":
            found = self.files.get(url.path)
            return (404, "text/plain", b"") if found is None else (200, "application/octet-stream", found)
        if method != "POST":
            return 405, "text/plain", b""
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "-1"))
        if not 0 <= length <= _MAX_BODY:
            return 411 if length < 0 else 413, "text/plain", b""
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._upload(url.path, parse_qs(url.query), await reader.readexactly(length))

    def _upload(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, str, bytes]:
        number = query.get("auth", [""])[0].removeprefix(_AUTH)
        if number not in self._simulator.accounts:
            self._simulator.ledger.mistake("an upload without the auth of media_conn")
            return 401, "text/plain", b""
        fault = self._simulator.faults.standing(Kind.MEDIA, number)
        if fault is not None:
            return fault.code or 503, "text/plain", b""
        kind, _, token = path.removeprefix("/mms/").partition("/")
        expected = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode()
        if kind not in tuple(MediaKind) or expected not in (token, token + "=") or query.get("token") != [token]:
            self._simulator.ledger.mistake("an upload whose token is not the hash of its body", number)
            return 400, "text/plain", b""
        direct_path = f"{_PATH}{kind}/{token}"
        self.files[direct_path] = body
        self.uploads += 1
        answer = {"url": f"http://{self.hostname}{direct_path}", "direct_path": direct_path}
        return 200, "application/json", json.dumps(answer).encode()
