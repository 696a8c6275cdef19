"""`/ws/status` under a real Daphne in a process of its own, everybody being head office. Prints its port.

`GET /hint?7` tells of outlet 7; `GET /storm` tells of 20 outlets as fast as it goes, for ever; any answer says how many
pages are open.
"""

import asyncio
import socket
import threading
import time

from daphne.server import Server  # first: it installs the reactor

# isort: split
import django

django.setup()

from wa_sessions import broadcast, consumers, hub, viewers  # noqa: E402
from wa_sessions.routing import websocket_application  # noqa: E402
from wa_sessions.visitors import Visitor  # noqa: E402

viewers.SEND_TIMEOUT_S = 1.0
consumers.visitor_of = lambda _headers: Visitor(1, "ADMIN", None, 0, session_key="key")
hub.verdicts = lambda _visitors: {}
# Larger than life, so that the kernel's buffers are soon full where nobody reads.
hub._changed_text = lambda pk: viewers.text_of("changed", outletId=f"outlet_{pk}", pad="x" * 2000)


def storm():
    while True:
        for pk in range(1, 21):
            broadcast.session_changed(pk)
        time.sleep(0.001)


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await websocket_application(scope, receive, send)
        return
    if scope["path"] == "/hint":
        pk = int(scope["query_string"])
        await asyncio.to_thread(broadcast.session_changed, pk)
    elif scope["path"] == "/storm":
        threading.Thread(target=storm, daemon=True).start()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(hub.viewers_now()).encode()})


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    Server(application, endpoints=[f"fd:fileno={listening.fileno()}"], verbosity=0).run()
