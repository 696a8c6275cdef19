"""What a client may say about itself."""

import pytest

from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload
from whatsapp.protocol.protobufs.handshake_pb2 import ClientPayload
from whatsapp.simulator import Simulator
from whatsapp.simulator.exceptions import Refused
from whatsapp.simulator.payloads import Login, Registration, read_payload

OLDEST = (2, 3000, 0)


def registration() -> ClientPayload:
    return ClientPayload.FromString(registration_payload(new_credentials(), DeviceDescription()))


def login() -> ClientPayload:
    credentials = Simulator().link_directly("6287788987745")
    return ClientPayload.FromString(login_payload(credentials, DeviceDescription()))


def refused(payload: ClientPayload) -> Refused:
    with pytest.raises(Refused) as error:
        read_payload(payload.SerializeToString(), OLDEST)
    return error.value


def test_it_reads_a_registration() -> None:
    wish = read_payload(registration().SerializeToString(), OLDEST)
    assert isinstance(wish, Registration)
    assert wish.name == "Gerai"


def test_it_reads_a_login() -> None:
    assert read_payload(login().SerializeToString(), OLDEST) == Login("6287788987745", 1, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("registration_id", b"\0\0\1"),
        ("key_type", b"\6"),
        ("identity", bytes(31)),
        ("identity", bytes(32)),
        ("signed_pre_key_id", bytes(4)),
        ("signed_pre_key", bytes(33)),
        ("signed_pre_key_signature", bytes(64)),
        ("build_hash", bytes(16)),
        ("device_props", b"\xff"),
        ("device_props", b""),
    ],
)
def test_it_refuses_a_registration_with_a_wrong(name: str, value: bytes) -> None:
    payload = registration()
    setattr(payload.device_pairing_data, name, value)
    error = refused(payload)
    assert error.code == 400
    assert error.mistake


@pytest.mark.parametrize(("name", "value"), [("passive", True), ("pull", True), ("username", 6281), ("device", 1)])
def test_a_registration_is_no_login(name: str, value: object) -> None:
    payload = registration()
    setattr(payload, name, value)
    assert refused(payload).code == 400


@pytest.mark.parametrize("name", ["username", "device", "passive", "pull", "connect_type", "connect_reason"])
def test_it_refuses_a_login_without(name: str) -> None:
    payload = login()
    payload.ClearField(name)
    assert refused(payload).code == 400


@pytest.mark.parametrize("name", ["platform", "mcc", "os_version", "device", "release_channel", "app_version"])
def test_it_refuses_a_user_agent_without(name: str) -> None:
    payload = login()
    payload.user_agent.ClearField(name)
    assert refused(payload).code in (405, 409)


def test_it_refuses_other_platforms_and_nonsense() -> None:
    payload = login()
    payload.user_agent.platform = ClientPayload.UserAgent.ANDROID
    assert refused(payload).code == 409
    with pytest.raises(Refused):
        read_payload(b"\xff\xff", OLDEST)
    with pytest.raises(Refused):
        read_payload(b"", OLDEST)
