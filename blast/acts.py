"""Who did what, when: written in the transaction of the act itself."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from blast.models import Act, Blast
from outlets.models import Outlet


def note(
    what: Act.What,
    *,
    by: User | None = None,
    blast: Blast | int | None = None,
    outlet: Outlet | int | None = None,
    **detail: Any,
) -> None:
    """Write it down. `by` None: the program itself. `blast` and `outlet` may be primary keys."""
    Act.objects.create(
        what=what,
        by=by,
        blast_id=blast.pk if isinstance(blast, Blast) else blast,
        outlet_id=outlet.pk if isinstance(outlet, Outlet) else outlet,
        detail=detail,
        at=timezone.now(),
    )
