"""Table of a run: a row for each step, or for each exposure of a list, and the warnings below it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from gpipe.controller.reporting.events import (
    ChunkDone,
    Event,
    ExposureDone,
    ExposureStarted,
    ProductSaved,
    StepDone,
    StepStarted,
    in_words,
)
from gpipe.suffixes import stem

AT_WORK, DONE, LEFT_OUT, FAILED = "…", "✓", "-", "✗"
MOST_ROWS = 20
"""Exposures that are shown; of those before them only the failed ones."""
MOST_WARNINGS = 20
_STYLE = 'style="text-align:left"'


@dataclass
class _Row:
    name: str
    mark: str = AT_WORK
    seconds: float | None = None
    told: str = ""

    def cells(self) -> tuple[str, str, str]:
        """Return the texts of the columns."""
        seconds = "" if self.seconds is None else f"{self.seconds:.2f}"
        return f"{self.mark} {self.name}", seconds, self.told


class Table:
    """What a run has done so far, as HTML and as text.

    Parameters
    ----------
    title : of the whole, the pipeline or step.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._steps: list[_Row] = []
        self._exposures: list[_Row] = []
        self._total = 0
        self._found: Counter[str] = Counter()
        self._products: list[str] = []
        self._warnings: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case StepStarted():
                self._steps.append(_Row(event.name))
            case ChunkDone():
                self._at_work(self._steps, event.name).told = f"chunk {event.number} of {event.total}"
            case StepDone():
                self._end_step(event)
            case ExposureStarted():
                self._total, self._found = event.total, Counter()
                self._steps.clear()
                self._exposures.append(_Row(stem(event.name)))
            case ExposureDone():
                self._end_exposure(event)
            case ProductSaved():
                self._products.append(str(event.path))

    def warn(self, text: str) -> None:
        """Take note of a warning; the same text is shown once."""
        self._warnings[text] += 1

    def fail(self, reason: str) -> None:
        """Mark what is at work as failed."""
        for row in (one for one in (*self._steps, *self._exposures) if one.mark == AT_WORK):
            row.mark, row.told = FAILED, reason

    def html(self) -> str:
        """Return the table as HTML."""
        heads = "".join(f"<th {_STYLE}>{head}</th>" for head in self._heads())
        rows = "".join(
            "<tr>" + "".join(f"<td {_STYLE}>{escape(cell)}</td>" for cell in row.cells()) + "</tr>"
            for row in self._shown()
        )
        below = "".join(f"<pre>{escape(line)}</pre>" for line in self._below())
        caption = f"<b>{escape(self._caption())}</b>"
        return f"<div>{caption}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{below}</div>"

    def text(self) -> str:
        """Return the table as text."""
        rows = [self._heads(), *(row.cells() for row in self._shown())]
        widths = [max(len(cells[column]) for cells in rows) for column in (0, 1)]
        lines = (f"{name:{widths[0]}}  {seconds:>{widths[1]}}  {told}".rstrip() for name, seconds, told in rows)
        return "\n".join([self._caption(), *lines, *self._below()])

    def _heads(self) -> tuple[str, str, str]:
        return "Exposure" if self._total else "Step", "Seconds", "Found"

    def _caption(self) -> str:
        if not self._total:
            return self.title
        ended = Counter(row.mark for row in self._exposures)
        failed = f", {ended[FAILED]} failed" if ended[FAILED] else ""
        return f"{self.title}: {ended[DONE]} of {self._total} done{failed}"

    def _shown(self) -> list[_Row]:
        if not self._total:
            return [*self._steps]
        early = [row for row in self._exposures[:-MOST_ROWS] if row.mark == FAILED]
        return [*early, *self._exposures[-MOST_ROWS:]]

    def _below(self) -> Iterator[str]:
        if self._products and not self._total:
            yield f"→ {', '.join(self._products)}"
        told = [*self._warnings.items()]
        for text, count in told[-MOST_WARNINGS:]:
            yield text + (f" ({count} times)" if count > 1 else "")
        if len(told) > MOST_WARNINGS:
            yield f"{len(told) - MOST_WARNINGS} warnings before these"

    def _end_step(self, done: StepDone) -> None:
        row = self._at_work(self._steps, done.name)
        row.mark, row.seconds = (LEFT_OUT, None) if done.is_skipped else (DONE, done.seconds)
        row.told = done.reason or in_words(done.found)
        self._found.update(done.found)
        if self._total:
            self._exposures[-1].told = f"{done.name} …"

    def _end_exposure(self, done: ExposureDone) -> None:
        row = self._exposures[-1]
        row.mark, row.seconds = (FAILED if done.problem else DONE), done.seconds
        row.told = done.problem or in_words(self._found)

    def _at_work(self, rows: list[_Row], name: str) -> _Row:
        """Find the row that is at work under a name; of a run within the run there may be none yet."""
        row = next((row for row in rows if row.name == name and row.mark == AT_WORK), None)
        if row is None:
            row = _Row(name)
            rows.append(row)
        return row
