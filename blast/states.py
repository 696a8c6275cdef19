"""The words of a blast, as the database and the API spell them, and the rule that a recipient never goes backwards."""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class BlastStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    SCHEDULED = "SCHEDULED", _("Scheduled")
    RUNNING = "RUNNING", _("Running")
    PAUSED = "PAUSED", _("Paused")
    DONE = "DONE", _("Done")
    CANCELLED = "CANCELLED", _("Cancelled")


class RecipientStatus(models.TextChoices):
    QUEUED = "QUEUED", _("Waiting")
    SENDING = "SENDING", _("Sending")
    SENT = "SENT", _("Sent")
    DELIVERED = "DELIVERED", _("Delivered")
    READ = "READ", _("Read")
    FAILED = "FAILED", _("Failed")
    SKIPPED = "SKIPPED", _("Skipped")
    CANCELLED = "CANCELLED", _("Cancelled")
    UNKNOWN = "UNKNOWN", _("Unknown")


class Assignment(models.TextChoices):
    """Which outlet writes to whom."""

    EVEN = "EVEN", _("Spread evenly")
    COLUMN = "COLUMN", _("By the outlet column")
    LAST_WRITER = "LAST_WRITER", _("The outlet that last wrote to this person")


class OnUnhealthy(models.TextChoices):
    """What happens to an outlet's rest when the outlet cannot send any more."""

    HOLD = "HOLD", _("Wait until the outlet is back")
    MOVE = "MOVE", _("Move the rest to another outlet")
    SKIP = "SKIP", _("Skip the rest")


# What each status may still become by an event. It is a graph without a circle, so events that are late, repeated or in
# the wrong order cannot take a recipient back.
# - DELIVERED and READ come from the recipient's own phone: such a receipt is proof, and beats what this side believed.
#   A row that was sent, lost its acknowledgement in a crash, was sent again and then refused is UNKNOWN until then.
# - What is SENDING cannot be cancelled: it may be on the wire.
# - UNKNOWN is not final: a late refusal or any receipt says what became of the message.
_FORWARD: Mapping[RecipientStatus, frozenset[RecipientStatus]] = {
    RecipientStatus.QUEUED: frozenset(RecipientStatus) - {RecipientStatus.QUEUED},
    RecipientStatus.SENDING: frozenset(
        {
            RecipientStatus.SENT,
            RecipientStatus.DELIVERED,
            RecipientStatus.READ,
            RecipientStatus.FAILED,
            RecipientStatus.SKIPPED,
            RecipientStatus.UNKNOWN,
        }
    ),
    RecipientStatus.UNKNOWN: frozenset(
        {RecipientStatus.SENT, RecipientStatus.DELIVERED, RecipientStatus.READ, RecipientStatus.FAILED}
    ),
    RecipientStatus.SENT: frozenset({RecipientStatus.DELIVERED, RecipientStatus.READ}),
    RecipientStatus.DELIVERED: frozenset({RecipientStatus.READ}),
    RecipientStatus.READ: frozenset(),
    RecipientStatus.FAILED: frozenset({RecipientStatus.DELIVERED, RecipientStatus.READ}),
    RecipientStatus.SKIPPED: frozenset({RecipientStatus.DELIVERED, RecipientStatus.READ}),
    RecipientStatus.CANCELLED: frozenset({RecipientStatus.DELIVERED, RecipientStatus.READ}),
}

# Rows in these statuses still need the worker. All others are outcomes.
OPEN = frozenset({RecipientStatus.QUEUED, RecipientStatus.SENDING})

# The message is with WhatsApp or further.
ACCEPTED = frozenset({RecipientStatus.SENT, RecipientStatus.DELIVERED, RecipientStatus.READ})

# Receipt statuses of the engine's `ReceiptReceived`. An own device got its copy from the server, so that has it.
OF_RECEIPT: Mapping[str, RecipientStatus] = {
    "sent_by_own_device": RecipientStatus.SENT,
    "delivered": RecipientStatus.DELIVERED,
    "read": RecipientStatus.READ,
    "played": RecipientStatus.READ,
}


def advance(current: str, event: str) -> RecipientStatus:
    """The status after `event`, never an earlier one.

    `event` is the status that an acknowledgement, a receipt or a decision stands for; repeating it changes nothing.
    Raises `ValueError` for words that are no recipient status. A person's "retry the failed" and a claim given back
    unsent are new starts, no events: they do not come through here.
    """
    now, then = RecipientStatus(current), RecipientStatus(event)
    return then if then in _FORWARD[now] else now


def before(event: str) -> frozenset[RecipientStatus]:
    """From which statuses `event` moves a row: the `status__in` of the conditional UPDATE. Same rule as `advance`."""
    then = RecipientStatus(event)
    return frozenset(status for status, further in _FORWARD.items() if then in further)
