"""What this room raises at its callers.

WishRefused   a person asked for something that makes no sense now: HTTP 409
"""

from django_stubs_ext import StrPromise


class WishRefused(Exception):  # noqa: N818 - it is an answer, not a fault
    """`code` is for programs, `message` for people."""

    def __init__(self, code: str, message: StrPromise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
