"""Lines on the standard output."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext

import click


def _coloured(line: str) -> str:
    """Return a line with its failure in red; click leaves colours out where nobody sees them."""
    before, mark, error = line.partition("✗")
    return before + click.style(mark + error, fg="red") if mark else line


def print_line(line: str) -> None:
    """Print a line at once. If its reader is gone (``| head``), this and all later lines go nowhere: work goes on."""
    try:
        click.echo(_coloured(line))
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def shown_on_terminal(*, quiet: bool) -> AbstractContextManager[None]:
    """Return a context in which a line on the terminal tells of the step at work, if stderr is one."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    from gpipe.controller.reporting.progress import progress_shown

    return progress_shown()
