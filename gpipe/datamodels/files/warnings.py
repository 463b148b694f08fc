"""Warnings of other packages about a file, in one line each."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


def first_line(error: BaseException) -> str:
    """The reason the system gives, or the first line of the message."""
    reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return reason.split("\n")[0]


@contextmanager
def complaints_logged(name: str) -> Iterator[None]:
    """Log each complaint of ``stdatamodels`` about metadata: it warns, in many lines, and takes None for the value.

    Other warnings are passed on.
    """
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        yield
    from stdatamodels.exceptions import ValidationWarning

    for complaint in complaints:
        if issubclass(complaint.category, ValidationWarning):
            log.warning("%s: %s", name, " ".join(str(complaint.message).split("\n")[:2]))
        else:
            warnings.warn_explicit(complaint.message, complaint.category, complaint.filename, complaint.lineno)
