"""Reads. The status of every outlet that a person may see: what the row says and what the socket proves, made one.

Page, API and admin call the same functions, so they cannot disagree. One query for any number of outlets; where rows
have drifted, two more correct them all.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, QuerySet

from accounts.models import User
from outlets.models import Outlet
from outlets.selectors import visible_to
from wa_sessions import manager
from wa_sessions.db import DATABASE_AWAY
from wa_sessions.elements import Element, element_of, iso
from wa_sessions.live import NOTHING, Live
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.reconcile import correction
from wa_sessions.rows import session_rows
from wa_sessions.services import Correction, sessions_correct
from wa_sessions.states import Status
from wa_sessions.vault import KeyLostError, unseal

logger = logging.getLogger("wa_sessions")


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR text to show now. A secret: whoever reads it can link."""

    text: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Qr(expires_at={self.expires_at})"


def status_page(
    user: User,
    *,
    healthy: bool | None = None,
    status: str | None = None,
    q: str = "",
    page: int | None = None,
    page_size: int | None = None,
) -> dict[str, Any]:
    """The answer of `GET /api/outlets/status`: counts over all that `user` may see, and the outlets asked for.

    `healthy` and `status` (the DB status) filter, `q` looks in names and numbers, `page` (from 1) of `page_size` cuts;
    without `page` all are given. Rows that have drifted are corrected on the way.
    """
    now = datetime.now(UTC)
    elements = _elements(visible_to(user), now)
    chosen = [element for element in elements if _is_asked_for(element, healthy, status, q)]
    if page is not None:
        size = page_size or 50
        found = len(chosen)
        chosen = chosen[(page - 1) * size : page * size]
    answer: dict[str, Any] = {
        "success": True,
        "count": len(elements),
        "healthy": sum(element["healthy"] for element in elements),
        "statuses": chosen,
        "problems": sum(element["outlet"]["isActive"] and not element["healthy"] for element in elements),
        "inactive": sum(not element["outlet"]["isActive"] for element in elements),
        "waitingForNetwork": any(element["waitingForNetwork"] for element in elements),
        "at": iso(now),
    }
    if page is not None:
        answer |= {"page": page, "pageSize": size, "found": found}
    return answer


def status_of(outlet: Outlet) -> Element:
    """One element of `statuses`."""
    return _elements(Outlet.objects.filter(pk=outlet.pk), datetime.now(UTC))[0]


def qr_of(outlet: Outlet) -> Qr | None:
    """The QR that waits to be scanned, or None."""
    row = WhatsAppSession.objects.filter(pk=outlet.pk, qr_expires_at__gt=datetime.now(UTC)).first()
    if row is None or row.qr is None or row.qr_expires_at is None:
        return None
    try:
        return Qr(unseal(row.qr).decode(), row.qr_expires_at)
    except KeyLostError:
        return None


def pairing_code_of(outlet: Outlet) -> str | None:
    """The 8-character code to type on the phone, "ABCDEFGH", or None."""
    sealed = WhatsAppSession.objects.filter(pk=outlet.pk).values_list("pairing_code", flat=True).first()
    try:
        return unseal(sealed).decode() if sealed else None
    except KeyLostError:
        return None


def flips_of(outlet: Outlet) -> QuerySet[Flip]:
    """The history of the outlet's DB status, newest first."""
    return Flip.objects.filter(session_id=outlet.pk)


def last_flips(outlets: Iterable[int]) -> Mapping[int, datetime]:
    """When the status of each of these outlets last changed."""
    rows = Flip.objects.filter(session_id__in=list(outlets)).values_list("session_id").annotate(at=Max("at"))
    return dict(rows.order_by())


def _is_asked_for(element: Element, healthy: bool | None, status: str | None, q: str) -> bool:
    if healthy is not None and element["healthy"] is not healthy:
        return False
    session, outlet = element["session"], element["outlet"]
    if status is not None and (session["status"] if session else Status.DISCONNECTED) != status:
        return False
    if not q:
        return True
    digits = "".join(filter(str.isdigit, q)).lstrip("0")
    return q.casefold() in outlet["name"].casefold() or (bool(digits) and digits in outlet["whatsappNumber"])


def _elements(outlets: QuerySet[Outlet], now: datetime) -> list[Element]:
    """The status of each outlet, by name; drifted rows corrected."""
    rows = session_rows(outlets)
    # After the rows: what the sockets prove must not be older than what it corrects.
    here = manager.current()
    snapshot = here.snapshot() if here else {}
    owner = here.owner if here else None
    window_s = here.proof_window_s if here else 0.0
    clock = time.monotonic()
    corrected = _correct_drift(rows, snapshot, owner, window_s, clock, now)
    to_wall = time.time() - clock
    speaks = logger.isEnabledFor(logging.DEBUG)
    elements = []
    for row in rows:
        is_ours = owner is not None and row[19] == owner
        live = snapshot.get(row[0], NOTHING) if is_ours else NOTHING
        element = element_of(row, live, is_ours, corrected.get(row[0]), window_s, clock, to_wall, now)
        elements.append(element)
        if speaks:
            _log(row, live, element)
    return elements


def _correct_drift(
    rows: list[tuple[Any, ...]],
    snapshot: Mapping[int, Live],
    owner: str | None,
    window_s: float,
    clock: float,
    now: datetime,
) -> Mapping[int, Status]:
    """Compare every row of ours with its socket and correct those that differ: outlet -> the status it has now."""
    if owner is None:
        return {}
    drifted = []
    for row in rows:
        if row[19] != owner or row[4] is None:
            continue
        live = snapshot.get(row[0])
        if live is None:
            continue
        to_status = correction(row[4], row[15], live, clock, window_s)
        if to_status is not None:
            drift_s = round(max(0.0, clock - live.since), 3) if live.since > 0 else 0.0
            drifted.append(Correction(row[0], row[20], Status(row[4]), to_status, drift_s))
    if not drifted:
        return {}
    try:
        done = sessions_correct(owner, drifted, now)
    except DATABASE_AWAY as error:
        # The answer is true without it: live and DB status are both shown, and the next read tries again.
        logger.warning("[WhatsApp] %d rows could not be synced (%s)", len(drifted), type(error).__name__)
        return {}
    return {item.outlet: item.to_status for item in drifted if item.outlet in done}


def _log(row: tuple[Any, ...], live: Live, element: Element) -> None:
    logger.debug(
        "[WhatsApp] getSessionStatus live check: DB status=%s, verified=%s, has qrCode=%s",
        row[4],
        str(element["verified"]).lower(),
        str(live.has_qr).lower(),
    )
    if element["verified"]:
        logger.debug("[WhatsApp] verifyLiveConnection: VERIFIED for outlet_%s, user: %s", row[0], live.user)
