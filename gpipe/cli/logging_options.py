"""Options that commands share: the log (how much, and where), JSON, colours."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click


def _without_color(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted or os.environ.get("NO_COLOR"):
        ctx.color = False


JSON, NO_COLOR = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON, an object a line."),
    click.option("--no-color", is_flag=True, expose_value=False, callback=_without_color, help="Print no colours."),
)
OPTIONS = (
    click.option("-q", "--quiet", is_flag=True, help="Log errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Show the whole log, DEBUG lines included."),
    click.option("--log-file", type=click.Path(), help="Append the log to a file, INFO lines or all of it."),
    JSON,
    NO_COLOR,
    click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
)


def logging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; `log_configuration` takes the values."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def log_configuration(*, quiet: bool, verbose: bool, log_file: str | None) -> Any:
    """Make the configuration of the log: warnings on stderr, unless the options say otherwise."""
    import logging

    from gpipe.controller.reporting.logs import Configuration

    shown = logging.ERROR if quiet else logging.DEBUG if verbose else logging.WARNING
    handlers = {"stderr": shown}
    if log_file:
        handlers[f"append:{log_file}"] = logging.DEBUG if verbose else logging.INFO
    return Configuration(tuple(handlers), min(handlers.values()), levels=tuple(handlers.values()))


@contextmanager
def logged(options: Mapping[str, Any]) -> Iterator[None]:
    """Have the log of the block go where the options of a command say."""
    from gpipe.controller.reporting.records import installed

    with installed(log_configuration(**{name: options[name] for name in ("quiet", "verbose", "log_file")})):
        yield


def log_configuration_of_strun(
    *, verbose: bool, log_level: str | None, log_file: str | None, log_stream: str | None, logcfg: str | None
) -> Any:
    """Make the configuration of the log as strun does: INFO lines on stderr, unless the options say otherwise.

    A configuration file counts only without other options.
    """
    import logging

    from gpipe.controller.reporting.logs import Configuration

    if logcfg and not (verbose or log_level or log_file or log_stream):
        return logcfg
    level = "DEBUG" if verbose else log_level or "INFO"
    handlers = [log_stream or "stderr", *([f"file:{log_file}"] if log_file else ())]
    return Configuration(handlers, logging.getLevelNamesMapping()[level])
