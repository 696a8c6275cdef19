"""Writes. What people ask for (`session_*`), and the corrections that a read of the status makes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outlets.models import Outlet
from wa_sessions import broadcast, manager
from wa_sessions.bulk import flips_insert, update_said
from wa_sessions.causes import Code
from wa_sessions.exceptions import WishRefused
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.states import Intent, Source, Status, Wish

__all__ = ["WishRefused"]

logger = logging.getLogger("wa_sessions")


def session_connect(outlet: Outlet, *, by_code: bool = False) -> WhatsAppSession:
    """Want the outlet online. If it is not linked, a QR follows (and an 8-character code, `by_code`).

    This and its siblings only write the wish; the owner of the outlet acts on it, at once or within 2 s. They return
    the row as it is right after the write and raise `WishRefused` where the wish makes no sense.
    """
    _refuse_inactive(outlet)
    session = _session(outlet)
    if session.cause == Code.TEMPORARY_BAN and session.retry_at and session.retry_at > timezone.now():
        raise WishRefused("temporary_ban", _("WhatsApp restricted this number for a while. Wait until that is over."))
    return _wish(session, Wish.CONNECT_BY_CODE if by_code else Wish.CONNECT, Intent.ONLINE)


def session_pause(outlet: Outlet) -> WhatsAppSession:
    """Keep the connection, and keep blasts away from it."""
    _refuse_inactive(outlet)
    session = _session(outlet)
    if not session.jid or session.intent == Intent.OFFLINE:
        raise WishRefused("not_connected", _("This outlet is not connected. Connect it first."))
    return _wish(session, Wish.PAUSE, Intent.PAUSED)


def session_resume(outlet: Outlet) -> WhatsAppSession:
    _refuse_inactive(outlet)
    session = _session(outlet)
    if session.intent == Intent.OFFLINE:
        raise WishRefused("not_paused", _("This outlet is not paused. Connect it instead."))
    return _wish(session, Wish.RESUME, Intent.ONLINE)


def session_disconnect(outlet: Outlet) -> WhatsAppSession:
    """Close the connection and keep the link: connecting again needs no scan."""
    return _wish(_session(outlet), Wish.DISCONNECT, Intent.OFFLINE)


def session_unlink(outlet: Outlet) -> WhatsAppSession:
    """Remove the linked device at WhatsApp and forget its keys."""
    session = _session(outlet)
    if not session.jid:
        raise WishRefused("not_linked", _("This outlet is not linked to a phone."))
    return _wish(session, Wish.UNLINK, Intent.OFFLINE)


def session_configure(
    outlet: Outlet, *, auto_reconnect: bool | None = None, max_retries: int | None = None
) -> WhatsAppSession:
    """Change how the outlet reconnects; None leaves a setting as it is."""
    session = _session(outlet)
    given = {"auto_reconnect": auto_reconnect, "max_retries": max_retries}
    changes = {name: value for name, value in given.items() if value is not None}
    rows = WhatsAppSession.objects.filter(pk=session.pk)
    # A wish that nobody has acted on yet must not be overwritten: it stays, and brings the settings along.
    if not rows.filter(wish_number=F("wish_done")).update(wish="", wish_number=F("wish_number") + 1, **changes):
        rows.update(wish_number=F("wish_number") + 1, **changes)
    return _told(session)


def _refuse_inactive(outlet: Outlet) -> None:
    if not outlet.is_active:
        raise WishRefused("outlet_inactive", _("This outlet is inactive. Activate it first."))


def _session(outlet: Outlet) -> WhatsAppSession:
    return WhatsAppSession.objects.get_or_create(outlet=outlet, defaults={"max_retries": settings.WA_MAX_RETRIES})[0]


def _wish(session: WhatsAppSession, wish: Wish, intent: Intent) -> WhatsAppSession:
    rows = WhatsAppSession.objects.filter(pk=session.pk)
    rows.update(wish=wish, intent=intent, wish_number=F("wish_number") + 1)
    return _told(session)


def _told(session: WhatsAppSession) -> WhatsAppSession:
    transaction.on_commit(lambda: _tell(session.pk))
    session.refresh_from_db()
    return session


def _tell(pk: int) -> None:
    if (here := manager.current()) is not None:
        here.nudge()
    broadcast.session_changed(pk)


# Corrections.


@dataclass(frozen=True, slots=True)
class Correction:
    """A row that says something else than its socket: `version` is the one of the row that was compared."""

    outlet: int
    version: int
    from_status: Status
    to_status: Status
    drift_s: float


def sessions_correct(owner: str, corrections: Sequence[Correction], now: datetime) -> set[int]:
    """Make rows say what the sockets prove, each only if nobody has written it since it was read.

    One statement for the rows and one for the flips, however many. Returns the outlets that were corrected.
    """
    done = _correct(owner, corrections, now) if corrections else set()
    for item in corrections:
        if item.outlet in done:
            _log(item)
            broadcast.session_changed(item.outlet)
    return done


def _correct(owner: str, corrections: Sequence[Correction], now: datetime) -> set[int]:
    with transaction.atomic():
        written = update_said(
            WhatsAppSession,
            {"id": None, "seen": None, "status": None},
            [(item.outlet, item.version, item.to_status.value) for item in corrections],
            owner,
            sets="status = said.status, version = it.version + 1",
            where="it.outlet_id = said.id AND it.version = said.seen AND it.owner = %s",
            returning="outlet_id",
        )
        done = set(written)
        flips_insert(
            [
                Flip(
                    session_id=item.outlet,
                    from_status=item.from_status,
                    to_status=item.to_status,
                    reason="drift",
                    source=Source.SYNC,
                    at=now,
                    drift_s=item.drift_s,
                )
                for item in corrections
                if item.outlet in done
            ]
        )
    return done


def _log(item: Correction) -> None:
    if item.to_status is Status.DISCONNECTED:
        logger.info(
            "[WhatsApp] Database says %s but socket verification failed for outlet_%s, syncing to %s",
            item.from_status,
            item.outlet,
            item.to_status,
        )
    else:
        logger.info(
            "[WhatsApp] Socket verification shows CONNECTED but DB says %s for outlet_%s, syncing to %s",
            item.from_status,
            item.outlet,
            item.to_status,
        )
