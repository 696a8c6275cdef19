"""The doors: who gets in, and by which path."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from whatsapp.simulator import Simulator
from whatsapp.simulator.listening import ORIGIN


async def status_of(url: str, origin: str | None) -> int:
    try:
        async with connect(url, origin=Origin(origin) if origin else None, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_clients_come_by_their_path_and_with_their_origin(simulator: Simulator) -> None:
    assert await status_of(simulator.url, ORIGIN) == 101
    assert await status_of(f"{simulator.url}?ED=abc", ORIGIN) == 101
    assert await status_of(simulator.url, None) == 403
    assert await status_of(simulator.url, "https://example.com") == 403
    assert await status_of(simulator.url.replace("/ws/chat", "/"), ORIGIN) == 404


@pytest.mark.parametrize("own_port", [True, False])
async def test_orders_come_from_programs_and_not_from_browsers(simulator: Simulator, own_port: bool) -> None:
    url = simulator.control_url if own_port else simulator.url.replace("/ws/chat", "/control")
    assert await status_of(url, "http://localhost:8000") == 403
    async with connect(url, proxy=None) as control:
        await control.send('{"id": 5, "do": "info"}')
        answer = json.loads(await control.recv())
    assert (answer["id"], answer["ok"], answer["url"]) == (5, True, simulator.url)
    assert answer["root_key"] == simulator.root_key.hex()
    assert simulator.counts().dials == 0


def self_signed(directory: Path) -> ssl.SSLContext:
    """A server's context with a certificate for localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "server.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    return context


async def test_it_speaks_tls_where_it_is_told_to(tmp_path: Path) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with Simulator(ssl=self_signed(tmp_path)) as simulator:
        assert simulator.url.startswith("wss://")
        async with connect(simulator.url, origin=Origin(ORIGIN), ssl=trusting, proxy=None):
            assert simulator.counts().sockets == 1
        assert simulator.counts().dials == 1


async def test_orders_get_through_while_clients_do_not(simulator: Simulator) -> None:
    simulator.fault("http")
    assert await status_of(simulator.url, ORIGIN) == 503
    assert await status_of(simulator.url.replace("/ws/chat", "/control"), None) == 101
    simulator.fault("refuse", which="port")
    assert await status_of(simulator.control_url, None) == 101
