"""Fill an empty database: a linked outlet for each number from the first to the last, an ADMIN, and a token.

python -m bench.programs.fill <control of the simulator> <first number> <last number>
"""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import ApiToken, Role, User  # noqa: E402
from outlets.models import Outlet  # noqa: E402
from wa_sessions.credential_store import dump_credentials  # noqa: E402
from wa_sessions.models import Credential, WhatsAppSession  # noqa: E402
from wa_sessions.states import Intent  # noqa: E402
from wa_sessions.vault import seal  # noqa: E402
from whatsapp.simulator.control import ControlClient  # noqa: E402

CHUNK = 250


def main(control: str, first: str, last: str) -> None:
    call_command("migrate", verbosity=0)
    numbers = [str(number) for number in range(int(first), int(last) + 1)]
    outlets = Outlet.objects.bulk_create(
        Outlet(name=f"Outlet {place:05d}", whatsapp_number=number) for place, number in enumerate(numbers)
    )
    if numbers:
        with ControlClient(control, timeout_s=120) as phones:
            for start in range(0, len(outlets), CHUNK):
                _link(phones, outlets[start : start + CHUNK])
    user = User.objects.create_user("adi", role=Role.ADMIN)
    token, _ = ApiToken.objects.issue(user, lifetime=timedelta(days=1))
    print(json.dumps({"token": token}))


def _link(phones: ControlClient, outlets: list[Outlet]) -> None:
    credentials = phones.link_directly([outlet.whatsapp_number for outlet in outlets])
    pairs = list(zip(outlets, credentials, strict=True))
    WhatsAppSession.objects.bulk_create(
        WhatsAppSession(outlet=outlet, intent=Intent.ONLINE, jid=found.jid or "") for outlet, found in pairs
    )
    Credential.objects.bulk_create(
        Credential(session_id=outlet.pk, sealed=seal(dump_credentials(found))) for outlet, found in pairs
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
