"""Events of a run, for those who watch: progress displays, tables, benchmarks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StepStarted:
    """A step is about to work (or to be skipped): the ``position``-th of ``total``, counted from 1."""

    name: str
    position: int = 1
    total: int = 1


@dataclass(frozen=True)
class StepDone:
    """A step has ended.

    Attributes
    ----------
    seconds : wall time with the work that it queued on the device, hooks and saving; of a step that works on chunks its
        share of the time in which the threads worked.
    status : COMPLETE or SKIPPED.
    result : the exposure after the step, the main one where there are several; None where the next step goes on with
        each chunk before there is a whole. It is not to be kept: that would hold its arrays for the rest of the run,
        and the next step may write to them.
    found : numbers that the step has found, by plural nouns.
    reason : why the step skipped itself; empty where it did not.
    """

    name: str
    seconds: float
    status: str
    result: Any
    found: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def is_skipped(self) -> bool:
        """Tell whether the step was skipped, by a parameter or by itself."""
        return self.status == "SKIPPED"

    def __str__(self) -> str:
        if self.is_skipped:
            return f"{self.name} skipped" + (f": {self.reason}" if self.reason else "")
        found = in_words(self.found)
        return f"{self.name} {self.seconds:.2f} s" + (f": {found}" if found else "")


def in_words(found: Mapping[str, int]) -> str:
    """Write what a step has found: ``29,053 jumps, 2 snowballs``."""
    return ", ".join(f"{number:,} {what}" for what, number in found.items())


@dataclass(frozen=True)
class ChunkDone:
    """The steps that have started and not ended, the last one by name, are through with some chunks of the exposure."""

    name: str
    number: int
    total: int


@dataclass(frozen=True)
class ProductSaved:
    """A product is in its file, or is handed to the background writer."""

    path: Path

    @property
    def name(self) -> str:
        """Of the file."""
        return self.path.name


@dataclass(frozen=True)
class ExposureStarted:
    """Work on an exposure of a list begins: the ``position``-th of ``total``, counted from 1."""

    name: str
    position: int
    total: int


@dataclass(frozen=True)
class ExposureDone:
    """Work on an exposure of a list has ended; its files may still be written.

    Attributes
    ----------
    problem : why it failed, in a line; empty where it did not.
    """

    name: str
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class DoneBefore:
    """All products of a run are there, made by an earlier one from the same: it does nothing."""

    products: tuple[Path, ...]


Event = StepStarted | StepDone | ChunkDone | ProductSaved | DoneBefore | ExposureStarted | ExposureDone
_order: ContextVar[Sequence[str]] = ContextVar("order", default=())
_watchers: ContextVar[tuple[Callable[[Event], None], ...]] = ContextVar("watchers", default=())


@contextmanager
def watch(callback: Callable[[Event], None]) -> Iterator[None]:
    """Have ``callback`` called with every event of the runs inside the ``with`` block."""
    token = _watchers.set((*_watchers.get(), callback))
    try:
        yield
    finally:
        _watchers.reset(token)


def emit(event: Event) -> None:
    """Tell all watchers."""
    for callback in _watchers.get():
        callback(event)


@contextmanager
def numbered_by_itself() -> Iterator[None]:
    """Within the block a run numbers its steps; those of a run around it have their numbers again afterwards."""
    token = _order.set(())
    try:
        yield
    finally:
        _order.reset(token)


def begin(steps: Sequence[Any]) -> None:
    """Number the steps that ``started`` will name."""
    _order.set([step.name for step in steps])


def started(name: str) -> None:
    """Tell all watchers that a step has begun."""
    order = _order.get()
    emit(StepStarted(name, order.index(name) + 1, len(order)))


def is_watched() -> bool:
    """Tell whether somebody watches: times are then worth waiting for the device."""
    return bool(_watchers.get())
