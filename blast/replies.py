"""What people write to outlets: when they did last, and whether they want nothing more. Durable when it returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from blast.claims import contacts_write
from blast.models import OptOut, Recipient
from blast.optout import is_opt_out
from blast.outcomes import Why
from blast.states import RecipientStatus
from whatsapp.events import MessageReceived
from whatsapp.protocol.jid import PN_SERVER

CONFIRM_WITHIN = timedelta(days=1)  # later a confirmation would only bother


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that came for an outlet."""

    outlet: int
    event: MessageReceived


@dataclass(frozen=True, slots=True)
class Heard:
    """What a reply changed."""

    gone: frozenset[str] = frozenset()  # the phones that opted out by it
    blasts: frozenset[int] = frozenset()  # those that will not write to them now


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Somebody opted out and was not told yet that it worked."""

    pk: int
    outlet: int
    jid: str
    message_id: str


def replies_write(replies: Sequence[Reply]) -> list[Heard]:
    """Note contacts and opt-outs. See `wa_sessions.group.Write`."""
    written_in: dict[tuple[int, str], datetime] = {}
    written_out: dict[tuple[int, str], datetime] = {}
    results: list[Heard] = []
    for reply in replies:
        event, heard = reply.event, Heard()
        at = datetime.fromtimestamp(event.at, UTC)
        if event.from_me:  # by hand, on the phone
            if event.chat.server == PN_SERVER:
                written_out[reply.outlet, event.chat.user] = at
        else:
            says_stop = is_opt_out(event.text, settings.OPT_OUT_WORDS)
            phones = _phones(event, says_stop=says_stop)
            written_in |= {(reply.outlet, phone): at for phone in phones}
            if says_stop:
                heard = _opt_out(reply, phones)
        results.append(heard)
    contacts_write(written_in, "last_in_at")
    contacts_write(written_out, "last_out_at")
    return results


def _phones(event: MessageReceived, *, says_stop: bool) -> set[str]:
    """Whose message it is, as our lists write it: WhatsApp may have other digits for a number, or none at all."""
    phones = {event.sender_number} if event.sender_number else set()
    if says_stop or not phones:
        jids = {str(event.chat), *(f"{number}@{PN_SERVER}" for number in phones)}
        phones.update(Recipient.objects.filter(jid__in=jids).order_by().values_list("phone", flat=True).distinct())
    return phones


def _opt_out(reply: Reply, phones: set[str]) -> Heard:
    event, now = reply.event, timezone.now()
    if OptOut.objects.filter(reply_id=event.message_id).exists():  # it comes again after a crash
        return Heard()
    known = set(OptOut.objects.filter(phone__in=phones, ended_at=None).values_list("phone", flat=True))
    confirms = not known
    for phone in sorted(phones - known):
        OptOut.objects.bulk_create(
            [
                OptOut(
                    phone=phone,
                    at=datetime.fromtimestamp(event.at, UTC),
                    outlet_id=reply.outlet,
                    text=(event.text or "").replace("\x00", "")[:200],
                    reply_id=event.message_id[:80],
                    jid=str(event.chat)[:80],
                    confirmed_at=None if confirms else now,
                )
            ],
            ignore_conflicts=True,  # the same word by way of another outlet, at the same moment
        )
        confirms = False  # a person with two spellings is one person
    waiting = Recipient.objects.filter(phone__in=phones, status=RecipientStatus.QUEUED)
    blasts = frozenset(waiting.order_by().values_list("blast", flat=True).distinct())
    waiting.filter(claimed_at=None).update(status=RecipientStatus.SKIPPED, error_code=Why.OPTED_OUT)
    waiting.filter(~Q(claimed_at=None)).update(status=RecipientStatus.UNKNOWN, error_code=Why.OPTED_OUT)
    return Heard(frozenset(phones), blasts)


def unconfirmed(now: datetime) -> list[Unconfirmed]:
    """Who is to be told that the wish was heard, oldest first."""
    rows = OptOut.objects.filter(confirmed_at=None, ended_at=None, at__gt=now - CONFIRM_WITHIN, outlet__isnull=False)
    columns = rows.order_by("at", "pk").values_list("pk", "outlet", "jid", "message_id")
    return [Unconfirmed(pk, outlet, jid, message_id) for pk, outlet, jid, message_id in columns if outlet]


def confirmed(pk: int) -> None:
    OptOut.objects.filter(pk=pk).update(confirmed_at=timezone.now())
