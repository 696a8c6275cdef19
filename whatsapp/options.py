"""The settings of a client. One object serves all clients of a process."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from whatsapp.protocol.certificate import WHATSAPP_ROOT_KEY
from whatsapp.protocol.payload import DEFAULT_VERSION, DeviceDescription, Version
from whatsapp.protocol.protobufs.handshake_pb2 import DeviceProps
from whatsapp.protocol.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Times are in seconds. The defaults are for WhatsApp itself."""

    url: str = "wss://web.whatsapp.com/ws/chat"
    origin: str = "https://web.whatsapp.com"
    root_key: bytes = WHATSAPP_ROOT_KEY  # that the server's Noise certificate must lead to
    ssl_context: ssl.SSLContext | None = None  # for wss; None is one default context for the whole process

    version: Version = DEFAULT_VERSION
    device_name: str = "Gerai"  # as the phone lists it
    platform_type: int = DeviceProps.CHROME

    ping_interval_s: float = 15
    ping_timeout_s: float = 10
    dial_timeout_s: float = 20  # DNS and TCP
    tls_timeout_s: float = 20
    upgrade_timeout_s: float = 20
    hello_timeout_s: float = 20
    login_timeout_s: float = 20
    query_timeout_s: float = 60
    ack_timeout_s: float = 75  # for the server to take a message
    upload_timeout_s: float = 120  # for each host that a file is offered to
    close_timeout_s: float = 1  # for a polite end of the WebSocket
    drain_timeout_s: float = 10  # for the handler to take the last events before `run` returns

    qr_first_s: float = 60  # how long the first QR is shown
    qr_next_s: float = 20  # how long each further one is
    pre_keys_first: int = 812  # uploaded when the server has none
    pre_keys_refill: int = 50  # uploaded when it has few

    devices_ttl_s: float = 3600  # how long the devices of a person are believed without news of them
    media_scheme: Literal["https", "http"] | None = None  # None: http for a simulator on ws, else https

    now: Callable[[], float] = time.time  # seconds since 1970, for judging certificates
    settings: Settings = field(init=False, repr=False, compare=False)  # the part that the sans-I/O core reads

    def __post_init__(self) -> None:
        settings = Settings(
            root_key=self.root_key,
            device=DeviceDescription(self.version, self.device_name, self.platform_type),
            ping_interval_s=self.ping_interval_s,
            ping_timeout_s=self.ping_timeout_s,
            hello_timeout_s=self.hello_timeout_s,
            login_timeout_s=self.login_timeout_s,
            qr_first_s=self.qr_first_s,
            qr_next_s=self.qr_next_s,
        )
        object.__setattr__(self, "settings", settings)
