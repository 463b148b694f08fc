"""Progress of a run: what became of each exposure so far."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpipe.batch.events import Follow, RunEvent, failure
from gpipe.batch.report import Outcome
from gpipe.controller import DoneBefore, ProductSaved, StepDone, several, watch


class Progress:
    """Takes note of exposures, and tells of them.

    Parameters
    ----------
    tell : called with a line for each exposure that has ended.
    follow : called with each event.
    """

    def __init__(self, tell: Callable[[str], None] | None, follow: Follow | None) -> None:
        self.outcomes: list[Outcome] = []
        self._tell, self._follow = tell, follow
        self._total, self._begun = 0, 0
        self._worked: deque[Outcome] = deque()

    def planned(self, names: Sequence[str], pipeline: str, lines: Sequence[str]) -> None:
        """Tell which exposures there are; ``lines`` tell of the whole run."""
        if self._tell:
            self._tell("\n".join(lines))
        self._total = len(names)
        for number, name in enumerate(names, 1):
            self.emit("planned", name, position=number, total=self._total, pipeline=pipeline)

    @contextmanager
    def around(self, name: str, total: int) -> Iterator[None]:
        """Take note of an exposure that is calibrated within the block."""
        self._begun += 1
        self.emit("started", name, position=self._begun, total=total)
        outcome, began = Outcome(name, 0.0), time.perf_counter()
        products: list[Path] = []
        found: dict[str, int] = {}
        before: list[DoneBefore] = []

        def hear(event: Any) -> None:
            if isinstance(event, ProductSaved):
                products.append(event.path)
            elif isinstance(event, DoneBefore):
                products.extend(event.products)
                before.append(event)
            elif isinstance(event, StepDone):
                found.update(event.found)
                values = {"status": event.status, "seconds": event.seconds, "counts": dict(event.found)}
                reason = {"reason": event.reason} if event.reason else {}
                self.emit("step", name, step=event.name, **values, **reason)

        try:
            with watch(hear):
                yield
        finally:
            seconds = time.perf_counter() - began
            ended = replace(outcome, seconds=seconds, products=tuple(products), found=found, before=bool(before))
            self._worked.append(ended)

    def settled(self, one: several.Outcome) -> None:
        """Tell what became of an exposure: its files are on disk now, or have failed."""
        outcome = _ended(self._worked.popleft(), next(iter(one.problems), None))
        self.outcomes.append(outcome)
        for path in () if outcome.before else outcome.products:
            self.emit("product", outcome.name, path=str(path))
        if outcome.error is None:
            self.emit("done", outcome.name, **outcome.values())
        elif self._follow:
            self._follow(failure(outcome.error, outcome.name))
        if self._tell and (outcome.error is None or self._total > 1):  # the error of an only exposure is told by itself
            self._tell(f"{len(self.outcomes):{len(str(self._total))}}/{self._total} {outcome}")

    def emit(self, event: str, name: str = "", **values: Any) -> None:
        """Tell of an event."""
        if self._follow:
            self._follow(RunEvent(event, name, values))


def _ended(outcome: Outcome, error: Exception | None) -> Outcome:
    """What became of an exposure when all files are written: of one that failed, those products that are there."""
    if error is None:
        return outcome
    return replace(outcome, error=error, products=tuple(path for path in outcome.products if path.is_file()))
