"""Reads. The status of every outlet that a person may see: what the row says and what the socket proves, made one.

Page, API and admin call the same functions, so they cannot disagree. One query for any number of outlets; where rows
have drifted, two more correct them all.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from outlets.models import Outlet
from outlets.selectors import visible_to
from wa_sessions import manager
from wa_sessions.causes import WORDS, Code
from wa_sessions.db import DATABASE_AWAY
from wa_sessions.health import checks_of, is_healthy
from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import NOTHING, Live
from wa_sessions.models import Flip, WhatsAppSession
from wa_sessions.reconcile import correction
from wa_sessions.rows import session_rows
from wa_sessions.services import Correction, sessions_correct
from wa_sessions.states import Intent, Status
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
        "at": _iso(now),
    }
    if page is not None:
        answer |= {"page": page, "pageSize": size, "found": found}
    return answer


def status_of(outlet: Outlet) -> dict[str, Any]:
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


def _is_asked_for(element: dict[str, Any], healthy: bool | None, status: str | None, q: str) -> bool:
    if healthy is not None and element["healthy"] is not healthy:
        return False
    session, outlet = element["session"], element["outlet"]
    if status is not None and (session["status"] if session else Status.DISCONNECTED) != status:
        return False
    if not q:
        return True
    digits = "".join(filter(str.isdigit, q)).lstrip("0")
    return q.casefold() in outlet["name"].casefold() or (bool(digits) and digits in outlet["whatsappNumber"])


def _elements(outlets: QuerySet[Outlet], now: datetime) -> list[dict[str, Any]]:
    """The status of each outlet, by name; drifted rows corrected."""
    rows = session_rows(outlets)
    # After the rows: what the sockets prove must not be older than what it corrects.
    here = manager.current()
    snapshot = here.snapshot() if here else {}
    owner = here.owner if here else None
    window_s = here.proof_window_s if here else 0.0
    clock = time.monotonic()
    corrected = _correct_drift(rows, snapshot, owner, window_s, clock, now)
    to_wall = now.timestamp() - clock
    speaks = logger.isEnabledFor(logging.DEBUG)
    elements = []
    for row in rows:
        is_ours = owner is not None and row[19] == owner
        live = snapshot.get(row[0], NOTHING) if is_ours else NOTHING
        element = _element(row, live, is_ours, corrected.get(row[0]), window_s, clock, to_wall, now)
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


def _element(
    row: tuple[Any, ...],
    live: Live,
    is_ours: bool,
    corrected: Status | None,
    window_s: float,
    clock: float,
    to_wall: float,
    now: datetime,
) -> dict[str, Any]:
    (
        pk, name, number, is_active, status, session_name, connected_at, last_seen, qr_expires_at, auto_reconnect,
        retry_count, max_retries, cause, cause_detail, retry_at, intent, jid, wish_number, wish_done, _owner, _version,
    ) = row  # fmt: skip
    is_active = bool(is_active)
    has_session = status is not None
    if has_session:
        auto_reconnect = bool(auto_reconnect)
    if corrected is not None:
        status = corrected
    is_banned = cause == Code.TEMPORARY_BAN and bool(retry_at) and _moment(retry_at) > now
    # A restricted outlet waits for its hour, not for a connection.
    is_resting = is_banned and live.phase is Phase.WAITING
    live_status = "DISCONNECTED" if is_resting else live.status(clock, window_s).value
    verified = live_status == "CONNECTED"
    proof = live.proof
    is_open = proof is not None and proof.is_open
    checks = checks_of(
        status=status,
        live_status=live_status,
        has_user=bool(live.user),
        is_open=is_open,
        auto_reconnect=auto_reconnect is not False,
    )
    verified_at = last_seen = _iso_of_text(last_seen)
    if proof is not None and proof.answered_at > 0:
        verified_at = _iso_of_second(int(proof.answered_at + to_wall))
        last_seen = verified_at if last_seen is None or verified_at > last_seen else last_seen
    has_qr = "Present" if live.has_qr and qr_expires_at and _moment(qr_expires_at) > now else None
    return {
        "outletId": f"outlet_{pk}",
        "outlet": {"name": name, "whatsappNumber": number, "isActive": is_active},
        "session": {
            "status": status,
            "sessionName": session_name,
            "connectedAt": _iso_of_text(connected_at),
            "lastSeen": last_seen,
            "qrCode": has_qr,
            "autoReconnect": auto_reconnect,
            "retryCount": retry_count,
        }
        if has_session
        else None,
        "liveStatus": {
            "status": live_status,
            "qrCode": "Present" if live.has_qr else None,
            "name": live.name or (session_name if verified else None),
        },
        "healthy": is_healthy(checks, is_active=is_active),
        "checks": checks,
        "cause": _cause(cause, cause_detail, retry_at, now) if cause else None,
        "synced": corrected is not None,
        "verifiedAt": verified_at,
        "maxRetries": max_retries if has_session else settings.WA_MAX_RETRIES,
        "intent": intent,
        "linkedNumber": jid.partition("@")[0].partition(":")[0] if jid else None,
        "verified": verified,
        "unverified": has_session and not is_ours,
        "pending": wish_number != wish_done,
        "waitingForNetwork": live.waits_for_network,
        "actions": _actions(is_active and not is_banned, status, intent, jid),
    }


def _actions(may_connect: bool, status: str | None, intent: str | None, jid: str | None) -> list[str]:
    """What a person can sensibly ask for now."""
    actions = []
    if may_connect and status not in (Status.CONNECTED, Status.PAUSED, Status.CONNECTING):
        actions.append("connect")
    if status == Status.CONNECTED:
        actions.append("pause")
    if status == Status.PAUSED:
        actions.append("resume")
    if status in (Status.CONNECTED, Status.PAUSED, Status.CONNECTING) or (status and jid and intent != Intent.OFFLINE):
        actions.append("disconnect")
    if jid:
        actions.append("unlink")
    return actions


def _cause(code: str, detail_json: str, retry_text: str | None, now: datetime) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(detail_json)
    retry_at = _moment(retry_text) if retry_text else None
    words = WORDS.get(code, WORDS[Code.INTERNAL])
    values = {"code": "?", "scanned": "?", "expected": "?", "wait": _duration(retry_at, now), **detail}
    return {
        "code": code,
        "message": str(words.message) % values,
        "action": str(words.action) % values,
        "retryAt": _iso(retry_at),
    }


def _duration(until: datetime | None, now: datetime) -> str:
    minutes = max(1, round((until - now).total_seconds() / 60)) if until else 0
    if minutes == 0:
        return _("until WhatsApp lifts it")
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")[:19] + "Z"


def _iso_of_text(at: str | None) -> str | None:
    """From the database's "2025-10-25 10:30:00.123456", which is UTC."""
    return None if at is None else f"{at[:10]}T{at[11:19]}Z"


@lru_cache(maxsize=1024)
def _iso_of_second(second: int) -> str:
    """From seconds since 1970; all outlets answered within the last few."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(f"{at.partition('+')[0]}+00:00")  # SQLite writes no zone, PostgreSQL "+00"


def _log(row: tuple[Any, ...], live: Live, element: dict[str, Any]) -> None:
    logger.debug(
        "[WhatsApp] getSessionStatus live check: DB status=%s, verified=%s, has qrCode=%s",
        row[4],
        str(element["verified"]).lower(),
        str(live.has_qr).lower(),
    )
    if element["verified"]:
        logger.debug("[WhatsApp] verifyLiveConnection: VERIFIED for outlet_%s, user: %s", row[0], live.user)
