"""The ASGI application: `daphne config.asgi:application`, `uvicorn config.asgi:application`, `manage.py serve`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from config.handler import ThreadedHandler  # noqa: E402
from config.lifecycle import Lifecycle  # noqa: E402
from wa_sessions.routing import websocket_application  # noqa: E402

lifecycle = Lifecycle()
lifecycle.hang_on_reactor()

application = ProtocolTypeRouter(
    {
        "http": ThreadedHandler(settings.REQUEST_THREADS),
        "websocket": websocket_application,
        "lifespan": lifecycle.lifespan,
    }
)
