"""Progress of the steps, on a terminal."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gpipe.controller.reporting.events import ChunkDone, Event, StepDone, StepStarted, watch

_terminal = threading.Lock()


@contextmanager
def progress_shown() -> Iterator[None]:
    """Show the steps of the runs inside the ``with`` block on stderr; gone at its end.

    A terminal shows one display: of runs at the same time, the first one's, which alone puts itself before
    ``sys.stderr`` for the time.
    """
    if not _terminal.acquire(blocking=False):
        yield
        return
    try:
        with _displayed():
            yield
    finally:
        _terminal.release()


@contextmanager
def _displayed() -> Iterator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        task = progress.add_task("reading", total=None)

        def show(event: Event) -> None:
            if isinstance(event, StepDone):
                progress.advance(task)
            elif isinstance(event, StepStarted):
                progress.update(task, description=event.name, total=event.total, completed=event.position - 1)
            elif isinstance(event, ChunkDone):
                progress.update(task, description=f"up to {event.name}: chunk {event.number} of {event.total}")

        with watch(show):
            yield
