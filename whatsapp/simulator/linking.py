"""The short cut for benchmarks and demos: a linked device without QR code or connection."""

import dataclasses

from whatsapp.credentials import Credentials
from whatsapp.protocol import adv, curve
from whatsapp.protocol.keys import new_credentials
from whatsapp.protocol.protobufs.handshake_pb2 import DeviceProps
from whatsapp.simulator.accounts import MAX_DEVICES, Account, SignedKey
from whatsapp.simulator.exceptions import PhoneError, Trouble
from whatsapp.simulator.pairing import add_device, vouch
from whatsapp.simulator.payloads import Registration


def link_directly(account: Account, device_name: str, pre_keys: int) -> Credentials:
    """Make a device's keys, link it, give the keys. Raises PhoneError when no more devices can be linked."""
    if len(account.devices) >= MAX_DEVICES:
        raise PhoneError(Trouble.TOO_MANY, limit=MAX_DEVICES)
    fresh = new_credentials()
    identity = curve.public_of(fresh.identity_private)
    signed = vouch(account, identity, account.next_device)
    signed.device_signature = adv.sign_device(
        fresh.identity_private, signed.details, identity, signed.account_signature_key
    )
    registration = Registration(
        registration_id=fresh.registration_id,
        identity=identity,
        signed_key=SignedKey(
            fresh.signed_pre_key_id, curve.public_of(fresh.signed_pre_key_private), fresh.signed_pre_key_signature
        ),
        name=device_name,
        platform_type=DeviceProps.CHROME,
    )
    device = add_device(
        account,
        registration,
        curve.public_of(fresh.noise_private),
        account.next_device,
        signed.SerializeToString(),
    )
    device.pretended_pre_keys = pre_keys
    return dataclasses.replace(
        fresh,
        jid=str(device.jid),
        lid=str(device.lid),
        platform=account.platform,
        business_name=account.business_name,
        display_name=account.name,
        signed_device_identity=device.signed_identity,
    )
