"""ASDF file with the persistence windows of detectors from one exposure to the next, as in jwst 3.0.0.

The tree holds an entry for each detector: ``rows``, ``cols`` and ``vals`` of the pixels in a window (``vals``: when it
ends, seconds since 1970 UTC), its length ``pers_time`` and the ``filename`` of the exposure. gpipe adds ``xstart`` and
``ystart``, the detector pixel (from 1) that row and column 0 stand for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.datamodels.files.warnings import first_line
from gpipe.exceptions import InputError

_KEYS = ("rows", "cols", "vals", "pers_time")


@dataclass(frozen=True)
class PersistenceWindows:
    """The pixels of a detector that are in a persistence window.

    Attributes
    ----------
    detector : its name.
    corner : column and row (from 1) of the detector where ``rows`` and ``columns`` 0 lie; None: where the exposure's
        first pixel lies, as in files of jwst.
    rows, columns : int64.
    ends : float64, seconds since 1970 UTC.
    seconds : length of a window.
    exposure : file name of the exposure that they were last changed by.
    others : entries of other detectors.
    """

    detector: str
    corner: tuple[int, int] | None
    rows: np.ndarray
    columns: np.ndarray
    ends: np.ndarray
    seconds: int
    exposure: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    meta: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(filename=None))

    def relative_to(self, window: Window) -> "PersistenceWindows":
        """The same pixels, counted from the first one of a window; those outside it may be negative."""
        if self.corner is None:
            return replace(self, corner=(window.xstart, window.ystart))
        rows, columns = self.rows + self.corner[1] - window.ystart, self.columns + self.corner[0] - window.xstart
        return replace(self, rows=rows, columns=columns, corner=(window.xstart, window.ystart))

    def inside(self, window: Window) -> np.ndarray:
        """Mark the pixels inside a window that they are `relative_to`."""
        return (self.rows >= 0) & (self.rows < window.ysize) & (self.columns >= 0) & (self.columns < window.xsize)

    def only(self, chosen: np.ndarray) -> "PersistenceWindows":
        """Return the pixels for which ``chosen`` is True."""
        return replace(self, rows=self.rows[chosen], columns=self.columns[chosen], ends=self.ends[chosen])

    def and_those_of(self, others: "PersistenceWindows") -> "PersistenceWindows":
        """Add further pixels, counted from the same corner."""
        return replace(
            self,
            rows=np.concatenate([self.rows, others.rows]),
            columns=np.concatenate([self.columns, others.columns]),
            ends=np.concatenate([self.ends, others.ends]),
        )

    def joined_with(self, path: Path) -> "PersistenceWindows":
        """Add the other detectors of an existing file."""
        others = {name: entry for name, entry in _tree(path).items() if name != self.detector}
        return replace(self, others=others)

    def save(self, path: str) -> str:
        """Write the file. Rows and columns count from the first pixel of the exposure or, if earlier, of a window."""
        import asdf

        first_row, first_column = (min(int(x.min(initial=0)), 0) for x in (self.rows, self.columns))
        xstart, ystart = self.corner or (1, 1)
        entry = {
            "filename": self.exposure,
            "rows": self.rows - first_row,
            "cols": self.columns - first_column,
            "vals": self.ends,
            "pers_time": self.seconds,
            "xstart": xstart + first_column,
            "ystart": ystart + first_row,
        }
        asdf.AsdfFile({**self.others, self.detector: entry}).write_to(path)
        return path


def read_windows(path: Path, detector: str) -> PersistenceWindows | None:
    """Read the windows of a detector from a file; None if the file does not name the detector.

    Raises
    ------
    InputError
        The file cannot be read, or its entry is not one of persistence windows.
    """
    entry = _tree(path).get(detector)
    if entry is None:
        return None
    missing = [key for key in _KEYS if not isinstance(entry, Mapping) or key not in entry]
    if missing:
        raise InputError(f"{path}: found no {', '.join(missing)} for {detector}; expected persistence windows")
    rows, columns = (np.asarray(entry[key], dtype=np.int64) for key in ("rows", "cols"))
    ends = np.asarray(entry["vals"], dtype=np.float64)
    if not rows.shape == columns.shape == ends.shape or rows.ndim != 1:
        shapes = f"{rows.shape}, {columns.shape} and {ends.shape}"
        raise InputError(f"{path}: found rows, cols and vals of shapes {shapes}; expected one shape")
    corner = (entry["xstart"], entry["ystart"]) if {"xstart", "ystart"} <= set(entry) else None
    return PersistenceWindows(detector, corner, rows, columns, ends, entry["pers_time"])


def _tree(path: Path) -> dict[str, Any]:
    import asdf

    try:
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            return {key: value for key, value in file.tree.items() if key not in ("asdf_library", "history")}
    except Exception as error:  # asdf and yaml raise a dozen unrelated classes for a damaged file
        raise InputError(f"{path}: cannot be read as an ASDF file ({first_line(error)})") from None
