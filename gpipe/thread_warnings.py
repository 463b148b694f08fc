"""Python's warnings, thread by thread.

``warnings.catch_warnings`` changes them for the whole process, and two threads that use it at the same time leave
filters behind that nobody asked for. Here a filter is added whose pattern matches within the block only, in the thread
of the block and in those that work for it. Filters and ``showwarning`` are as before when the last block ends; where
somebody else has put them aside meanwhile, what may come back has no effect.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from gpipe.forks import Lock, in_child

Show = Callable[[warnings.WarningMessage], Any]

_lock = Lock()
_filtering: ContextVar[tuple["_Pattern", ...]] = ContextVar("filtering", default=())
_showing: ContextVar[tuple[Show, ...]] = ContextVar("showing", default=())


class _Pattern:
    """Stands in a filter for a regular expression: matches within its block, texts with one of some beginnings."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        self._beginnings = beginnings

    def match(self, text: str) -> bool:
        """Answer Python, which asks for every warning of every thread."""
        return self in _filtering.get() and text.startswith(self._beginnings)


@contextmanager
def ignored(*beginnings: str) -> Iterator[None]:
    """Within the block, do not show warnings of this thread whose text begins so."""
    with _filtered("ignore", beginnings):
        yield


@contextmanager
def collected() -> Iterator[list[warnings.WarningMessage]]:
    """Within the block, collect all warnings of this thread, and show none."""
    found: list[warnings.WarningMessage] = []
    with shown_by(found.append), _filtered("always", ("",)):
        yield found


@contextmanager
def shown_by(show: Show) -> Iterator[None]:
    """Within the block, show warnings of this thread with a function."""
    token = _showing.set((*_showing.get(), show))
    try:
        _stand_in.begin(show)
        yield
    finally:
        _stand_in.end(show)
        _showing.reset(token)


@contextmanager
def _filtered(action: str, beginnings: tuple[str, ...]) -> Iterator[None]:
    pattern = _Pattern(beginnings)
    entry: Any = (action, pattern, Warning, None, 0)
    token = _filtering.set((*_filtering.get(), pattern))
    try:
        with _lock:
            warnings.filters.insert(0, entry)  # type: ignore[attr-defined]
        yield
    finally:
        with _lock, suppress(ValueError):  # other filters may be in force now
            warnings.filters.remove(entry)  # type: ignore[attr-defined]
        _filtering.reset(token)


class _StandIn:
    """Stands in for ``warnings.showwarning`` while blocks are open."""

    def __init__(self) -> None:
        self._open: list[Show] = []
        self._installed: Any = None
        self._before: Any = None

    def begin(self, show: Show) -> None:
        """Put a function before Python's for the first block."""
        with _lock:
            self._open.append(show)
            if len(self._open) == 1:
                self._before = before = warnings.showwarning
                self._installed = warnings.showwarning = _with_blocks(before)

    def end(self, show: Show) -> None:
        """Put back what was there for the last block, unless somebody has replaced it by something else meanwhile."""
        with _lock, suppress(ValueError):  # it was interrupted before it began
            self._open.remove(show)
            if not self._open and warnings.showwarning is self._installed:
                warnings.showwarning = self._before

    def forget_other_threads(self) -> None:
        """End the blocks of threads that a forked child does not have."""
        for show in [show for show in self._open if show not in _showing.get()]:
            self.end(show)


def _with_blocks(before: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that shows a warning as its thread's innermost block wants; outside of blocks as before."""

    def showwarning(
        message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: str | None = None
    ) -> None:
        blocks = _showing.get()
        if blocks and file is None:
            blocks[-1](warnings.WarningMessage(message, category, filename, lineno, file, line))
        else:
            before(message, category, filename, lineno, file, line)

    return showwarning


_stand_in = _StandIn()
in_child(_stand_in.forget_other_threads)
