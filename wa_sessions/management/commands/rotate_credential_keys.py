"""`manage.py rotate_credential_keys`: seal every stored secret with the first of CREDENTIAL_KEYS.

To change keys: put the new key in front of the old one, restart, run this, then remove the old key and restart. Safe
while the server runs.
"""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from wa_sessions.models import Credential, PreKey, SentMessage, SignalSession, TrustedToken
from wa_sessions.vault import KeyLostError, reseal

CHUNK = 500


class Command(BaseCommand):
    help = "Seal every stored secret with the first of CREDENTIAL_KEYS, so that an older key can be retired."

    def handle(self, *args: Any, **options: Any) -> None:
        outlets, lost = self._rotate(Credential, lambda row: row.pk)
        pre_keys, _lost = self._rotate(PreKey, lambda row: row.session_id)
        for model in (SignalSession, TrustedToken, SentMessage):  # what no key opens is agreed on anew
            self._rotate(model, lambda row: row.session_id)
        self.stdout.write(
            _("Sealed anew: %(outlets)d outlets, %(pre_keys)d pre-keys.") % {"outlets": outlets, "pre_keys": pre_keys}
        )
        for outlet in sorted(lost):
            self.stderr.write(
                _("outlet_%(outlet)s: no key opens its link. It must be scanned again.") % {"outlet": outlet}
            )

    def _rotate(self, model: type[Model], outlet_of: Callable[[Any], int]) -> tuple[int, set[int]]:
        """Reseal all rows of a table. Returns how many, and the outlets whose secrets cannot be opened."""
        done, last = 0, 0
        lost: set[int] = set()
        table: Any = model._default_manager
        while rows := list(table.filter(pk__gt=last).order_by("pk")[:CHUNK]):
            last = rows[-1].pk
            with transaction.atomic():
                for row in rows:
                    try:
                        sealed = reseal(row.sealed)
                    except KeyLostError:
                        lost.add(outlet_of(row))
                        continue
                    # Only what was read is replaced: a running server may have saved newer keys meanwhile.
                    done += table.filter(pk=row.pk, sealed=row.sealed).update(sealed=sealed)
        return done, lost
