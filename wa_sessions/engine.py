"""The settings, as the engine and the lifecycle want them."""

from django.conf import settings

from wa_sessions.lifecycle_types import Policy
from whatsapp.options import ClientOptions
from whatsapp.protocol.certificate import WHATSAPP_ROOT_KEY

GRACE_S = 1.0
QUERY_TIMEOUT_S = 30.0


def client_options() -> ClientOptions:
    return ClientOptions(
        url=settings.WA_SOCKET_URL,
        root_key=settings.WA_ROOT_KEY or WHATSAPP_ROOT_KEY,
        version=settings.WA_CLIENT_VERSION,
        query_timeout_s=QUERY_TIMEOUT_S,
        ping_interval_s=settings.WA_PING_INTERVAL,
        ping_timeout_s=settings.WA_PING_TIMEOUT,
    )


def policy() -> Policy:
    return Policy(retry_delay_s=settings.WA_RETRY_DELAY, slow_retry=settings.WA_SLOW_RETRY)


def proof_window_s(options: ClientOptions) -> float:
    """How old the last answer of a living server may be: an interval, a time-out, and a second for the way."""
    return float(options.ping_interval_s + options.ping_timeout_s + GRACE_S)
