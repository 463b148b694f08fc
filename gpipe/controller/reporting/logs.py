"""Logging: standard ``logging`` under ``gpipe``, silent until a user, or ``.call``, installs handlers."""

import configparser
import getpass
import logging
import os
import re
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.exceptions import GpipeError, ParameterError

LOGGERS = ("gpipe", "CRDS", "stdatamodels", "py.warnings")
LINE = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
_SECTIONS = ("*", "root", ".", "")
_OPTIONS = ("handler", "level", "break_level", "format")

logging.getLogger("gpipe").addHandler(logging.NullHandler())


class _Standard(logging.StreamHandler[Any]):
    """Writes to what ``sys.stderr`` or ``sys.stdout`` is at that moment: a progress display may have replaced it."""

    def __init__(self, name: str) -> None:
        logging.Handler.__init__(self)
        self._stream_name = name

    @property
    def stream(self) -> Any:
        return getattr(sys, self._stream_name)


class _Breaker(logging.Handler):
    """Ends the run at the first record of its level."""

    def emit(self, record: logging.LogRecord) -> None:
        raise GpipeError(f"break_level {logging.getLevelName(self.level)} reached: {record.getMessage()}")


@dataclass(frozen=True)
class Configuration:
    """Levels and destinations of the log of a run."""

    handlers: Sequence[str] = ("stderr",)
    level: int = logging.INFO
    break_level: int | None = None
    line: str = LINE

    def make_handlers(self) -> list[logging.Handler]:
        """Handlers, ready to be installed."""
        made = [_handler(text) for text in self.handlers]
        for handler in made:
            handler.setFormatter(logging.Formatter(self.line))
        return made if self.break_level is None else [*made, _Breaker(self.break_level)]


def read_configuration(logcfg: str | os.PathLike[str] | None, folders: Sequence[str | None] = ()) -> Configuration:
    """Read a ``logcfg`` file; None gives INFO lines on stderr.

    Parameters
    ----------
    logcfg : an INI file with a section ``[*]`` and options ``handler`` (a comma list of stdout, stderr, null,
        ``file:NAME``, ``append:NAME``), ``level``, ``break_level`` and ``format``.
    folders : where to look for it when it is not in the working directory.
    """
    if logcfg is None:
        return Configuration()
    given = Path(logcfg).expanduser()
    path = next((p for p in (given, *(Path(f) / given for f in folders if f)) if p.is_file()), None)
    if path is None:
        looked = ", ".join(str(p) for p in (Path.cwd(), *filter(None, folders)))
        raise ParameterError(f"logcfg: no such file {str(logcfg)!r} (looked in {looked})")
    return _configuration(_section(path), path)


def _section(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(), source=str(path))
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"logcfg {path}: {' '.join(str(error).split())}") from None
    sections = parser.sections()
    unknown = [name for name in sections if name not in _SECTIONS]
    options = {key: value for name in sections if name in _SECTIONS for key, value in parser[name].items()}
    unknown += [key for key in options if key not in _OPTIONS]
    if unknown:
        raise ParameterError(f"logcfg {path}: found {unknown[0]!r}, expected section [*] with {', '.join(_OPTIONS)}")
    return options


def _configuration(options: dict[str, str], path: Path) -> Configuration:
    handlers = [text.strip() for text in options.get("handler", "stderr").split(",") if text.strip()]
    for text in handlers:
        if text not in ("stdout", "stderr", "null") and not re.fullmatch(r"(file|append):.+", text):
            raise ParameterError(
                f"logcfg {path}: handler: found {text!r}, expected stdout, stderr, null, file:NAME or append:NAME"
            )
    break_level = options.get("break_level")
    return Configuration(
        handlers,
        _level(options.get("level", "INFO"), path),
        None if break_level is None else _level(break_level, path),
        options.get("format", LINE),
    )


def _level(text: str, path: Path) -> int:
    levels = logging.getLevelNamesMapping()
    if text.strip().upper() in levels:
        return levels[text.strip().upper()]
    if text.strip().isdigit():
        return int(text)
    raise ParameterError(f"logcfg {path}: level: found {text!r}, expected one of {', '.join(levels)}")


def _handler(text: str) -> logging.Handler:
    if text in ("stdout", "stderr"):
        return _Standard(text)
    if text == "null":
        return logging.NullHandler()
    kind, _, name = text.partition(":")
    try:
        return logging.FileHandler(name, mode="w" if kind == "file" else "a")
    except OSError as error:
        raise ParameterError(f"logcfg: {text}: cannot be written ({error.strerror})") from None


@contextmanager
def installed(configuration: Configuration) -> Iterator[None]:
    """Have the records of a run, and Python's warnings, handled as configured inside the ``with`` block."""
    handlers = configuration.make_handlers()
    with ExitStack() as stack:
        for handler in handlers:
            stack.callback(handler.close)
        for name in LOGGERS:
            stack.enter_context(_attached(name, handlers, configuration.level))
        stack.enter_context(_warnings_logged())
        yield


@contextmanager
def _attached(name: str, handlers: Sequence[logging.Handler], level: int) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(before)
        for handler in handlers:
            logger.removeHandler(handler)


@contextmanager
def _warnings_logged() -> Iterator[None]:
    if logging._warnings_showwarning is not None:  # type: ignore[attr-defined]  # someone else has done it
        yield
        return
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)


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
        self.lines.append(without_private(self.format(record)))


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The lines logged inside the ``with`` block, as a product keeps them: UTC, milliseconds, nothing private."""
    recorder = _Recorder()
    with ExitStack() as stack:
        for name in LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(recorder)
            stack.callback(logger.removeHandler, recorder)
        yield recorder.lines


def without_private(line: str) -> str:
    """A line fit to be published: without the folders of absolute paths, empty if it names user, host or an address."""
    line = re.sub(r"(?<![\w/])/(?:[^/\s]+/)+", "", line)
    private = [re.escape(name) for name in (getpass.getuser(), socket.gethostname()) if name]
    address = r"\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}"
    return "" if re.search(rf"(?<!\w)(?:{'|'.join([*private, address])})(?!\w)", line) else line
