"""Errors on the command line: one line on stderr, and an exit status for each class."""

import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import click

DEFECT, USAGE, INTERRUPTED = 1, 2, 130


@contextmanager
def told_in_one_line(reworded: Callable[[str], str] = str, *, as_json: bool = False) -> Iterator[None]:
    """End the process with an exit status where the block raises, and tell the error in one line on stderr.

    A mistake in the command line has status 2, an error of gpipe that of its class, an interrupt 130. Anything else is
    a defect: status 1, and the traceback goes to a file, which the line names. ``--debug`` shows it, and starts the
    debugger. ``reworded`` gives the message of an error of gpipe in the words of the command line.
    ``as_json`` prints the event of a failure, too.
    """
    try:
        yield
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.UsageError as error:
        if error.ctx and error.message == error.ctx.get_help():  # of a command without arguments
            click.echo(error.message, err=True)
            sys.exit(USAGE)
        _end(" ".join(error.format_message().split()), USAGE, error if as_json else None)
    except (click.Abort, KeyboardInterrupt) as error:
        _end("interrupted", INTERRUPTED, error if as_json else None)
    except Exception as error:
        if is_debugging():
            _debug()
        status = getattr(error, "exit_status", None)
        message = reworded(_lines(error)) if status else _defect(error)
        _end(message, status or DEFECT, error if as_json else None)


def in_words_of(options: Mapping[str, str], message: str) -> str:
    """Put options in the place of Python's names in a message; names within paths stay as they are."""
    for name, option in options.items():
        message = re.sub(rf"(?<![\w./=-]){name}(?![\w./])", option, message)
    return re.sub(r"(?<![\w./-])(\w+)=(True|False)\b", lambda found: f"--{found[1]}={found[2].lower()}", message)


def is_debugging() -> bool:
    """Tell whether ``--debug`` was given."""
    return "--debug" in sys.argv


def _lines(error: Exception) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _end(message: str, status: int, shown_as_json: BaseException | None = None) -> None:
    if shown_as_json is not None:
        from gpipe.cli.json_lines import print_failure

        print_failure(shown_as_json, message, status)
    click.echo(f"gpipe: {message}", err=True)
    sys.exit(status)


def _defect(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="gpipe-", suffix=".txt", delete=False) as file:
        file.write(traceback.format_exc())
    return f"a defect of gpipe ({type(error).__name__}: {error}); please report it with the traceback in {file.name}"


def _debug() -> None:
    import pdb

    traceback.print_exc()
    if sys.stdin.isatty():
        pdb.post_mortem()
