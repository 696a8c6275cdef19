"""How a blast is said to people: symbols, words, bars and sentences. Pure: takes the dicts of `selectors`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _, gettext_lazy, ngettext, pgettext_lazy

from blast import pacing
from blast.models import Act
from blast.states import BlastStatus, RecipientStatus
from wa_sessions import presentation as outlets
from wa_sessions.presentation import Action, Look, Text
from wa_sessions.states import Status

_BLASTS: Mapping[str, Look] = {
    BlastStatus.DRAFT: Look("✎", BlastStatus.DRAFT.label, "none"),
    BlastStatus.SCHEDULED: Look("◷", BlastStatus.SCHEDULED.label, "busy"),
    BlastStatus.RUNNING: Look("➤", BlastStatus.RUNNING.label, "ok"),
    BlastStatus.PAUSED: Look("‖", BlastStatus.PAUSED.label, "rest"),
    BlastStatus.DONE: Look("✓", BlastStatus.DONE.label, "ok"),
    BlastStatus.CANCELLED: Look("✗", BlastStatus.CANCELLED.label, "none"),
}
_RECIPIENTS: Mapping[str, Look] = {
    RecipientStatus.QUEUED: Look("…", RecipientStatus.QUEUED.label, "none"),
    RecipientStatus.SENDING: Look("➤", RecipientStatus.SENDING.label, "busy"),
    RecipientStatus.SENT: Look("✓", RecipientStatus.SENT.label, "ok"),
    RecipientStatus.DELIVERED: Look("✓✓", RecipientStatus.DELIVERED.label, "ok"),
    RecipientStatus.READ: Look("✓✓", RecipientStatus.READ.label, "busy"),
    RecipientStatus.FAILED: Look("✗", RecipientStatus.FAILED.label, "down"),
    RecipientStatus.SKIPPED: Look("↷", RecipientStatus.SKIPPED.label, "late"),
    RecipientStatus.CANCELLED: Look("–", RecipientStatus.CANCELLED.label, "none"),
    RecipientStatus.UNKNOWN: Look("?", RecipientStatus.UNKNOWN.label, "late"),
}

# The bar from left to right: what is surely with people first, what is not tried yet last (and is not drawn).
_IN_THE_BAR = (
    RecipientStatus.READ, RecipientStatus.DELIVERED, RecipientStatus.SENT, RecipientStatus.SENDING,
    RecipientStatus.UNKNOWN, RecipientStatus.FAILED, RecipientStatus.SKIPPED, RecipientStatus.CANCELLED,
)  # fmt: skip
_BAR_UNITS = 1000
_WITH_WHATSAPP = ("sent", "delivered", "read")


def blast_look(status: str) -> Look:
    return _BLASTS[status]


def recipient_look(status: str) -> Look:
    return _RECIPIENTS[status]


def number(value: int) -> str:
    """ "12.345" or "12,345", as the reader's language groups digits."""
    return formats.number_format(value, use_l10n=True, force_grouping=True)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar; `x` and `width` in thousandths of it."""

    status: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Count:
    """One counter: how many recipients are in `status`."""

    status: str
    look: Look
    number: int


def bar(counts: Mapping[str, int]) -> tuple[Segment, ...]:
    """What is drawn of these counts. Whatever there is at all is wide enough to be seen."""
    total = counts["total"]
    segments, x = [], 0
    for status in _IN_THE_BAR:
        if there := counts[status.lower()]:
            width = min(_BAR_UNITS - x, max(8, round(there * _BAR_UNITS / total)))
            segments.append(Segment(status, x, width))
            x += width
    return tuple(segments)


def counters(counts: Mapping[str, int]) -> tuple[Count, ...]:
    """Those that are worth a word: always the usual way of a message, the others where there are any."""
    usual = (RecipientStatus.QUEUED, RecipientStatus.SENT, RecipientStatus.DELIVERED, RecipientStatus.READ)
    return tuple(
        Count(status, recipient_look(status), counts[status.lower()])
        for status in RecipientStatus
        if status in usual or counts[status.lower()]
    )


def accepted(counts: Mapping[str, int]) -> int:
    """How many messages are with WhatsApp or further."""
    return sum(counts[status] for status in _WITH_WHATSAPP)


def progress(counts: Mapping[str, int]) -> str:
    """ "1,204 of 2,000 sent"."""
    said = _("{sent} of {total} sent")
    return said.replace("{sent}", number(accepted(counts))).replace("{total}", number(counts["total"]))


def troubles(counts: Mapping[str, int]) -> str:
    """ "3 failed, 1 unknown"; empty where there are none."""
    telling = (RecipientStatus.FAILED, RecipientStatus.UNKNOWN, RecipientStatus.SKIPPED)
    words = [f"{number(there)} {str(each.label).lower()}" for each in telling if (there := counts[each.lower()])]
    return ", ".join(words)


_LABELS: Mapping[str, Text] = {
    "start": pgettext_lazy("action", "Send"),
    "pause": pgettext_lazy("action", "Pause"),
    "resume": pgettext_lazy("action", "Resume"),
    "retry": gettext_lazy("Retry the failed"),
    "cancel": pgettext_lazy("blast", "Cancel the blast"),
    "edit": gettext_lazy("Edit"),
}
_ASKING = ("cancel", "start", "edit")  # these lead to a page


@dataclass(frozen=True, slots=True)
class Row:
    """One blast as the pages draw it. `id` is its public id, `blast` the element of `selectors`."""

    id: str
    blast: Mapping[str, Any]
    look: Look
    segments: tuple[Segment, ...]
    counters: tuple[Count, ...]
    progress: str
    troubles: str
    url: str
    primary: Action | None
    others: tuple[Action, ...]

    @property
    def is_draft(self) -> bool:
        return bool(self.blast["status"] == BlastStatus.DRAFT)

    @property
    def is_final(self) -> bool:
        return self.blast["status"] in (BlastStatus.DONE, BlastStatus.CANCELLED)


def row(blast: Mapping[str, Any]) -> Row:
    blast_id, counts = blast["blastId"], blast["counts"]
    actions = tuple(_action(name, blast_id) for name in _LABELS if name in blast["actions"])
    primary = next((action for action in actions if not action.harm), None)
    is_draft = blast["status"] == BlastStatus.DRAFT
    return Row(
        id=blast_id,
        blast=blast,
        look=blast_look(blast["status"]),
        segments=bar(counts),
        counters=counters(counts),
        progress=progress(counts),
        troubles=troubles(counts),
        url=reverse("blast-preflight" if is_draft else "blast", args=[blast_id]),
        primary=primary,
        others=tuple(action for action in actions if action is not primary),
    )


def _action(name: str, blast_id: str) -> Action:
    target = "preflight" if name == "start" else name
    method = "get" if name in _ASKING else "post"
    return Action(name, _LABELS[name], reverse(f"blast-{target}", args=[blast_id]), method, harm=name == "cancel")


@dataclass(frozen=True, slots=True)
class Choice:
    """An outlet to send from, with its live state as the seeds ask: ready, wait, or a warning with its cause."""

    id: str
    name: str
    number: str
    look: Look
    sentence: str
    is_ready: bool
    is_active: bool


_READY = Look("✓", gettext_lazy("ready to send"), "ok")
_WAIT = Look("⟳", gettext_lazy("wait"), "busy")


def choice(status: Mapping[str, Any], stop: str = "") -> Choice:
    """`status` is an element of `wa_sessions.selectors.status_page`; `stop` says why our rules stopped it."""
    drawn = outlets.row(status, manages=False)
    session = status["session"]
    if stop:
        look, sentence = Look("⚠", _("stopped"), "down"), stop
    elif status["healthy"]:
        look, sentence = _READY, ""
    elif session and session["status"] == Status.CONNECTING and status["outlet"]["isActive"]:
        look, sentence = _WAIT, f"{drawn.sentence} {drawn.step}".strip()
    else:
        symbol = drawn.state.symbol if drawn.state.tone in ("rest", "none") else "⚠"
        look = Look(symbol, drawn.state.label, drawn.state.tone)
        sentence = f"{drawn.sentence} {drawn.step}".strip()
    return Choice(
        id=status["outletId"],
        name=status["outlet"]["name"],
        number=status["outlet"]["whatsappNumber"],
        look=look,
        sentence=sentence,
        is_ready=bool(status["healthy"]) and not stop,
        is_active=bool(status["outlet"]["isActive"]),
    )


def choices(page: Mapping[str, Any], stops: Mapping[str, str]) -> list[Choice]:
    """All active outlets of a `status_page`: the ready first, then by name. `stops` has reasons by public id."""
    found = [choice(status, stops.get(status["outletId"], "")) for status in page["statuses"]]
    return sorted(
        (each for each in found if each.is_active), key=lambda each: (not each.is_ready, each.name.casefold(), each.id)
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of "who did what when"."""

    at: str
    who: str
    words: str
    outlet: str
    detail: str


