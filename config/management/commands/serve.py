"""`manage.py serve`: Daphne in this process, on uvloop, with the sessions."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Serve pages, API and WhatsApp sessions until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        if not 0 <= port <= 65535:
            raise CommandError(f"--port must be from 0 to 65535, not {port}.")
        if not settings.DEBUG and _static_files_changed():
            call_command("collectstatic", interactive=False, verbosity=0)

        import uvloop

        # Twisted takes its loop when Daphne is first imported: so the policy first. A TLS socket costs 58 KiB on
        # uvloop and 310 on plain asyncio.
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        from daphne.endpoints import build_endpoint_description_strings
        from daphne.server import Server

        from config.asgi import application, lifecycle

        self._server = Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            server_name="gerai",
            proxy_forwarded_address_header="X-Forwarded-For" if settings.BEHIND_PROXY else None,
            proxy_forwarded_proto_header="X-Forwarded-Proto" if settings.BEHIND_PROXY else None,
            ready_callable=self._say_where,
        )
        self._server.run()
        if lifecycle.failed:
            raise CommandError("The server stopped because the sessions could not be started.")

    def _say_where(self) -> None:
        for address in self._server.listening_addresses:
            self.stdout.write(f"Gerai listens on http://{address[0]}:{address[1]}/")
        self.stdout.flush()


def _static_files_changed() -> bool:
    """Whether a file of ours, or what is installed, is newer than what was collected last."""
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    if not manifest.exists():
        return True
    sources = [settings.BASE_DIR / "requirements.txt"]
    for folder in settings.STATICFILES_DIRS:
        sources += [path for path in folder.rglob("*") if path.is_file()]
    newest: float = max(path.stat().st_mtime for path in sources if path.exists())
    return newest > manifest.stat().st_mtime
