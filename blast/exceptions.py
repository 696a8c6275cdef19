"""What this room raises at its callers.

WishRefused (wa_sessions)
 └─ BlastRefused    a person asked for something that makes no sense now: HTTP 409
BadRecipients       rows of a list are no good, and nothing was written: HTTP 400 with every problem
"""

from collections.abc import Sequence

from blast.problems import Problem
from wa_sessions.exceptions import WishRefused


class BlastRefused(WishRefused):
    """`code` is for programs, `message` for people."""


class BadRecipients(Exception):  # noqa: N818 - it is an answer, not a fault
    """Nothing was written. `problems` names each bad row."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = list(problems)
