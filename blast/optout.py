"""Replies that mean "write to me no more"."""

import unicodedata
from collections.abc import Iterable

DEFAULT_WORDS = ("STOP", "BERHENTI", "UNSUB")


def is_opt_out(text: str | None, words: Iterable[str] = DEFAULT_WORDS) -> bool:
    """Whether a reply is one of these words and nothing else: "Stop." and "*STOP* 🙏" are, "jangan stop" is not.

    Case, spaces, punctuation, emoji and invisible marks do not matter. A word of the setting may be several words.
    """
    said = _plain(text or "")
    return bool(said) and any(said == _plain(word) for word in words)


def _plain(text: str) -> str:
    """Letters and digits only, with single spaces between the words."""
    folded = unicodedata.normalize("NFKC", text[:200]).casefold()
    # Marks above letters and invisible signs stand inside words, everything else between them.
    signs = (sign for sign in folded if unicodedata.category(sign) not in ("Cf", "Mn", "Me"))
    return " ".join("".join(sign if sign.isalnum() else " " for sign in signs).split())
