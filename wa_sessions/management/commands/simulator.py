"""`python manage.py simulator`: a WhatsApp server with phones, for demos and drills. A thin wrapper."""

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand

from whatsapp.simulator import __main__ as simulator


class Command(BaseCommand):
    help = "Runs a simulated WhatsApp server with phones; prints one line of JSON when it listens."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        simulator.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        simulator.serve(Namespace(**options))
