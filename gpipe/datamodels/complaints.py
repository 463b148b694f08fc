"""Warnings of ``stdatamodels`` about metadata, as lines of gpipe's log."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def complaints_logged(name: str) -> Iterator[None]:
    """Log each warning in one line: metadata that break the schema are set to None with a warning of many lines."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        yield
    for complaint in complaints:
        log.warning("%s: %s", name, str(complaint.message).strip().split("\n")[0])
