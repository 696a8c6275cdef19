"""Writes about how an outlet sends: its limits, and the stops that keep its number safe."""

from datetime import time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blast import hints
from blast.acts import note
from blast.exceptions import BlastRefused
from blast.models import PACE_FIELDS, Act, Pace, default_fields
from blast.safety import Stop
from outlets.models import Outlet
from wa_sessions import broadcast

_BOUNDS: dict[str, tuple[float, float]] = {
    "delay_s": (0, 3600),
    "jitter": (0, 5),
    "per_minute": (1, 600),
    "daily_cap": (1, 100_000),
    "ramp_days": (0, 90),
    "ramp_start": (0.01, 1),
}


def pace_update(outlet: Outlet, by: User, **given: Any) -> Pace:
    """Change limits of an outlet; names as in `PACE_FIELDS`, None: no such limit (where there can be none)."""
    problems = {name: [problem] for name, value in given.items() if (problem := _problem(name, value))}
    if problems:
        raise ValidationError(problems)
    with transaction.atomic():
        pace, _made = Pace.objects.get_or_create(outlet=outlet, defaults=default_fields())
        before = {name: getattr(pace, name) for name in given}
        for name, value in given.items():
            setattr(pace, name, value)
        if (pace.quiet_from is None) is not (pace.quiet_to is None):
            raise ValidationError({"quiet_to": [_("Quiet hours need a beginning and an end.")]})
        pace.save(update_fields=list(given) or None)
        changed = {name: _plain(value) for name, value in given.items() if value != before[name]}
        if changed:
            note(Act.What.PACE, by=by, outlet=outlet, **changed)
        transaction.on_commit(lambda: hints.wished(None))
    return pace


def pace_release(outlet: Outlet, by: User) -> Pace:
    """Let an outlet go on that was stopped to keep its number safe."""
    with transaction.atomic():
        pace = Pace.objects.select_for_update().filter(outlet=outlet, stopped_at__isnull=False).first()
        if pace is None:
            raise BlastRefused("not_stopped", _("This outlet was not stopped."))
        now = timezone.now()
        if pace.stopped_until is not None and now < pace.stopped_until:
            raise BlastRefused("too_early", _("WhatsApp's restriction is not over yet. Let the outlet rest."))
        fields: dict[str, Any] = {"stopped_at": None, "stopped_until": None, "stopped_cause": "", "stopped_detail": {}}
        Pace.objects.filter(outlet=outlet).update(**fields, released_at=now)
        note(Act.What.RELEASED, by=by, outlet=outlet)
        transaction.on_commit(lambda: hints.wished(None))
    pace.refresh_from_db()
    return pace


def outlet_stop(outlet_pk: int, stop: Stop, blast_pk: int | None = None) -> bool:
    """Stop an outlet, unless it is stopped already. Returns whether this did it. By the worker."""
    now = timezone.now()
    until = now + timedelta(seconds=stop.wait_s) if stop.wait_s is not None else None
    fields = {
        "stopped_at": now,
        "stopped_until": until,
        "stopped_cause": stop.code.value,
        "stopped_detail": dict(stop.detail),
    }
    with transaction.atomic():
        Pace.objects.get_or_create(outlet_id=outlet_pk, defaults=default_fields())
        if not Pace.objects.filter(outlet=outlet_pk, stopped_at=None).update(**fields):
            return False
        note(Act.What.STOPPED, outlet=outlet_pk, blast=blast_pk, cause=stop.code.value, **stop.detail)
    broadcast.session_changed(outlet_pk)
    return True


def _problem(name: str, value: Any) -> Any:
    if name not in PACE_FIELDS:
        return _("There is no such limit.")
    if name in ("quiet_from", "quiet_to"):
        return None if value is None or isinstance(value, time) else _("Write a time, like 20:00.")
    if value is None:
        return None if name in ("per_minute", "daily_cap") else _("This cannot be empty.")
    low, high = _BOUNDS[name]
    if not low <= value <= high:
        return _("From %(low)s to %(high)s.") % {"low": f"{low:g}", "high": f"{high:g}"}
    return None


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="minutes") if isinstance(value, time) else value
