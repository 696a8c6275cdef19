"""The look before Send: who can be reached, by whom, when it will be done, and what a person should know first."""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable
from typing import Any

from django.utils import timezone

from accounts.models import User
from blast import selectors, worker
from blast.histories import pacers
from blast.importing import lacking
from blast.models import Act, Blast, Recipient
from blast.outcomes import Why
from blast.problems import Code
from blast.safety import Stop
from blast.selectors import iso, messaged_lately, opted_out, recent_days
from blast.states import BlastStatus, RecipientStatus
from blast.storing import row_of
from outlets.models import Outlet
from outlets.selectors import visible_to
from wa_sessions import selectors as sessions
from whatsapp.exceptions import WhatsAppError

logger = logging.getLogger("blast")

SAMPLE = 10
CHECK_S = 4.0  # how long the person waits for WhatsApp
CHECK_AT_MOST = 200  # numbers; the rest are checked before each is written to

_OPEN = (BlastStatus.SCHEDULED, BlastStatus.RUNNING, BlastStatus.PAUSED)


def outlets_ready(user: User) -> list[dict[str, Any]]:
    """The outlets that this person may send from, by name, each with whether it can.

    `ready`: "ready", "wait" (it is connecting) or "cannot"; `cause` and `stop` say why, `status` is the element of
    `GET /api/outlets/status`.
    """
    outlets = list(visible_to(user).filter(is_active=True).order_by("name", "pk"))
    stops = {pk: pacer.stop for pk, pacer in pacers([outlet.pk for outlet in outlets], time.time()).items()}
    statuses = {element["outletId"]: element for element in sessions.status_page(user)["statuses"]}
    return [_ready(outlet, statuses.get(outlet.public_id), stops[outlet.pk]) for outlet in outlets]


def preflight(blast: Blast, user: User, *, asks_whatsapp: bool = True) -> dict[str, Any]:
    """The answer of `POST /api/blasts/{blastId}/preflight`. Waits for WhatsApp for some seconds at most."""
    now = time.time()
    if asks_whatsapp:
        _check_numbers(blast)
    rows = Recipient.objects.filter(blast=blast).order_by("line")
    waiting = list(rows.filter(status=RecipientStatus.QUEUED))
    phones = [row.phone for row in waiting]
    gone = opted_out(phones)
    counts: dict[int, int] = {}
    for row in waiting:
        if row.phone not in gone:
            counts[row.outlet_id] = counts.get(row.outlet_id, 0) + 1
    outlets = _outlets(blast, counts, user, max(now, blast.start_at.timestamp() if blast.start_at else now))
    absent = rows.filter(error_code=Why.NOT_ON_WHATSAPP).values_list("phone", flat=True)
    elsewhere = Recipient.objects.filter(blast__status__in=_OPEN, status=RecipientStatus.QUEUED)
    elsewhere = elsewhere.filter(phone__in=rows.order_by().values("phone")).exclude(blast=blast)
    missing = lacking(blast.body, [row_of(row) for row in waiting])
    ends = [outlet["expectedEnd"] for outlet in outlets if outlet["recipients"]]
    return {
        "success": True,
        "blastId": blast.public_id,
        "total": rows.count(),
        "willSend": sum(counts.values()),
        "canStart": bool(counts) and not missing and blast.status in (BlastStatus.DRAFT, BlastStatus.SCHEDULED),
        "outlets": outlets,
        "expectedEnd": max(ends) if ends and None not in ends else None,
        "notOnWhatsApp": _some(absent),
        "unchecked": sum(not row.jid for row in waiting),
        "optedOut": _some(gone),
        "recentlyMessaged": {"days": recent_days(), **_some(messaged_lately(phones, recent_days(), timezone.now()))},
        "leftOut": _left_out(blast),
        "alsoInOtherBlasts": _some(set(elsewhere.order_by().values_list("phone", flat=True))),
        "missingVariables": {
            "count": len(missing),
            "problems": [{"line": it.line, "code": it.code.value, "message": it.message} for it in missing[:SAMPLE]],
        },
    }


def _left_out(blast: Blast) -> dict[str, int]:
    """What became of the other rows of its list."""
    acts = Act.objects.filter(blast=blast, detail__has_key="leftOut").order_by("-at", "-pk")
    noted = acts.values_list("detail", flat=True).first()
    counts: dict[str, int] = noted["leftOut"] if noted else {}
    duplicates, gone = counts.get(Code.DUPLICATE, 0), counts.get(Code.OPTED_OUT, 0)
    total = sum(counts.values())
    return {"count": total, "duplicates": duplicates, "optedOut": gone, "others": total - duplicates - gone}


def _outlets(blast: Blast, counts: dict[int, int], user: User, start: float) -> list[dict[str, Any]]:
    outlets = list(
        Outlet.objects.filter(pk__in={*counts, *blast.outlets.values_list("pk", flat=True)}).order_by("name", "pk")
    )
    paced = pacers([outlet.pk for outlet in outlets], start)
    statuses = {element["outletId"]: element for element in sessions.status_page(user)["statuses"]}
    typing_s = selectors.typing_s(blast)
    found = []
    for outlet in outlets:
        count, pacer = counts.get(outlet.pk, 0), paced[outlet.pk]
        found.append(
            {
                **_ready(outlet, statuses.get(outlet.public_id), pacer.stop),
                "recipients": count,
                "capacityToday": pacer.left_today(start),
                "expectedEnd": iso(pacer.expected_end(count, start, typing_s)),
            }
        )
    return found


def _ready(outlet: Outlet, status: dict[str, Any] | None, stop: Stop | None) -> dict[str, Any]:
    if status is not None and status["healthy"] and stop is None:
        ready = "ready"
    elif status is not None and "CONNECTING" in _said(status) and stop is None:
        ready = "wait"
    else:
        ready = "cannot"
    return {
        "outletId": outlet.public_id,
        "name": outlet.name,
        "ready": ready,
        "cause": status["cause"] if status is not None else None,
        "stop": {"code": stop.code.value, "message": stop.message, "action": stop.action} if stop else None,
        "status": status,
    }


def _said(status: dict[str, Any]) -> tuple[str | None, str]:
    session = status["session"]
    return session["status"] if session else None, status["liveStatus"]["status"]


def _some(phones: Iterable[str]) -> dict[str, Any]:
    every: Collection[str] = phones if isinstance(phones, set) else list(phones)
    return {"count": len(every), "phones": sorted(every)[:SAMPLE]}


def _check_numbers(blast: Blast) -> None:
    """Ask WhatsApp about numbers that nobody asked about yet, where a connection of the blast's outlets is here."""
    here = worker.current()
    if here is None:
        return
    asked = asyncio.run_coroutine_threadsafe(here.check_numbers(blast.pk, CHECK_AT_MOST), here.loop)
    try:
        asked.result(CHECK_S)
    except TimeoutError:
        asked.cancel()
    except WhatsAppError as error:
        logger.warning("[WhatsApp] numbers of %s were not checked (%s)", blast.public_id, type(error).__name__)
