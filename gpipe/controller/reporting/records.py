"""Records of the log reach the handlers of their run only, whatever else the process does at the same time.

A record belongs to the thread that logs it, and to those that work for it (`ThreadPool`). Levels of loggers are as
before when the last of several runs ends.
"""

import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from gpipe.controller.reporting.logs import Breaker, Configuration
from gpipe.controller.reporting.privacy import without_private
from gpipe.forks import Lock, in_child
from gpipe.thread_warnings import shown_by

LOGGERS = ("gpipe", "CRDS", "stdatamodels", "py.warnings")

_lock = Lock()
_here: ContextVar[tuple["_Block", ...]] = ContextVar("blocks", default=())
"""The blocks that this thread is in, or the one that it works for."""
_open: list["_Block"] = []
"""Those of all threads."""
_levels_before: dict[str, int] = {}


class _Block:
    """Handlers for the records of a block.

    Parameters
    ----------
    handlers : they are added to all loggers.
    level : of the records that they get. If it is None, records are those that others want to have logged.
    """

    def __init__(self, handlers: Sequence[logging.Handler], level: int | None = None) -> None:
        self._handlers, self.level = handlers, level
        for handler in handlers:
            is_to_show = level is not None and not isinstance(handler, Breaker)
            handler.addFilter(self._shows if is_to_show else self._has)

    def begin(self) -> None:
        with _lock:
            _open.append(self)
            for logger in map(logging.getLogger, LOGGERS):
                for handler in self._handlers:
                    logger.addHandler(handler)
            _set_levels()

    def end(self) -> None:
        with _lock:
            if self in _open:
                _open.remove(self)
            for logger in map(logging.getLogger, LOGGERS):
                # A new list: a thread that goes through one from which a handler is removed passes over the next.
                logger.handlers = [handler for handler in logger.handlers if handler not in self._handlers]
            _set_levels()

    def keep(self, record: logging.LogRecord) -> None:
        """Hand a record that is not logged to those that collect records."""
        for handler in self._handlers if self.level is None else ():
            if record.levelno >= handler.level:
                handler.handle(record)

    def _has(self, record: logging.LogRecord) -> bool:
        return self in _here.get()

    def _shows(self, record: logging.LogRecord) -> bool:
        """Show records of the block, and those of no block: others may count on handlers that are there."""
        is_loud = record.levelno >= (self.level or 0) or _has_level_of_its_own(record)
        return is_loud and (self._has(record) or not _here.get())


def _has_level_of_its_own(record: logging.LogRecord) -> bool:
    """Tell whether a user has chosen the level of the record's logger, or of one between it and ours."""
    logger = logging.getLogger(record.name)
    while logger.parent is not None and not logger.level:
        logger = logger.parent
    return logger.name not in LOGGERS


def _set_levels() -> None:
    """Let loggers pass on what the most talkative block shows; as before where no block is open."""
    levels = [block.level for block in _open if block.level is not None]
    for logger in map(logging.getLogger, LOGGERS):
        if levels:
            _levels_before.setdefault(logger.name, logger.level)
            logger.setLevel(min(levels))
        elif logger.name in _levels_before:
            logger.setLevel(_levels_before.pop(logger.name))


@contextmanager
def _inside(block: _Block) -> Iterator[None]:
    token = _here.set((*_here.get(), block))
    try:
        block.begin()
        yield
    finally:
        block.end()
        _here.reset(token)


@contextmanager
def installed(configuration: Configuration) -> Iterator[None]:
    """Have the records of a run, and its warnings, handled as configured inside the ``with`` block."""
    handlers = configuration.make_handlers()
    with ExitStack() as stack:
        for handler in handlers:
            stack.callback(handler.close)
        stack.enter_context(_inside(_Block(handlers, _level() if configuration.level is None else configuration.level)))
        stack.enter_context(shown_by(_log_warning))
        yield


@contextmanager
def heard_by(handler: logging.Handler) -> Iterator[None]:
    """Hand the records that are logged inside the ``with`` block to a handler, by its own level."""
    with _inside(_Block([handler])):
        yield


def _level() -> int:
    """Return the level of a log that nobody has configured."""
    ours = LOGGERS[0]
    return _levels_before.get(ours, logging.getLogger(ours).level) or logging.INFO


def _log_warning(warning: warnings.WarningMessage) -> None:
    """Log a warning of Python as ``logging.captureWarnings`` does."""
    text = warnings.formatwarning(
        warning.message,
        warning.category,
        warning.filename,
        warning.lineno,
        warning.line,
    )
    logging.getLogger("py.warnings").warning("%s", text)


class _Recorder(logging.Handler):
    """Collects records as a product holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        formatter = logging.Formatter("%(asctime)s.%(msecs)03d - %(name)s - %(levelname)s - %(message)s")
        formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.lines.append(without_private(self.format(record)))
        except Exception:  # as all handlers do: a line that cannot be made ends no run
            self.handleError(record)


def note(logger: logging.Logger, message: str, *args: Any) -> None:
    """Log a DEBUG line that products have in any case."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(message, *args)
        return
    record = logger.makeRecord(logger.name, logging.DEBUG, __file__, 0, message, args, None)
    for block in _here.get():
        block.keep(record)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The lines logged inside the ``with`` block, as a product keeps them: UTC, milliseconds, nothing private."""
    recorder = _Recorder()
    with _inside(_Block([recorder])):
        yield recorder.lines


def _end_other_threads() -> None:
    """End the blocks of threads that a forked child does not have."""
    for block in [block for block in _open if block not in _here.get()]:
        block.end()


in_child(_end_other_threads)
