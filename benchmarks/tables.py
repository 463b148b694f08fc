"""Figures of a case as rows, and tables on the terminal or in Markdown."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.floor import Floor
from benchmarks.processes import Measured, Outcome, Process, ProcessError

Row = tuple[str, ...]
PACKAGES = ("gpipe", "jwst")
FIGURES = ("case", "figure", *PACKAGES, "jwst / gpipe")
STEPS = ("case", "step", "gpipe [s]", "jwst [s]", "jwst / gpipe")
COLD = "*"
"""Marks figures of a first call, which no other followed."""
_ABSENT = "-"
_MEGABYTE = 1e6
_SHORTEST = 5e-4
"""Seconds of a step that is worth a row, or a ratio."""


@dataclass(frozen=True)
class Figure:
    """A line of a case.

    Attributes
    ----------
    of : finds it in a process.
    unit : by which it is divided.
    of_call : whether it is of a call, which may be the first of its process.
    """

    name: str
    of: Callable[[Process], float]
    unit: float = 1.0
    of_call: bool = False


def figures_of(floor: Floor | None, plan: int | None = None) -> list[Figure]:
    """The lines of a case; without a floor (gpipe was left out), and the peak that gpipe plans, fewer."""
    found = [
        Figure("whole process [s]", lambda p: p.once),
        Figure("call in a running process [s]", lambda p: p.last.total, of_call=True),
        Figure("peak memory [MB]", lambda p: p.report.peak, _MEGABYTE),
        Figure("peak memory of all calls [MB]", lambda p: p.report.highest, _MEGABYTE, of_call=True),
        Figure("peak memory above that of imports [MB]", lambda p: p.report.peak - p.report.imported, _MEGABYTE),
        Figure("bytes read in the first call [MB]", lambda p: p.first.read, _MEGABYTE),
        Figure("bytes of products [MB]", lambda p: p.last.written, _MEGABYTE),
    ]
    if plan is not None:
        found.append(Figure(f"peak memory / plan of {megabytes(plan)} MB", lambda p: p.report.peak, plan))
    if floor is None:
        return found
    at_least = f"call / floor of {number(floor.seconds)} s"
    bound = f"peak memory / bound of {megabytes(floor.bound)} MB, with {megabytes(floor.planes)} MB of references"
    needed = f"bytes read / {megabytes(floor.read)} MB that are needed"
    return [
        *found,
        Figure(at_least, lambda p: p.last.total, floor.seconds, of_call=True),
        Figure(f"peak memory / raw cube of {megabytes(floor.raw)} MB", lambda p: p.report.peak, floor.raw),
        Figure(bound, lambda p: p.report.peak, floor.bound),
        Figure(needed, lambda p: p.first.read, floor.read),
    ]


def figure_rows(
    name: str, outcomes: Mapping[str, Outcome], floor: Floor | None, plan: int | None = None
) -> Iterator[Row]:
    """Yield all figures of a case; if a package has none, the first row gives the reason."""
    reasons = {package: str(found) for package, found in outcomes.items() if isinstance(found, ProcessError)}
    for figure in figures_of(floor, plan):
        cells, values = [], []
        for package in PACKAGES:
            found = outcomes.get(package)
            if isinstance(found, Measured):
                values.append(found.median(figure.of) / figure.unit)
                cells.append(number(values[-1]) + (COLD if figure.of_call and not found.is_warm else ""))
            else:
                cells.append(reasons.pop(package, _ABSENT))
        yield name, figure.name, *cells, _ratio(values)


def step_rows(name: str, outcomes: Mapping[str, Outcome]) -> Iterator[Row]:
    """Seconds by step, in the order in which they ran."""
    measured = {package: found.steps for package, found in outcomes.items() if isinstance(found, Measured)}
    for step in dict.fromkeys(step for steps in measured.values() for step in steps):
        seconds = [measured[package].get(step, 0.0) for package in PACKAGES if package in measured]
        if max(seconds) >= _SHORTEST:
            cells = [f"{measured[p].get(step, 0.0):.3f}" if p in measured else _ABSENT for p in PACKAGES]
            yield name, step, *cells, _ratio(seconds, _SHORTEST)


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def megabytes(count: float) -> str:
    """Bytes in millions."""
    return number(count / _MEGABYTE)


def _ratio(values: Sequence[float], least: float = 0.0) -> str:
    """Ratio of jwst to gpipe, if both exist and gpipe's value is more than ``least``."""
    return f"{values[1] / values[0]:.1f}" if len(values) == len(PACKAGES) and values[0] > least else _ABSENT


def show(title: str, header: Row, rows: Sequence[Row], *, markdown: bool) -> None:
    """Print a table, if it has rows."""
    if not rows:
        return
    if markdown:
        lines = [header, ("---",) * len(header), *rows]
        sys.stdout.write(f"## {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n")
        return
    table = Table(*map(escape, header), title=title)
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=140).print(table)
