"""Lines on the standard output."""

import os
import sys

import click


def print_line(line: str) -> None:
    """Print a line at once. If its reader is gone (``| head``), this and all later lines go nowhere: work goes on."""
    try:
        click.echo(line)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
