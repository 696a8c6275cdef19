"""ClientPayload: what a client says about itself inside the last message of the handshake (PROTOCOL.md §4)."""

import hashlib
from dataclasses import dataclass
from typing import Final, cast

from whatsapp.credentials import Credentials
from whatsapp.exceptions import NodeError
from whatsapp.protocol import curve
from whatsapp.protocol.jid import Jid
from whatsapp.protocol.protobufs.handshake_pb2 import ClientPayload, DeviceProps

Version = tuple[int, int, int]

DEFAULT_VERSION: Final[Version] = (2, 3000, 1045649367)


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """How this device presents itself."""

    version: Version = DEFAULT_VERSION  # of WhatsApp Web; a server refuses one that is too old with 405
    name: str = "Gerai"  # as the phone lists it among its linked devices
    platform_type: int = DeviceProps.CHROME  # the icon beside that name


def registration_payload(credentials: Credentials, device: DeviceDescription) -> bytes:
    """For a device that no phone accepted yet."""
    payload = _common(device)
    payload.passive = False
    payload.pull = False
    pairing = payload.device_pairing_data
    pairing.registration_id = credentials.registration_id.to_bytes(4, "big")
    pairing.key_type = curve.KEY_TYPE
    pairing.identity = curve.public_of(credentials.identity_private)
    pairing.signed_pre_key_id = credentials.signed_pre_key_id.to_bytes(3, "big")
    pairing.signed_pre_key = curve.public_of(credentials.signed_pre_key_private)
    pairing.signed_pre_key_signature = credentials.signed_pre_key_signature
    version_text = ".".join(map(str, device.version))
    pairing.build_hash = hashlib.md5(version_text.encode(), usedforsecurity=False).digest()
    pairing.device_props = _device_props(device)
    return payload.SerializeToString()


def login_payload(credentials: Credentials, device: DeviceDescription) -> bytes:
    """For a linked device. Raises ValueError if `credentials.jid` is no number with a device."""
    try:
        jid = Jid.parse(credentials.jid or "")
    except NodeError:
        raise ValueError("credentials of no linked device") from None
    payload = _common(device)
    payload.username = int(jid.user)
    payload.device = jid.device
    payload.passive = True
    payload.pull = True
    payload.lc = 1
    payload.lid_db_migrated = True
    return payload.SerializeToString()


def _common(device: DeviceDescription) -> ClientPayload:
    primary, secondary, tertiary = device.version
    agent = ClientPayload.UserAgent(
        platform=ClientPayload.UserAgent.WEB,
        app_version=ClientPayload.UserAgent.AppVersion(primary=primary, secondary=secondary, tertiary=tertiary),
        mcc="000",
        mnc="000",
        os_version="0.1",
        manufacturer="",
        device="Desktop",
        os_build_number="0.1",
        release_channel=ClientPayload.UserAgent.RELEASE,
        locale_language="en",
        locale_country="US",
    )
    return ClientPayload(
        user_agent=agent,
        web_info=ClientPayload.WebInfo(web_sub_platform=ClientPayload.WebInfo.WEB_BROWSER),
        connect_type=ClientPayload.WIFI_UNKNOWN,
        connect_reason=ClientPayload.USER_ACTIVATED,
    )


def _device_props(device: DeviceDescription) -> bytes:
    props = DeviceProps(
        os=device.name,
        version=DeviceProps.AppVersion(primary=0, secondary=1, tertiary=0),
        require_full_sync=False,
        history_sync_config=DeviceProps.HistorySyncConfig(
            storage_quota_mb=10240, inline_initial_payload_in_e2ee_msg=True
        ),
    )
    props.platform_type = cast(DeviceProps.PlatformType, device.platform_type)
    return props.SerializeToString()
