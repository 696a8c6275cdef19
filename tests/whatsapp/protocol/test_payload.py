"""What a client says about itself, field by field."""

import dataclasses
import hashlib

import pytest

from tests.whatsapp.peer import linked_credentials
from whatsapp.protocol import curve, xeddsa
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.payload import DeviceDescription, login_payload, registration_payload
from whatsapp.protocol.protobufs.handshake_pb2 import ClientPayload, DeviceProps

DEVICE = DeviceDescription(version=(2, 3000, 1045649367), name="Gerai")


def test_a_login_names_the_number_and_the_device():
    payload = ClientPayload.FromString(login_payload(linked_credentials(), DEVICE))
    assert (payload.username, payload.device) == (6287788987745, 7)
    assert payload.passive
    assert payload.pull
    assert not payload.HasField("device_pairing_data")


def test_a_registration_brings_the_keys():
    credentials = new_credentials()
    payload = ClientPayload.FromString(registration_payload(credentials, DEVICE))
    pairing = payload.device_pairing_data
    assert not payload.HasField("username")
    assert payload.HasField("passive")
    assert not payload.passive
    assert pairing.registration_id == credentials.registration_id.to_bytes(4, "big")
    assert pairing.key_type == b"\x05"
    assert pairing.identity == curve.public_of(credentials.identity_private)
    assert pairing.signed_pre_key_id == b"\x00\x00\x01"
    assert xeddsa.verify(pairing.identity, b"\x05" + pairing.signed_pre_key, pairing.signed_pre_key_signature)
    assert pairing.build_hash == hashlib.md5(b"2.3000.1045649367").digest()
    props = DeviceProps.FromString(pairing.device_props)
    assert (props.os, props.platform_type, props.require_full_sync) == ("Gerai", DeviceProps.CHROME, False)


def test_both_describe_the_same_web_client():
    for payload in (registration_payload(new_credentials(), DEVICE), login_payload(linked_credentials(), DEVICE)):
        agent = ClientPayload.FromString(payload).user_agent
        version = agent.app_version
        assert (version.primary, version.secondary, version.tertiary) == DEVICE.version
        assert agent.platform == ClientPayload.UserAgent.WEB


@pytest.mark.parametrize("jid", [None, "", "nobody", "name@s.whatsapp.net", "@s.whatsapp.net", "62:x@s.whatsapp.net"])
def test_credentials_without_a_number_cannot_log_in(jid):
    with pytest.raises(ValueError, match=r"no linked device|invalid literal"):
        login_payload(dataclasses.replace(linked_credentials(), jid=jid), DEVICE)
