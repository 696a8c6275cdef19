"""What the simulated server knows: accounts, their linked devices, the devices' public keys and what waits for them."""

import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from whatsapp.protocol import curve
from whatsapp.protocol.jid import LID_SERVER, PN_SERVER, Jid
from whatsapp.protocol.nodes import Node

if TYPE_CHECKING:
    from whatsapp.simulator.session import Session

MAX_DEVICES: Final = 4  # beside the phone, as WhatsApp has it


@dataclass(slots=True)
class SignedKey:
    """A signed pre-key: id, public key of 32 bytes, signature of 64."""

    key_id: int
    public: bytes
    signature: bytes


@dataclass(slots=True, eq=False)
class Device:
    """One linked device. Device 0, the phone, is no `Device`."""

    account: "Account"
    number: int  # the device id in its address
    key_index: int
    noise_public: bytes
    identity: bytes
    registration_id: int
    signed_key: SignedKey
    name: str = ""  # as the client called itself
    linked_at: int = field(default_factory=lambda: int(time.time()))
    signed_identity: bytes = b""  # ADVSignedDeviceIdentity, all four fields
    pre_keys: dict[int, bytes] = field(default_factory=dict)  # one-time keys: id -> public
    pretended_pre_keys: int = 0  # counted besides: the short cut of benchmarks, which need no real ones
    used_key_ids: int = 0  # a bit for every id that ever came
    told_low: bool = False  # that one-time keys run out, and since then none came
    pending: dict[tuple[str, str, str], Node] | None = None  # what the client has not acknowledged yet
    session: "Session | None" = None  # the connection that is logged in as this device

    @property
    def jid(self) -> Jid:
        return Jid(self.account.number, PN_SERVER, self.number)

    @property
    def lid(self) -> Jid:
        return Jid(self.account.lid, LID_SERVER, self.number)

    @property
    def pre_key_count(self) -> int:
        return len(self.pre_keys) + self.pretended_pre_keys

    def as_dict(self) -> dict[str, Any]:
        """For the state that outlives the simulator."""
        return {
            "number": self.number,
            "key_index": self.key_index,
            "noise_public": _text(self.noise_public),
            "identity": _text(self.identity),
            "registration_id": self.registration_id,
            "signed_key": [
                self.signed_key.key_id,
                _text(self.signed_key.public),
                _text(self.signed_key.signature),
            ],
            "name": self.name,
            "linked_at": self.linked_at,
            "signed_identity": _text(self.signed_identity),
            "pre_keys": {str(key_id): _text(public) for key_id, public in self.pre_keys.items()},
            "pretended_pre_keys": self.pretended_pre_keys,
            "used_key_ids": hex(self.used_key_ids),
        }

    @classmethod
    def from_dict(cls, account: "Account", row: dict[str, Any]) -> "Device":
        key_id, public, signature = row["signed_key"]
        return cls(
            account=account,
            number=row["number"],
            key_index=row["key_index"],
            noise_public=_bytes(row["noise_public"]),
            identity=_bytes(row["identity"]),
            registration_id=row["registration_id"],
            signed_key=SignedKey(key_id, _bytes(public), _bytes(signature)),
            name=row["name"],
            linked_at=row["linked_at"],
            signed_identity=_bytes(row["signed_identity"]),
            pre_keys={int(key_id): _bytes(public) for key_id, public in row["pre_keys"].items()},
            pretended_pre_keys=row["pretended_pre_keys"],
            used_key_ids=int(row["used_key_ids"], 16),
        )


@dataclass(slots=True, eq=False)
class Account:
    """One WhatsApp account: a number, a LID, the phone's account key, and its linked devices by id."""

    number: str  # digits, with the country code
    name: str = ""
    platform: str = "android"
    business_name: str = ""
    account_private: bytes = field(default_factory=curve.new_private, repr=False)
    lid: str = ""
    network: bool = True  # whether the phone is online
    next_device: int = 1  # device ids are not given twice
    devices: dict[int, Device] = field(default_factory=dict)
    contacts: set[str] | None = None  # numbers that wrote to it, and so know its devices
    is_recipient: bool = False  # one of many, see `Simulator.add_recipients`: not kept

    def __post_init__(self) -> None:
        if not self.lid:  # opaque, but the same for the same number
            self.lid = str(10**14 + int.from_bytes(hashlib.sha256(self.number.encode()).digest()[:5], "big"))

    @property
    def account_key(self) -> bytes:
        """The phone's public identity, which vouches for its linked devices."""
        return curve.public_of(self.account_private)

    def address(self, device: int, *, as_lid: bool) -> Jid:
        """A device of it, the phone if 0."""
        return Jid(self.lid, LID_SERVER, device) if as_lid else Jid(self.number, PN_SERVER, device)

    def device_numbers(self) -> list[int]:
        """All of them, the phone first."""
        return [0, *self.devices]

    def as_dict(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "name": self.name,
            "platform": self.platform,
            "business_name": self.business_name,
            "account_private": _text(self.account_private),
            "lid": self.lid,
            "network": self.network,
            "next_device": self.next_device,
            "devices": [device.as_dict() for device in self.devices.values()],
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Account":
        account = cls(**{**row, "account_private": _bytes(row["account_private"]), "devices": {}})
        for device_row in row["devices"]:
            account.devices[device_row["number"]] = Device.from_dict(account, device_row)
        return account


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
