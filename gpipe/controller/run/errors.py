"""Notes on unexpected errors: the step and the exposure where they happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpipe.exceptions import GpipeError


@contextmanager
def named_in_errors(name: str, exposure: Any) -> Iterator[None]:
    """Add the step of this name, and the file of the exposure, to errors; those of gpipe say by themselves."""
    try:
        yield
    except GpipeError:
        raise
    except Exception as error:
        error.add_note(f"in step {name} of gpipe, on {exposure.meta.filename}")
        raise
