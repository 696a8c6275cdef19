"""Why to think twice before an outlet is disconnected: a blast is on its way from it."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from blast.models import Recipient
from blast.states import BlastStatus, RecipientStatus


def running_blasts(outlets: Collection[int]) -> dict[int, str]:
    """A sentence for each of these outlets that still has people to write to in a running blast."""
    rows = Recipient.objects.filter(
        blast__status=BlastStatus.RUNNING, outlet__in=list(outlets), status=RecipientStatus.QUEUED
    )
    names: dict[int, str] = dict(rows.order_by("blast").values_list("outlet", "blast__name").distinct())
    said = _(
        "“{blast}” is still being sent from this outlet. If it is disconnected, its rest waits, moves or is left out."
    )
    return {pk: said.replace("{blast}", name) for pk, name in names.items()}
