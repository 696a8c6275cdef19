"""Reasons to ask before an outlet is disconnected. Rooms above have theirs; nothing here knows of them."""

from collections.abc import Callable, Collection, Mapping

# Takes outlets by primary key; gives a sentence for each that somebody should think about first.
Reasons = Callable[[Collection[int]], Mapping[int, str]]

_reasons: list[Reasons] = []


def ask_before_disconnecting(reasons: Reasons) -> None:
    """Have the pages ask, and say why. Called once, when the program starts."""
    if reasons not in _reasons:
        _reasons.append(reasons)


def reasons_to_ask(outlets: Collection[int]) -> dict[int, str]:
    """Why to think twice, for those of these outlets where there is a reason."""
    found: dict[int, str] = {}
    for reasons in _reasons:
        for pk, sentence in reasons(outlets).items():
            found[pk] = f"{found[pk]} {sentence}" if pk in found else sentence
    return found
