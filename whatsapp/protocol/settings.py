"""What the connections of one process have in common."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from whatsapp.protocol.certificate import WHATSAPP_ROOT_KEY
from whatsapp.protocol.payload import DeviceDescription


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds."""

    root_key: bytes = WHATSAPP_ROOT_KEY
    device: DeviceDescription = field(default_factory=DeviceDescription)
    ping_interval_s: float = 15
    ping_timeout_s: float = 10
    hello_timeout_s: float = 20
    login_timeout_s: float = 20
    qr_first_s: float = 60
    qr_next_s: float = 20
    random: Callable[[], float] = random.random  # for the jitter of pings
