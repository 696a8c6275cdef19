"""Saying that a blast changed: to the worker, which acts at once, and to open pages, which ask again."""

from collections.abc import Callable

from blast.models import Blast
from wa_sessions import broadcast

_on_wish: list[Callable[[int | None], None]] = []  # the worker of this process, while it runs


def changed(blast_pk: int) -> None:
    """Tell open pages. From any thread; asks the database who may hear of it."""
    outlets = Blast.outlets.through.objects.filter(blast=blast_pk).values_list("outlet", flat=True)
    move_to = Blast.objects.filter(pk=blast_pk, move_to__isnull=False).values_list("move_to", flat=True)
    broadcast.blast_changed(blast_pk, {*outlets, *move_to})


def wished(blast_pk: int | None) -> None:
    """A person wants something else of this blast (None: of how outlets send): the worker looks now, the pages ask."""
    for nudge in tuple(_on_wish):
        nudge(blast_pk)
    if blast_pk is not None:
        changed(blast_pk)


def on_wish(nudge: Callable[[int | None], None]) -> None:
    """Have `nudge` called for each wish, in the thread where it arises."""
    _on_wish.append(nudge)


def off_wish(nudge: Callable[[int | None], None]) -> None:
    _on_wish.remove(nudge)
