"""Why a message was not sent, or may not have been: the one place where such a code becomes a sentence."""

from collections.abc import Mapping
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise


class Why(StrEnum):
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    OPTED_OUT = "opted_out"
    MISSING_VARIABLE = "missing_variable"
    OUTLET_UNHEALTHY = "outlet_unhealthy"
    RESTRICTED = "restricted"
    REFUSED = "refused"
    REPEAT_REFUSED = "repeat_refused"
    UPLOAD = "upload"
    NO_ANSWER = "no_answer"
    RELINKED = "relinked"
    TOO_OLD = "too_old"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


WORDS: Mapping[str, StrPromise] = {
    Why.NOT_ON_WHATSAPP: _("This number is not on WhatsApp."),
    Why.OPTED_OUT: _("This person does not want any messages."),
    Why.MISSING_VARIABLE: _("There is nothing for {%(detail)s}."),
    Why.OUTLET_UNHEALTHY: _("The outlet could not send any more."),
    Why.RESTRICTED: _("WhatsApp lets this outlet write to nobody new for now (463)."),
    Why.REFUSED: _("WhatsApp refused the message (%(detail)s)."),
    Why.REPEAT_REFUSED: _(
        "WhatsApp did not confirm the message, and refused it when it was repeated (%(detail)s). It may have arrived."
    ),
    Why.UPLOAD: _("The attachment could not be uploaded."),
    Why.NO_ANSWER: _("WhatsApp did not confirm the message. It may have arrived."),
    Why.RELINKED: _("The outlet was linked anew while the message was on its way. It may have arrived."),
    Why.TOO_OLD: _("The message was on its way too long ago to be repeated safely. It may have arrived."),
    Why.INTERRUPTED: _("The blast ended while the message was on its way. It may have arrived."),
    Why.INTERNAL: _("Something went wrong on our side."),
}


# Of messages whose fate is not known: these failed, as far as the safety of the number is concerned.
FAILURES = frozenset({Why.NO_ANSWER, Why.REPEAT_REFUSED})


def sentence(code: str, detail: str) -> str:
    """The reason in the language of the moment; "" where there is none."""
    if not code:
        return ""
    return str(WORDS.get(code, WORDS[Why.INTERNAL])) % {"detail": detail or "?"}
