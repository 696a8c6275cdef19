"""Linking a device, the server's and the phone's part of it (PROTOCOL.md §7, §8, §24)."""

import asyncio
import base64
import secrets
import time
from typing import Final

from google.protobuf.message import DecodeError

from whatsapp.protocol import adv
from whatsapp.protocol.jid import LID_SERVER, PN_SERVER, SERVER_JID, Jid
from whatsapp.protocol.nodes import Node
from whatsapp.protocol.protobufs.adv_pb2 import (
    ADVDeviceIdentity,
    ADVSignedDeviceIdentity,
    ADVSignedDeviceIdentityHMAC,
)
from whatsapp.simulator.accounts import Account, Device
from whatsapp.simulator.exceptions import PhoneError, Refused, Trouble
from whatsapp.simulator.payloads import Registration

_REF_BYTES: Final = 48


class Pairing:
    """One connection that wants to be linked: from its registration to the 515."""

    def __init__(self, registration: Registration, noise_public: bytes, ref_count: int) -> None:
        self.registration = registration
        self.noise_public = noise_public  # proved in the handshake
        self.refs = [f"2@{_random_text()}" for _ in range(ref_count)]  # what its QR codes may say
        self.announce_id = ""  # of the iq that brought the refs, until it is answered
        self.code: CodeAttempt | None = None  # if it asked to be linked by code
        self.account: Account | None = None  # whose phone accepted it
        self.done: asyncio.Future[Device] | None = None  # what that phone waits for
        self._success_id = ""
        self._key_index = 0
        self._signed = ADVSignedDeviceIdentity()  # what the device must sign in its turn

    def announce(self, iq_id: str) -> Node:
        """The `<pair-device>` that brings the refs."""
        self.announce_id = iq_id
        refs = [Node("ref", {}, ref.encode()) for ref in self.refs]
        return _set_iq(iq_id, Node("pair-device", {}, refs))

    def accept(self, account: Account, adv_secret: bytes, iq_id: str) -> Node:
        """The phone vouches for the device: give the `<pair-success>`. Raises PhoneError if one did already."""
        if self.done is not None:
            raise PhoneError(Trouble.ALREADY)
        self.account, self.done = account, asyncio.get_running_loop().create_future()
        self._success_id, self._key_index = iq_id, account.next_device
        self._signed = vouch(account, self.registration.identity, self._key_index)
        details = self._signed.SerializeToString()
        wrapped = ADVSignedDeviceIdentityHMAC(details=details, hmac=adv.wrap_hmac(adv_secret, details))
        device = account.next_device
        parts = [
            Node("device-identity", {}, wrapped.SerializeToString()),
            Node("platform", {"name": account.platform}),
            Node("device", {"jid": _jid(account, device), "lid": _lid(account, device)}),
        ]
        if account.business_name:
            parts.append(Node("biz", {"name": account.business_name}))
        iq = _set_iq(iq_id, Node("pair-success", {}, parts))
        iq.attrs["t"] = str(int(time.time()))
        return iq

    def is_answer(self, iq: Node) -> bool:
        """Whether this iq answers our pair-success."""
        return bool(self._success_id) and iq.attr("id") == self._success_id

    def finish(self, iq: Node) -> Device:
        """Check the device's answer and link it. Raises Refused, and PhoneError if the device itself refused."""
        assert self.account is not None
        if iq.attr("type") == "error":
            error = iq.child("error")
            text = error.attr("text") if error else ""
            raise PhoneError(Trouble.NOT_ACCEPTED, reason=text or "?")
        identity = iq.child("pair-device-sign", "device-identity")
        if identity is None:
            raise _wrong("pair-success was answered without pair-device-sign")
        if identity.attr("key-index") != str(self._key_index):
            raise _wrong("pair-device-sign names another key-index")
        try:
            signed = ADVSignedDeviceIdentity.FromString(identity.data)
        except DecodeError:
            raise _wrong("the device identity is unreadable") from None
        if signed.HasField("account_signature_key"):
            raise _wrong("accountSignatureKey must not be sent back")
        if signed.details != self._signed.details or signed.account_signature != self._signed.account_signature:
            raise _wrong("the device changed what the phone had signed")
        account_key = self._signed.account_signature_key
        ours = self.registration.identity
        if not adv.verify_device(ours, signed.details, account_key, signed.device_signature):
            raise _wrong("the device signature does not verify")
        self._signed.device_signature = signed.device_signature
        return add_device(
            self.account, self.registration, self.noise_public, self._key_index, self._signed.SerializeToString()
        )


class CodeAttempt:
    """A device that waits for a code to be typed into the phone of one number."""

    def __init__(self, account: Account, hidden_ephemeral: bytes) -> None:
        self.account = account
        self.hidden_ephemeral = hidden_ephemeral  # the device's ephemeral key under the code
        self.ref = _random_text().encode()
        self.bundle: asyncio.Future[bytes] | None = None  # the device's last word, once a phone answered


def vouch(account: Account, identity: bytes, key_index: int) -> ADVSignedDeviceIdentity:
    """The phone's signature over a device that is to be linked."""
    details = ADVDeviceIdentity(
        raw_id=secrets.randbits(31), timestamp=int(time.time()), key_index=key_index
    ).SerializeToString()
    return ADVSignedDeviceIdentity(
        details=details,
        account_signature_key=account.account_key,
        account_signature=adv.sign_account(account.account_private, details, identity),
    )


def add_device(
    account: Account, registration: Registration, noise_public: bytes, key_index: int, signed_identity: bytes
) -> Device:
    """Give it the account's next device id and remember it."""
    device = Device(
        account=account,
        number=account.next_device,
        key_index=key_index,
        noise_public=noise_public,
        identity=registration.identity,
        registration_id=registration.registration_id,
        signed_key=registration.signed_key,
        name=registration.name,
        signed_identity=signed_identity,
    )
    account.next_device += 1
    account.devices[device.number] = device
    return device


def _jid(account: Account, device: int) -> Jid:
    return Jid(account.number, PN_SERVER, device)


def _lid(account: Account, device: int) -> Jid:
    return Jid(account.lid, LID_SERVER, device)


def _set_iq(iq_id: str, child: Node) -> Node:
    return Node("iq", {"from": SERVER_JID, "type": "set", "id": iq_id, "xmlns": "md"}, [child])


def _random_text() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(_REF_BYTES)).decode().rstrip("=")


def _wrong(mistake: str) -> Refused:
    return Refused(400, "bad-request", mistake)
