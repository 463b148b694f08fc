"""Log and progress of a run, where a notebook shows them: one live table, by the display handles of IPython."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from importlib import import_module
from typing import Any

from gpipe.controller.reporting import records
from gpipe.controller.reporting.events import Event, watch
from gpipe.controller.reporting.logs import Configuration, Formatter, read_configuration
from gpipe.controller.reporting.table import Table
from gpipe.exceptions import ParameterError

VARIABLE = "GPIPE_PROGRESS"
TABLE, LINES, NONE = "table", "lines", "none"
REFRESH = 0.1
"""Seconds between two pictures of the table."""
_is_shown: ContextVar[bool] = ContextVar("is_shown", default=False)


def chosen() -> str:
    """Return what `GPIPE_PROGRESS` says; empty where it says nothing. ParameterError: it is no choice."""
    choice = os.environ.get(VARIABLE, "").strip().lower()
    if choice not in ("", TABLE, LINES, NONE):
        raise ParameterError.at(VARIABLE, f"{choice!r:.200}", f"{TABLE!r}, {LINES!r} or {NONE!r}")
    return choice


@contextmanager
def told(
    title: str, logcfg: str | os.PathLike[str] | Configuration | None, folders: Sequence[str | None]
) -> Iterator[None]:
    """Have the log of the block handled as configured; a notebook has a table in place of INFO lines.

    Parameters
    ----------
    title : of the table.
    logcfg, folders : as of `read_configuration`. A log that is configured is written beside the table.
    """
    configuration = read_configuration(logcfg, folders)
    if logcfg is None and has_table():
        configuration = replace(configuration, handlers=("null",))
    elif logcfg is None and chosen() == NONE:
        configuration = replace(configuration, levels=(logging.WARNING,))
    with records.installed(configuration), table_shown(title):
        yield


@contextmanager
def table_shown(title: str) -> Iterator[None]:
    """Show the steps of the block in a table, if a notebook runs it and wants that; a run within has no other one."""
    if _is_shown.get() or not has_table():
        yield
        return
    live, token = _LiveTable(title), _is_shown.set(True)
    try:
        with watch(live.hear), records.heard_by(live.handler):
            yield
    except BaseException as error:
        live.table.fail(type(error).__name__)
        raise
    finally:
        _is_shown.reset(token)
        live.close()


def has_table() -> bool:
    """Tell whether a run shows a table: the kernel of a notebook runs, and nobody has chosen otherwise."""
    if chosen() in (LINES, NONE) or "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None


class _LiveTable:
    """A table in the output of a cell, replaced by a newer one while the run goes on."""

    def __init__(self, title: str) -> None:
        self.table = Table(title)
        self.handler = _Warnings(self)
        self._handle: Any = None
        self._shown_at = 0.0

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        self.table.hear(event)
        self.refresh()

    def refresh(self) -> None:
        """Show the table, unless it was shown a moment ago."""
        if time.monotonic() - self._shown_at >= REFRESH:
            self._show()

    def close(self) -> None:
        """Show the last state, if there was something to tell."""
        if self._handle is not None:
            self._show()

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        shown = {"text/html": self.table.html(), "text/plain": self.table.text()}
        if self._handle is None:
            self._handle = import_module("IPython.display").display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


class _Warnings(logging.Handler):
    """Puts warnings and errors of the log below the table."""

    def __init__(self, live: _LiveTable) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(Formatter("%(levelname)s %(message)s"))
        self._live = live

    def emit(self, record: logging.LogRecord) -> None:
        self._live.table.warn(self.format(record))
        self._live.refresh()
