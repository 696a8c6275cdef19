"""One outlet as every answer shows it: what its row says and what its socket proves; drawn once, kept while true.

Most of what a read finds is what the read before found. So a calm outlet's element is kept, together with everything
that it was drawn from, and drawn again only when some of that differs.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _, ngettext

from wa_sessions.causes import WORDS, Code
from wa_sessions.health import checks_of, is_healthy
from wa_sessions.lifecycle_types import Phase
from wa_sessions.live import Live
from wa_sessions.states import Intent, Status

KEPT = 5000  # elements; each takes some 3 KiB

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Element(dict[str, Any]):
    """One element of `statuses`. Other reads may get the same one: it is not to be changed."""

    __slots__ = ("_json",)
    _json: str

    @property
    def json(self) -> str:
        """As the API writes it."""
        try:
            return self._json
        except AttributeError:
            self._json = encode(self)
            return self._json


# By outlet: the row, what else it was drawn from, and the element. No socket: it would outlive its end here.
_kept: dict[int, tuple[tuple[Any, ...], tuple[object, ...], Element]] = {}


def element_of(
    row: tuple[Any, ...],
    live: Live,
    is_ours: bool,
    corrected: Status | None,
    window_s: float,
    clock: float,
    to_wall: float,
    now: datetime,
) -> Element:
    """The element of an outlet from its `rows.COLUMNS`, as they were when `corrected` was found, and its socket.

    `clock` and `now` are the same moment, monotonic and on the wall; `to_wall` is what lies between them.
    """
    proof = live.proof
    live_status = live.status(clock, window_s)
    is_open = live_status is Status.CONNECTED or (proof is not None and proof.is_open)
    answered_at = int(proof.answered_at + to_wall) if proof is not None and proof.answered_at > 0 else None
    drawn_from = (
        live_status, is_open, answered_at, is_ours, corrected,
        live.user, live.name, live.has_qr, live.waits_for_network,
    )  # fmt: skip
    kept = _kept.get(row[0])
    if kept is not None and kept[0] == row and kept[1] == drawn_from:
        return kept[2]
    element = _element(row, live, live_status, is_open, answered_at, is_ours, corrected, now)
    # A cause is told in the reader's language, it and a QR code run out by themselves: those are drawn each time.
    is_calm = row[4] is not None and row[8] is None and not row[12]
    if is_calm and (kept is not None or len(_kept) < KEPT):
        _kept[row[0]] = (row, drawn_from, element)
    return element


def _element(
    row: tuple[Any, ...],
    live: Live,
    live_status: Status,
    is_open: bool,
    answered_at: int | None,
    is_ours: bool,
    corrected: Status | None,
    now: datetime,
) -> Element:
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
    shown = Status.DISCONNECTED.value if is_resting else live_status.value
    verified = shown == "CONNECTED"
    checks = checks_of(
        status=status,
        live_status=shown,
        has_user=bool(live.user),
        is_open=is_open,
        auto_reconnect=auto_reconnect is not False,
    )
    verified_at = last_seen = _iso_of_text(last_seen)
    if answered_at is not None:
        verified_at = _iso_of_second(answered_at)
        last_seen = verified_at if last_seen is None or verified_at > last_seen else last_seen
    has_qr = "Present" if live.has_qr and qr_expires_at and _moment(qr_expires_at) > now else None
    return Element(
        {
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
                "status": shown,
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
            "actions": actions_of(is_active and not is_banned, status, intent, jid),
        }
    )


def actions_of(may_connect: bool, status: str | None, intent: str | None, jid: str | None) -> list[str]:
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
        "retryAt": iso(retry_at),
    }


def _duration(until: datetime | None, now: datetime) -> str:
    minutes = max(1, round((until - now).total_seconds() / 60)) if until else 0
    if minutes == 0:
        return _("until WhatsApp lifts it")
    if minutes < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def iso(at: datetime | None) -> str | None:
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
