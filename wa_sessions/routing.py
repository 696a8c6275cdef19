"""WebSocket routes. Origin and login are checked by the consumers themselves: no middleware has to be wrapped around.

`ProtocolTypeRouter({"http": …, "websocket": routing.websocket_application})`
"""

from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from wa_sessions.consumers import refused_socket, status_socket

_route: Any = re_path  # typed for views; these are ASGI applications
websocket_urlpatterns: list[Any] = [
    _route(r"^ws/status/?\Z", status_socket, name="status-socket"),
    _route(r"", refused_socket, name="no-socket"),  # last: anything else is refused, and is no error of ours
]
websocket_application = URLRouter(websocket_urlpatterns)
