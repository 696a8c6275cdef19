"""From a URL to an open WebSocket: each step fails in its own way, in time, and leaves no socket."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import serve

from whatsapp.dial import DialError, dial
from whatsapp.options import ClientOptions


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A server context for 127.0.0.1, and a client context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


async def echo(connection):
    async for message in connection:
        await connection.send(message)


@pytest.fixture
async def silent_port():
    """Something that takes TCP connections and says nothing."""
    writers = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.transport.abort()


async def refused(**options):
    with pytest.raises(DialError) as caught:
        await dial(ClientOptions(**options))
    return caught.value.end


async def test_it_opens_a_plain_line_with_the_headers_of_the_web_client():
    seen = []

    async def look(connection, request):
        seen.append(request)

    async with serve(echo, "127.0.0.1", 0, process_request=look) as server:
        port = server.sockets[0].getsockname()[1]
        line = await dial(ClientOptions(url=f"ws://127.0.0.1:{port}/ws/chat"))
        await line.send(b"hello")
        assert await line.recv() == b"hello"
        await line.close()
    (request,) = seen
    assert request.path == "/ws/chat"
    assert request.headers["Origin"] == "https://web.whatsapp.com"
    assert request.headers["Cache-Control"] == "no-cache"
    assert "Sec-WebSocket-Extensions" not in request.headers
    assert "User-Agent" not in request.headers


async def test_it_opens_a_tls_line(authority):
    server_context, client_context = authority
    async with serve(echo, "127.0.0.1", 0, ssl=server_context) as server:
        port = server.sockets[0].getsockname()[1]
        line = await dial(ClientOptions(url=f"wss://127.0.0.1:{port}/", ssl_context=client_context))
        await line.send(b"hello")
        assert await line.recv() == b"hello"
        await line.close()


async def test_a_certificate_that_nobody_vouches_for(authority):
    async with serve(echo, "127.0.0.1", 0, ssl=authority[0]) as server:
        port = server.sockets[0].getsockname()[1]
        end = await refused(url=f"wss://127.0.0.1:{port}/")
    assert (end.reason, end.network) == ("tls", True)


async def test_a_server_without_tls():
    async with serve(echo, "127.0.0.1", 0) as server:
        end = await refused(url=f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (end.reason, end.network) == ("tls", True)


async def test_tls_that_nobody_answers(silent_port):
    started = time.monotonic()
    end = await refused(url=f"wss://127.0.0.1:{silent_port}/", tls_timeout_s=0.2)
    assert (end.reason, end.code) == ("tls_timeout", 408)
    assert time.monotonic() - started < 2


async def test_an_upgrade_that_nobody_answers(silent_port):
    started = time.monotonic()
    end = await refused(url=f"ws://127.0.0.1:{silent_port}/", upgrade_timeout_s=0.2)
    assert (end.reason, end.code) == ("upgrade_timeout", 408)
    assert time.monotonic() - started < 2


async def test_a_host_that_nobody_knows():
    end = await refused(url="ws://no-such-host.invalid/")
    assert (end.reason, end.network) == ("dns", True)


async def test_a_port_that_nobody_listens_on():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        end = await refused(url=f"ws://127.0.0.1:{taken.getsockname()[1]}/")
    assert (end.reason, end.network) == ("connect", True)


async def test_a_host_that_drops_every_packet(monkeypatch):
    async def never(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    end = await refused(url="ws://127.0.0.1:9/", dial_timeout_s=0.1)
    assert (end.reason, end.code, end.network) == ("connect_timeout", 408, True)


async def test_a_dead_address_does_not_use_up_the_time_of_a_living_one(monkeypatch):
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def first_is_dead(raw, address):
        if address[0] == "127.0.0.2":
            await asyncio.Event().wait()
        await connect(raw, address)

    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        both = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

        async def getaddrinfo(*_, **__):
            return both

        monkeypatch.setattr(loop, "sock_connect", first_is_dead)
        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        line = await dial(ClientOptions(url=f"ws://localhost:{port}/", dial_timeout_s=0.4))
        await line.close()


@pytest.mark.parametrize(
    ("answer", "reason", "code"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "http", 503),
        (b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "upgrade", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "upgrade", None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "upgrade", None),
        (b"\x00" * 10_000, "upgrade", None),
        (b"", "upgrade", None),
    ],
    ids=["503", "redirect", "half", "ssh", "zeros", "closed"],
)
async def test_a_server_that_speaks_otherwise(answer, reason, code):
    async def serve_answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_answer, "127.0.0.1", 0)
    async with server:
        end = await refused(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (end.reason, end.code, end.network) == (reason, code, True)
