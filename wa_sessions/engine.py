"""The settings, as the engine and the lifecycle want them."""

from django.conf import settings
from whatsapp.client import ClientOptions

from wa_sessions.lifecycle_types import Policy

GRACE_S = 1.0


def client_options() -> ClientOptions:
    given = {"root_key": settings.WA_ROOT_KEY} if settings.WA_ROOT_KEY else {}
    return ClientOptions(
        url=settings.WA_SOCKET_URL,
        version=settings.WA_CLIENT_VERSION,
        ping_interval_s=settings.WA_PING_INTERVAL,
        ping_timeout_s=settings.WA_PING_TIMEOUT,
        **given,
    )


def policy() -> Policy:
    return Policy(retry_delay_s=settings.WA_RETRY_DELAY, slow_retry=settings.WA_SLOW_RETRY)


def proof_window_s(options: ClientOptions) -> float:
    """How old the last answer of a living server may be: an interval, a time-out, and a second for the way."""
    return float(options.ping_interval_s + options.ping_timeout_s + GRACE_S)
