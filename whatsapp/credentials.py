"""The keys and names of one linked device, and how they are written down."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PreKey:
    """A one-time pre-key: a 24-bit id, never used twice, and an X25519 private key of 32 bytes."""

    key_id: int
    private: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything that makes this device this device. Secret as a whole; `repr` shows names only.

    Before the phone accepted the device `jid` is None: such credentials can pair, not log in.
    """

    noise_private: bytes = field(repr=False)
    identity_private: bytes = field(repr=False)
    signed_pre_key_id: int = field(repr=False)
    signed_pre_key_private: bytes = field(repr=False)
    signed_pre_key_signature: bytes = field(repr=False)
    registration_id: int = field(repr=False)  # 14 bits
    adv_secret: bytes = field(repr=False)
    jid: str | None = None  # "6287788987745:7@s.whatsapp.net"
    lid: str | None = None
    platform: str = ""
    business_name: str = ""
    display_name: str = ""
    signed_device_identity: bytes = field(default=b"", repr=False)  # ADVSignedDeviceIdentity, all four fields
    routing_info: bytes = field(default=b"", repr=False)

    @property
    def is_linked(self) -> bool:
        return self.jid is not None