def deeds(acts: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Deed]:
    """`names` has the outlets' names by public id."""
    return [
        Deed(
            at=act["at"],
            who=act["by"] or _("Gerai"),
            words=str(Act.What(act["what"]).label),
            outlet=names.get(act["outletId"] or "", ""),
            detail=str(act["detail"].get("reason") or act["detail"].get("message") or ""),
        )
        for act in acts
    ]


def pace_sentence(pace: pacing.Pace) -> str:
    """The limits in one or two short sentences."""
    words = []
    if pace.per_minute is not None:
        words.append(
            ngettext("At most %(count)s message per minute.", "At most %(count)s messages per minute.", pace.per_minute)
            % {"count": number(pace.per_minute)}
        )
    if pace.daily_cap is not None:
        words.append(
            ngettext("At most %(count)s per day.", "At most %(count)s per day.", pace.daily_cap)
            % {"count": number(pace.daily_cap)}
        )
    if pace.quiet_from is not None and pace.quiet_to is not None and pace.quiet_from != pace.quiet_to:
        said = _("Silent from {start} to {end}.").replace("{start}", f"{pace.quiet_from:%H:%M}")
        words.append(said.replace("{end}", f"{pace.quiet_to:%H:%M}"))
    if pace.ramp_days and (pace.per_minute is not None or pace.daily_cap is not None):
        words.append(_("Newly linked numbers send less."))
    return " ".join(words) if words else _("No limits: messages go as fast as they can.")


def limits(pace: pacing.Pace) -> list[str]:
    """The names of the settings by which this pace limits anything at all."""
    found = [name for name in ("per_minute", "daily_cap") if getattr(pace, name) is not None]
    if pace.delay_s:
        found = ["delay_s", *(["jitter"] if pace.jitter else []), *found]
    if pace.quiet_from is not None and pace.quiet_from != pace.quiet_to:
        found += ["quiet_from", "quiet_to"]
    if pace.ramp_days and (pace.per_minute is not None or pace.daily_cap is not None):
        found += ["ramp_days", "ramp_start"]
    return found


def minute(moment: datetime) -> str:
    """The day and the minute in the zone of the installation: "21 Nov 2026 07:15 WIB"."""
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'j M Y')} {local:%H:%M} {local.tzname()}"


def recipients_sentence(count: int) -> str:
    return ngettext("%(count)s recipient", "%(count)s recipients", count) % {"count": number(count)}
