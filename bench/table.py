"""What a figure is, and how it is printed."""

import operator
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

REPEATS = 5  # each figure is the median of so many


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `more_is_better` says on which side of floor and aim the good values lie."""

    name: str
    measured: float
    floor: float
    aim: float
    unit: str = ""
    more_is_better: bool = False
    detail: str = ""  # what was compared with what, in numbers
    runs: tuple[float, ...] = field(default=())  # what `measured` is the median of

    @property
    def verdict(self) -> str:
        reaches = operator.ge if self.more_is_better else operator.le
        if reaches(self.measured, self.aim):
            return "aim reached"
        return "floor held" if reaches(self.measured, self.floor) else "MISSED"


def median_figure(name: str, runs: Sequence[float], **more: object) -> Figure:
    return Figure(name, statistics.median(runs), runs=tuple(runs), **more)  # type: ignore[arg-type]


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that a share `q` of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, int(-(-q * len(ordered) // 1)) - 1))]


def table(figures: Iterable[Figure]) -> str:
    rows = [("figure", "measured", "floor", "aim", "verdict")]
    for figure in figures:
        values = (f"{value:.4g} {figure.unit}".strip() for value in (figure.measured, figure.floor, figure.aim))
        rows.append((figure.name, *values, figure.verdict))  # type: ignore[arg-type]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def show(figure: Figure) -> None:
    """A figure as soon as it is known, with what is behind it."""
    runs = ", ".join(f"{run:.3g}" for run in figure.runs)
    print(f"{figure.name}: {figure.measured:.4g} {figure.unit} ({figure.verdict})".replace(" (", " (", 1))
    if figure.detail:
        print(f"    {figure.detail}")
    if runs:
        print(f"    runs: {runs}")
