"""The same urls, views, settings and sessions on Django's own handler: `daphne bench.programs.stock:application`."""

import django

django.setup()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

from config.lifecycle import Lifecycle  # noqa: E402

lifecycle = Lifecycle()
lifecycle.hang_on_reactor()
application = ProtocolTypeRouter({"http": get_asgi_application(), "lifespan": lifecycle.lifespan})
