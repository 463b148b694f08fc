"""Facts of a plan beside sections: the exposure, steps, products, references, and what less memory would do."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class ExposureFacts:
    """An exposure before its pixels are read.

    Attributes
    ----------
    instrument, detector, subarray, readpatt : as in its header; empty where that says nothing.
    file_bytes : of its file; None for a model.
    """

    instrument: str = ""
    detector: str = ""
    subarray: str = ""
    readpatt: str = ""
    file_bytes: int | None = None


@dataclass(frozen=True)
class PlannedStep:
    """A step in its order; ``reason`` says why it leaves the exposure as it is, None where it works on it.

    Pixels may still tell a step that it has nothing to do.
    """

    name: str
    reason: str | None = None


@dataclass(frozen=True)
class PlannedProduct:
    """A file that will be written.

    Attributes
    ----------
    path : a star in its name stands for what is known after work only.
    nbytes : estimate; None where nobody knows before.
    replaces : date of the file that it takes the place of.
    """

    path: Path
    nbytes: int | None = None
    replaces: date | None = None


@dataclass(frozen=True)
class PlannedReference:
    """A reference that steps will use; ``path`` and ``nbytes`` of its file are None for an open model."""

    type: str
    name: str
    steps: tuple[str, ...]
    path: Path | None = None
    nbytes: int | None = None


@dataclass(frozen=True)
class Fewer:
    """A limit of memory that would do, and the number of chunks that it takes."""

    max_memory: int
    chunks: int
