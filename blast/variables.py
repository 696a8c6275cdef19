"""`{name}` in the body of a message, and what stands there for each person."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

NAME_CHARS = 50
MESSAGE_CHARS = 4096  # what WhatsApp's own apps let people type as one text is far more; longer blasts nobody reads
CAPTION_CHARS = 1024

# These need no column of their own. `{outlet}` is the name of the outlet that sends.
BUILT_IN = frozenset({"name", "phone", "outlet"})

_MARK = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_NAME = re.compile(r"\w+")
_GAPS = re.compile(r"[\s.\-/]+")


class Addressee(Protocol):
    """A row of a list or a recipient of a blast."""

    @property
    def phone(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def variables(self) -> Mapping[str, str]: ...


class BadBody(ValueError):  # noqa: N818  (it is an outcome)
    """`{` or `}` that is no variable and not doubled. `at` is its place in the body, from 0; `mark` what is there."""

    def __init__(self, at: int, mark: str) -> None:
        super().__init__(f"{mark!r} at {at}")
        self.at = at
        self.mark = mark


class Missing(KeyError):  # noqa: N818  (it is an outcome)
    """There is nothing for the variable `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def normal_name(heading: str) -> str:
    """How a column or variable is called: `Nama Kota` and `nama-kota` are both `nama_kota`. "" for what is no name."""
    name = _GAPS.sub("_", heading.strip().casefold()).strip("_")
    return name if _NAME.fullmatch(name) and len(name) <= NAME_CHARS else ""


def names(body: str) -> list[str]:
    """The variables of a body in the order of their first use. Raises `BadBody`."""
    return list(dict.fromkeys(part for part, is_name in _parts(body) if is_name))


def unknown(body: str, columns: Iterable[str]) -> list[str]:
    """Variables that neither a column nor Gerai fills. Raises `BadBody`."""
    known = BUILT_IN.union(columns)
    return [name for name in names(body) if name not in known]


def fill(body: str, to: Addressee, outlet: str = "") -> str:
    """The message for one person; `outlet` is the name of the sender. `{{` and `}}` become `{` and `}`.

    What is filled in is never read as a variable again. Raises `BadBody`, and `Missing` where there is nothing to fill
    in, so that nobody is ever sent "{name}" or a gap.
    """
    written = []
    for part, is_name in _parts(body):
        if not is_name:
            written.append(part)
        elif value := _value(part, to, outlet).strip():
            written.append(value)
        else:
            raise Missing(part)
    return "".join(written)


def lacking(wanted: Collection[str], to: Addressee) -> str | None:
    """The first of these variables that this person has nothing for. The sender's name always comes later."""
    return next((name for name in wanted if name != "outlet" and not _value(name, to, "").strip()), None)


def preview(body: str, rows: Iterable[Addressee], outlet: str = "") -> Iterator[str]:
    """The messages of these rows, with a variable left visible where something is missing. Raises `BadBody`."""
    parts = list(_parts(body))
    for row in rows:
        yield "".join(
            (_value(part, row, outlet).strip() or f"{{{part}}}") if is_name else part for part, is_name in parts
        )


def _value(name: str, to: Addressee, outlet: str) -> str:
    if name == "name":
        return to.name
    if name == "phone":
        return to.phone
    if name == "outlet":
        return outlet
    return to.variables.get(name, "")


def _parts(body: str) -> Iterator[tuple[str, bool]]:
    """The body in pieces: a text, or the name of a variable and True."""
    position = 0
    for mark in _MARK.finditer(body):
        yield body[position : mark.start()], False
        position = mark.end()
        if mark[0] in ("{{", "}}"):
            yield mark[0][0], False
        elif mark[1] is not None and (name := normal_name(mark[1])):
            yield _ALIASES.get(name, name), True
        else:
            raise BadBody(mark.start(), mark[0])
    yield body[position:], False


_ALIASES = {"nama": "name"}
