"""When an outlet must stop sending to keep its number. Pure: what happened comes in, the decision goes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

TEMPORARY_BAN_S = 24 * 3600.0  # where WhatsApp does not say for how long


class Code(StrEnum):
    """Why an outlet was stopped."""

    RESTRICTED = "restricted"
    TEMPORARY_BAN = "temporary_ban"
    BANNED = "banned"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class Words:
    """What a person reads. Both are formatted with the decision's detail."""

    message: StrPromise
    action: StrPromise


WORDS: Mapping[str, Words] = {
    Code.RESTRICTED: Words(
        _("WhatsApp lets this number write to nobody new for now (code 463)."),
        _("Answer people by hand for some days. Then let the outlet go on, with fewer messages a day."),
    ),
    Code.TEMPORARY_BAN: Words(
        _("WhatsApp restricted this number for a while."),
        _("Send nothing from it until the restriction has ended, not even from the phone. Then let the outlet go on."),
    ),
    Code.BANNED: Words(
        _("WhatsApp banned this number."),
        _("Open WhatsApp on the phone and ask for a review. Move the rest of the blast to another outlet."),
    ),
    Code.FAILURES: Words(
        _("%(failures)s of the last %(of)s messages failed."),
        _("Look at the reasons in the results. If the list is old, clean it before the outlet goes on."),
    ),
}

# Answers of the server about the sender, not about one message.
_OF_CODE: Mapping[int, Code] = {402: Code.TEMPORARY_BAN, 403: Code.BANNED, 463: Code.RESTRICTED}


@dataclass(frozen=True, slots=True)
class Safety:
    """A burst of failures: so many within the last so many messages. 0 failures: never."""

    failures: int = 5
    of: int = 10


@dataclass(frozen=True, slots=True)
class Stop:
    """The outlet stops before its next message. `wait_s`: no person can let it go on sooner; None: unknown or never."""

    code: Code
    detail: Mapping[str, Any] = field(default_factory=dict)
    wait_s: float | None = None

    @property
    def message(self) -> str:
        """What happened, in the language of the moment."""
        return str(WORDS[self.code].message) % self.detail

    @property
    def action(self) -> str:
        """What to do about it."""
        return str(WORDS[self.code].action) % self.detail


def after_code(code: int | None, expires_s: float | None = None) -> Stop | None:
    """Whether this code of an acknowledgement or a stream end stops the outlet. `expires_s`: of a temporary ban."""
    if code is None or (cause := _OF_CODE.get(code)) is None:
        return None
    if cause is Code.TEMPORARY_BAN:
        return Stop(cause, {"code": code}, TEMPORARY_BAN_S if expires_s is None else max(0.0, expires_s))
    return Stop(cause, {"code": code})


def after_outcomes(failed: Sequence[bool], safety: Safety = Safety()) -> Stop | None:
    """Whether these outcomes stop the outlet: True for each message that failed, the newest last.

    Leave out what says nothing about the outlet: numbers not on WhatsApp, people who opted out, missing variables.
    """
    if safety.failures <= 0:
        return None
    recent = failed[-safety.of :]
    failures = sum(recent)
    if failures < safety.failures:
        return None
    return Stop(Code.FAILURES, {"failures": failures, "of": len(recent)})


def decide(
    code: int | None,
    failed: Sequence[bool],
    safety: Safety = Safety(),
    expires_s: float | None = None,
) -> Stop | None:
    """Both: what WhatsApp said goes before what the outcomes suggest."""
    return after_code(code, expires_s) or after_outcomes(failed, safety)
