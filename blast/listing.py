"""What the compose page says of a list of recipients and of the message: counts, problems, chips, previews. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from blast import variables
from blast.exceptions import BadRecipients
from blast.importing import usable
from blast.problems import Code, Problem
from blast.recipients import Parsed, Row

PROBLEMS_SHOWN = 200
SAMPLES = 3
_SAMPLE_CHARS = 20_000
EXAMPLE = Row(1, "6281234567890", "Ibu Ani")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as the page shows it. With `refusal` the whole list was refused for that reason."""

    usable: int = 0
    foreign: int = 0  # not among the usable: nobody confirmed them
    problems: list[Problem] = field(default_factory=list)  # the first of them
    problem_count: int = 0
    refusal: str = ""
    chips: list[str] = field(default_factory=list)
    samples: str = ""  # rows for the preview, as `samples_of` reads them

    @property
    def more_problems(self) -> int:
        return self.problem_count - len(self.problems)


def listing(parsed: Parsed, *, confirms_foreign: bool) -> Listing:
    """`confirms_foreign`: a person said that numbers of other countries are meant."""
    if parsed.refusal is not None:
        return Listing(refusal=parsed.refusal.message, chips=chips_of([]))
    problems = bad_rows(parsed, confirms_foreign=confirms_foreign)
    try:
        rows = usable(parsed, confirms_foreign=confirms_foreign, leaves_out_bad=True)
    except BadRecipients:
        rows = []
    return Listing(
        usable=len(rows),
        foreign=0 if confirms_foreign else len(parsed.foreign),
        problems=problems[:PROBLEMS_SHOWN],
        problem_count=len(problems),
        chips=chips_of(parsed.columns),
        samples=samples_text(rows[:SAMPLES]),
    )


def of_problems(problems: Sequence[Problem]) -> Listing:
    """What a service objected to after the list was read: rows without an outlet, or without a variable."""
    refusal = problems[0].message if problems and problems[0].line is None else ""
    if refusal:
        return Listing(refusal=refusal, chips=chips_of([]))
    return Listing(problems=list(problems[:PROBLEMS_SHOWN]), problem_count=len(problems), chips=chips_of([]))


def bad_rows(parsed: Parsed, *, confirms_foreign: bool) -> list[Problem]:
    return [each for each in parsed.problems if not (confirms_foreign and each.code is Code.FOREIGN)]


def left_out(parsed: Parsed, *, confirms_foreign: bool) -> dict[str, int]:
    """How many rows are no good, by the code of what is wrong with each first."""
    first: dict[int, str] = {}
    for each in bad_rows(parsed, confirms_foreign=confirms_foreign):
        if each.line is not None:
            first.setdefault(each.line, each.code.value)
    return dict(Counter(first.values()))


def chips_of(columns: Sequence[str]) -> list[str]:
    """The variables that a message may use."""
    return ["name", *columns, "outlet", "phone"]


def samples_text(rows: Sequence[Row]) -> str:
    """A few rows as the page keeps them for the preview."""
    text = json.dumps([[row.phone, row.name, dict(row.variables), row.outlet] for row in rows], ensure_ascii=False)
    return text if len(text) <= _SAMPLE_CHARS else ""


def samples_of(text: str) -> list[Row]:
    """What `samples_text` gave. It comes back from the browser: what is no row is left out."""
    if not text or len(text) > _SAMPLE_CHARS:
        return []
    try:
        given = json.loads(text)
        json.dumps(given, ensure_ascii=False).encode()  # JSON can spell half a surrogate pair; no page can show it
    except (ValueError, RecursionError):
        return []
    return [row for each in given[:SAMPLES] if (row := _sample(each))] if isinstance(given, list) else []


def _sample(given: Any) -> Row | None:
    match given:
        case [str(phone), str(name), dict(values), str(outlet)] if all(isinstance(v, str) for v in values.values()):
            return Row(1, phone, name, outlet, values)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Shown:
    """One person's message."""

    phone: str
    name: str
    text: str


def previews(body: str, people: Sequence[tuple[Row, str]]) -> Mapping[str, Any]:
    """The messages of some people, each with the name of the sender, or what is wrong with the text."""
    if not body.strip():
        return {"previews": [], "preview_error": ""}
    try:
        shown = [
            Shown(row.phone, row.name, text)
            for row, outlet in people
            for text in variables.preview(body, [row], outlet)
        ]
    except variables.BadBody as bad:
        return {"previews": [], "preview_error": bad_body(bad)}
    return {"previews": shown, "preview_error": ""}


def bad_body(bad: variables.BadBody) -> str:
    return _("“%(mark)s” is no variable. Write {name}, or {{ and }} for braces.") % {"mark": bad.mark}
