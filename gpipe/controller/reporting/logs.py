"""Logging: standard ``logging`` under ``gpipe``, silent until a user, or ``.call``, installs handlers."""

import configparser
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.exceptions import GpipeError, ParameterError
from gpipe.suffixes import stem
from gpipe.user_files import expanded

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


_exposure: ContextVar[str] = ContextVar("exposure", default="")
"""Name of the exposure at work, where there are several."""


@contextmanager
def named_in_log(name: str) -> Iterator[None]:
    """Begin the lines of the block with the name of an exposure, without its folder and extension."""
    token = _exposure.set(stem(name))
    try:
        yield
    finally:
        _exposure.reset(token)


class Formatter(logging.Formatter):
    """Puts the name of the exposure before the message of a record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - of logging
        if name := _exposure.get():
            record.message = f"{name}: {record.message}"
        return super().formatMessage(record)


class Breaker(logging.Handler):
    """Ends the run at the first record of its level."""

    def emit(self, record: logging.LogRecord) -> None:
        raise GpipeError(f"break_level {logging.getLevelName(self.level)} reached: {record.getMessage()}")


@dataclass(frozen=True)
class Configuration:
    """Levels and destinations of the log of a run."""

    handlers: Sequence[str] = ("stderr",)
    level: int | None = None
    """None stands for the level of the logger ``gpipe`` where a user has set it, else for INFO."""
    break_level: int | None = None
    line: str = LINE
    levels: Sequence[int] = ()
    """Of each handler, where they differ."""

    def make_handlers(self) -> list[logging.Handler]:
        """Handlers, ready to be installed."""
        made = [_handler(text) for text in self.handlers]
        for handler, level in zip(made, self.levels, strict=False):
            handler.setLevel(level)
        for handler in made:
            handler.setFormatter(Formatter(self.line))
        return made if self.break_level is None else [*made, Breaker(self.break_level)]


def read_configuration(
    logcfg: str | os.PathLike[str] | Configuration | None, folders: Sequence[str | None] = ()
) -> Configuration:
    """Read a ``logcfg`` file; None gives INFO lines on stderr.

    Parameters
    ----------
    logcfg : a configuration, or an INI file with a section ``[*]`` and options ``handler`` (a comma list of stdout,
        stderr, null, ``file:NAME``, ``append:NAME``), ``level``, ``break_level`` and ``format``.
    folders : where to look for it when it is not in the working directory.
    """
    if logcfg is None or isinstance(logcfg, Configuration):
        return logcfg or Configuration()
    given = Path(expanded(logcfg))
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
        raise ParameterError.at(
            f"logcfg {path}", repr(unknown[0]), f"section [*] with {', '.join(_OPTIONS)}", file=str(path)
        )
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
        _line(options.get("format", LINE), path),
    )


def _line(text: str, path: Path) -> str:
    """A format of log lines, tried out: logging itself would complain about each record."""
    try:
        logging.Formatter(text).format(logging.LogRecord("gpipe", logging.INFO, "", 0, "", None, None))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        expected = f"a format of Python's logging, such as {LINE!r}"
        raise ParameterError.at(
            f"logcfg {path}: format", f"{text!r:.200} ({error})", expected, file=str(path)
        ) from None
    return text


def _level(text: str, path: Path) -> int:
    levels = logging.getLevelNamesMapping()
    if text.strip().upper() in levels:
        return levels[text.strip().upper()]
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
        return int(text)
    raise ParameterError.at(f"logcfg {path}: level", f"{text!r:.200}", f"one of {', '.join(levels)}", file=str(path))


def _handler(text: str) -> logging.Handler:
    if text in ("stdout", "stderr"):
        return _Standard(text)
    if text == "null":
        return logging.NullHandler()
    kind, _, name = text.partition(":")
    try:
        return logging.FileHandler(name, mode="w" if kind == "file" else "a")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"logcfg: {repr(text)[1:-1]}: cannot be written ({reason})") from None
