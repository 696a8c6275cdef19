"""The phones of those whom blasts reach, on the simulator page: what they show, and what their owners do with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from outlets.pages import answer, viewer
from wa_sessions import simulator_sample
from wa_sessions.presentation import spelled
from wa_sessions.simulator_words import sentence
from whatsapp.simulator.control import ControlClient
from whatsapp.simulator.exceptions import SimulatorError

SHOWN: Final = 30  # of perhaps thousands
MESSAGES: Final = 4  # of each
TEXT_CHARS: Final = 600
STOP, THANKS = "STOP", "Terima kasih"  # what people of the demo write, in whatever language the page is read


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message on a phone."""

    at: datetime
    text: str
    sender: str  # an outlet's name or a number; empty for an answer of the phone itself
    kind: str  # "text", "image", "document", "other"
    file_name: str
    is_damaged: bool  # a file that could not be opened


@dataclass(frozen=True, slots=True)
class Recipient:
    """A phone as the page draws it."""

    number: str
    name: str
    has_network: bool
    waiting: int  # messages at the server, until there is a network
    bubbles: tuple[Bubble, ...]

    @property
    def may_answer(self) -> bool:
        return self.has_network and any(bubble.sender for bubble in self.bubbles)


def recipients(control: ControlClient, outlets: Mapping[str, str]) -> dict[str, Any]:
    """What the page draws; `outlets` has their names by number. Raises SimulatorError."""
    rows, count = control.recipients(limit=SHOWN, messages=MESSAGES)
    drawn = [_recipient(row, outlets) for row in rows]
    return {"recipients": drawn, "recipient_count": count, "stop": STOP, "thanks": THANKS}


def sample() -> dict[str, str]:
    """The list and the message to try a blast with."""
    return {"sample": simulator_sample.csv(), "sample_message": simulator_sample.MESSAGE}


@login_required
@require_POST
def simulator_recipient(request: HttpRequest) -> HttpResponse:
    """`do` is a key of `_DEEDS`, `phone` the number of a recipient's phone."""
    if not viewer(request).manages_outlets:
        raise PermissionDenied
    deed, number = _DEEDS.get(request.POST.get("do", "")), request.POST.get("phone", "")
    if deed is None:
        raise PermissionDenied
    try:
        with ControlClient(settings.WA_SIMULATOR_CONTROL) as control:
            said = deed(control, number)
    except SimulatorError as error:
        return answer(request, sentence(error), is_ok=False)
    return answer(request, said.replace("{phone}", spelled(number)))


def _recipient(row: Mapping[str, Any], outlets: Mapping[str, str]) -> Recipient:
    number = row["number"]
    bubbles = tuple(_bubble(message, number, outlets) for message in row["messages"])
    return Recipient(number, row["name"], row["network"], row["waiting"], bubbles)


def _bubble(message: Mapping[str, Any], number: str, outlets: Mapping[str, str]) -> Bubble:
    text, sender = message["text"] or "", message["sender"]
    return Bubble(
        at=datetime.fromtimestamp(message["at"], UTC),
        text=text if len(text) <= TEXT_CHARS else f"{text[:TEXT_CHARS]}…",
        sender="" if sender == number else outlets.get(sender) or spelled(sender),
        kind=message["kind"],
        file_name=message["file_name"],
        is_damaged=bool(message["problem"]),
    )


def _answer(control: ControlClient, number: str, text: str) -> str:
    """To whoever wrote last."""
    messages = control.inbox(number)
    if not messages:
        raise SimulatorError(_("This phone has no message to answer."))
    control.send_text(number, messages[-1]["sender"], text)
    return _("{phone} answered: {text}").replace("{text}", text)


def _stop(control: ControlClient, number: str) -> str:
    return _answer(control, number, STOP)


def _thanks(control: ControlClient, number: str) -> str:
    return _answer(control, number, THANKS)


def _off(control: ControlClient, number: str) -> str:
    control.network(number, False)
    return _("{phone} is switched off.")


def _on(control: ControlClient, number: str) -> str:
    control.network(number, True)
    return _("{phone} is switched on.")


_DEEDS: Mapping[str, Callable[[ControlClient, str], str]] = {"stop": _stop, "thanks": _thanks, "off": _off, "on": _on}
