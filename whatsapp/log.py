"""The engine's log lines. No QR text, token, key or message body is in any of them, at any level."""

import logging
import os.path
import traceback

from whatsapp.ends import End, EndKind

logger = logging.getLogger("whatsapp")

_QUIET = frozenset({EndKind.CLOSED, EndKind.RESTART, EndKind.NOT_SCANNED})  # ordinary courses of things
_FRAMES = 3  # of a traceback
_CHARACTERS = 40  # of a word from the server


def log_end(end: End) -> None:
    """One line for the end of a connection: an error, unless it is an ordinary one or the network never answered."""
    code = "" if end.code is None else f" {end.code}"
    if end.kind in _QUIET or end.network:
        logger.info("[WhatsApp] Connection ended: %s%s (%s)", end.reason, code, end.kind)
    elif end.reason == "stream_error":
        logger.error("[WhatsApp Error] Stream Errored (%s)", _printable(end.detail) or end.code)
    elif end.reason == "failure":
        logger.error("[WhatsApp Error] Login refused (%s%s)", end.kind, code)
    else:
        logger.error("[WhatsApp Error] Connection Errored (%s%s)", end.reason, code)


def log_raised(where: str, error: BaseException) -> None:
    """Say what was raised and where, but not its message: that may quote what must not be logged."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    at = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
    logger.error("[WhatsApp Error] %s raised %s (%s)", where, type(error).__name__, at)


def _printable(text: str) -> str:
    return "".join(character for character in text[:_CHARACTERS] if character.isprintable())
