"""Good certificates pass all checks; each bad one fails exactly the check it is meant for."""

import time

import pytest

from tests.whatsapp.simulator.raw_client import RawClient
from whatsapp.exceptions import CertificateError
from whatsapp.protocol import curve
from whatsapp.protocol.certificate import verify_chain
from whatsapp.simulator import Simulator, SimulatorError
from whatsapp.simulator.authority import BAD_CERTIFICATES, Authority

CHECKS = {
    "missing": "1",
    "root": "2",
    "issuer": "3",
    "leaf_signature": "4",
    "leaf_issuer": "5",
    "leaf_key": "6",
    "expired": "7",
    "not_yet_valid": "7",
    "nonsense": "1",
}


def verify(authority: Authority, chain: bytes) -> None:
    static = curve.public_of(authority.static_private)
    verify_chain(chain, server_static=static, root_key=authority.root_key, now=time.time())


def test_a_good_chain_passes() -> None:
    authority = Authority()
    verify(authority, authority.chain)


def test_every_bad_certificate_is_known() -> None:
    assert set(CHECKS) == set(BAD_CERTIFICATES)
    with pytest.raises(SimulatorError):
        Authority().bad_chain("paper")


@pytest.mark.parametrize(("which", "check"), CHECKS.items())
def test_each_bad_one_fails_its_check(which: str, check: str) -> None:
    authority = Authority()
    with pytest.raises(CertificateError, match=f"^{check}:"):
        verify(authority, authority.bad_chain(which))


def test_a_seed_gives_the_same_root_again() -> None:
    assert Authority("x").root_key == Authority("x").root_key
    assert Authority("x").root_key != Authority("y").root_key
    assert Authority().root_key != Authority().root_key


async def test_a_client_gets_the_chain_that_was_ordered(simulator: Simulator) -> None:
    simulator.fault("certificate", which="expired", times=1)
    for expected in ("7", None):
        client = await RawClient.dial(simulator)
        await client.hello()
        try:
            verify_chain(
                client.certificate, server_static=client.server_static, root_key=simulator.root_key, now=time.time()
            )
        except CertificateError as error:
            assert expected is not None
            assert str(error).startswith(expected)  # noqa: PT017
        else:
            assert expected is None
