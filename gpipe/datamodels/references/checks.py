"""Checks of a reference before work: all that steps would otherwise leave to the arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpipe.datamodels.files.warnings import first_line
from gpipe.datamodels.references.arrays import FACTS, ReferenceArrays
from gpipe.datamodels.references.types import NUMBERS, ReferenceType
from gpipe.exceptions import GpipeError, ReferenceFileError

_UNUSABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What it may come to if a step takes contents of a file for something else than they are."""


def reference_error(reftype: str, label: str, found: str, expected: str) -> ReferenceFileError:
    """An error that names the reference, what was found and what was expected."""
    message = f"{reftype} reference {label}: {found}; expected {expected}"
    return ReferenceFileError(message, reference=label, found=found.removeprefix("found "), expected=expected)


@contextmanager
def contents_of(reference: Any, expected: str) -> Iterator[None]:
    """Within the block, tell errors that the contents of a reference lead to as those of its file.

    It is for tables and trees, which a step looks through before work begins.

    Parameters
    ----------
    reference : a `Reference`.
    expected : contents, for the message.

    Raises
    ------
    ReferenceFileError
        Something is missing, or of another kind.
    """
    try:
        yield
    except GpipeError:
        raise
    except _UNUSABLE as error:
        found = f"found contents that cannot be used ({type(error).__name__}: {first_line(error)})"
        raise reference_error(reference.reftype, reference.name, found, expected) from None


def problems(arrays: ReferenceArrays, kind: ReferenceType) -> Iterator[tuple[str, str]]:
    """Yield what was found and what was expected of arrays, flags and numbers that cannot be used."""
    yield from _problems_of_axes(arrays, kind)
    yield from _problems_of_types(arrays, kind)
    for path in kind.numbers:
        if (expected := NUMBERS[path].refuses(arrays.fact(path))) is not None:
            yield f"found {FACTS[path]} = {arrays.fact(path)!r}", expected


def _problems_of_axes(arrays: ReferenceArrays, kind: ReferenceType) -> Iterator[tuple[str, str]]:
    primary = arrays.shape(kind.primary)
    for array, dimensions in kind.axes.items():
        if not arrays.has(array):
            continue
        shape = arrays.shape(array)
        if len(shape) not in dimensions or 0 in shape:
            allowed = " or ".join(str(count) for count in dimensions)
            yield f"found {array} of shape {shape}", f"{allowed} axes, none of them empty"
        elif shape[-2:] != primary[-2:]:
            yield f"found {array} of shape {shape}", f"rows and columns as in {primary}"
        elif len(shape) > 2 and shape[0] < kind.planes:
            yield f"found {array} of shape {shape}", f"{kind.planes} planes or more"


def _problems_of_types(arrays: ReferenceArrays, kind: ReferenceType) -> Iterator[tuple[str, str]]:
    for array in kind.axes:
        if arrays.has(array):
            found = arrays.dtype(array)
            allowed, expected = ("iu", "whole numbers") if array == "dq" else ("biuf", "numbers")
            if found.kind not in allowed:
                yield f"found {array} of type {found.name}", expected
