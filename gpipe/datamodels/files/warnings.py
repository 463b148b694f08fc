"""Warnings of other packages about a file, in one line each."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from gpipe.forks import Lock
from gpipe.thread_warnings import collected, ignored

log = logging.getLogger(__name__)

_libraries = Lock()


LONGEST = 500
"""Characters of a message of other packages: some hold all of a file."""


def first_line(error: BaseException) -> str:
    """The reason the system gives, or the first line of the message."""
    reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return reason.partition("\n")[0][:LONGEST]


@contextmanager
def one_thread_at_a_time(*ignoring: str) -> Iterator[None]:
    """Within the block a thread asks ``astropy``, ``stdatamodels`` or ``jwst``, and no other one does.

    They change Python's filters of warnings for a moment, for all threads: two at once would leave them changed.
    Warnings whose text begins with one of ``ignoring`` are not shown.
    """
    with _libraries, ignored(*ignoring):
        yield


@contextmanager
def complaints_logged(name: str) -> Iterator[None]:
    """Log each complaint of ``stdatamodels`` about metadata: it warns, in many lines, and takes None for the value.

    Other warnings are passed on, unless the block fails.
    """
    with collected() as complaints:
        yield
    from stdatamodels.exceptions import ValidationWarning

    for complaint in complaints:
        if issubclass(complaint.category, ValidationWarning):
            log.warning("%s: %s", name, " ".join(str(complaint.message).split("\n")[:2]))
        else:
            warnings.warn_explicit(complaint.message, complaint.category, complaint.filename, complaint.lineno)
