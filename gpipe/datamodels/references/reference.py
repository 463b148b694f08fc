"""Reference files: only what a step asks for is read, and only the part of the detector that the exposure covers."""

import logging
import os
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.arrays.interleaved import FRAME_ROWS
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.ramp import Ramp
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import StripedWindow, Window, full_frame
from gpipe.datamodels.references import plane_cache
from gpipe.datamodels.references.arrays import FACTS, ReferenceArrays, ReferenceAsdf, ReferenceFile, ReferenceModel
from gpipe.datamodels.references.checks import problems, reference_error
from gpipe.datamodels.references.types import NUMBERS, TYPES, extension
from gpipe.exceptions import ReferenceFileError
from gpipe.forks import cached_property

log = logging.getLogger(__name__)


class Reference:
    """A reference of CRDS, or a user's own.

    Parameters
    ----------
    reftype : what it is used as, ``"superbias"``.
    source : path of a FITS or ASDF file, or an open ``stdatamodels`` model, which is never written to.
    name : what the product's header records; by default the absolute path, or ``override://ClassName``.

    Raises
    ------
    ReferenceFileError
        The file is missing, damaged or neither FITS nor ASDF.
    """

    def __init__(self, reftype: str, source: Any, name: str | None = None) -> None:
        self._arrays = _arrays_of(source, reftype)
        self._type = TYPES.get(reftype)
        self._primary = self._type.primary if self._type else "data"
        self.reftype = reftype
        self.name = name or self._arrays.name
        self.is_used_again = False
        """Whether another exposure has used it before: what is read for one only need not stay in memory."""

    @property
    def path(self) -> Path | None:
        """The file; None for an open model."""
        return None if type(self._arrays) is ReferenceModel else Path(self._arrays.label)

    def __repr__(self) -> str:
        return f"<Reference {self.reftype} {self.name}>"

    @cached_property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree; read when first asked for."""
        return self.model.meta

    @cached_property
    def model(self) -> Any:
        """The ``stdatamodels`` model, for references that are no planes of pixels; without the arrays of FITS files."""
        return self._arrays.model()

    @property
    def tree(self) -> Mapping[str, Any]:
        """The contents of a reference in ASDF, such as transforms. Exposures share them: they are not to be changed."""
        return self.model.instance

    @cached_property
    def window(self) -> Window:
        """The part of the detector that the reference covers.

        A full-frame array needs no keywords. Sizes in the header that contradict the array are ignored, with a warning;
        NIRSpec IRS2 frames have 3200 rows for a window of 2048.
        """
        rows, columns = self.shape(self._primary)[-2:]
        corners = [self.number(f"subarray.{key}") for key in ("xstart", "ystart", "xsize", "ysize")]
        if any(value is None for value in corners):
            return self._whole_detector(rows, columns)
        xstart, ystart, xsize, ysize = (int(value) for value in corners)
        if min(xstart, ystart) < 1:
            raise self._error(f"found the corner SUBSTRT1={xstart}, SUBSTRT2={ystart}", "1 or more")
        interleaved = (ysize, rows) == (DETECTOR_SIZE, FRAME_ROWS)
        if xsize != columns or (ysize != rows and not interleaved):
            said = (xsize, ysize, columns, rows)
            log.warning(
                "%s: SUBSIZE1=%d, SUBSIZE2=%d, but the array has %d columns, %d rows", self._arrays.label, *said
            )
            xsize, ysize = columns, rows
        return Window(xstart, ystart, xsize, ysize)

    def has(self, array: str) -> bool:
        """Tell whether the reference holds an array or table."""
        return self._arrays.has(array)

    def columns(self, array: str) -> tuple[int, dict[str, np.dtype]]:
        """Number of rows of a table, and type of each column by its name in small letters, without reading it."""
        self._require(array)
        if (found := self._arrays.columns(array)) is None:
            raise self._error(f"found {array}, which has no columns", f"a table (extension {extension(array)})")
        return found

    def shape(self, array: str) -> tuple[int, ...]:
        """Shape of an array, without reading it."""
        self._require(array)
        return self._arrays.shape(array)

    def number(self, path: str) -> Any:
        """A number of the metadata, one of `NUMBERS`; None where it is not said. No model is made for it.

        Raises
        ------
        ReferenceFileError
            It is something else, a fraction where it should be whole, or too small.
        """
        value = self._arrays.fact(path)
        if (expected := NUMBERS[path].refuses(value)) is not None:
            raise self._error(f"found {FACTS[path]} = {value!r}", expected)
        return int(value) if value is not None and NUMBERS[path].whole else value

    def read(self, array: str, *, window: Window | None = None, first: Any = None) -> np.ndarray:
        """Read an array, or a part of it, in native byte order.

        Parameters
        ----------
        array : attribute name of ``stdatamodels``: ``data``, ``dq``, ``err``, ``coeffs``, ``average_dark_current``, …;
            dotted where nested (``nrca1.gamma``).
        window : cut the last two axes to this part of the detector; None takes them whole.
        first : index of the axes before the last two (integer, slice or tuple); only what it selects is read.

        Returns
        -------
        uint32 for ``dq``, in JWST's bit values (the file's own through its DQ_DEF table; zeros, (row, column), when it
        has no flags); a structured array for a table, with names in small letters; complex numbers as they are; float32
        for everything else. It may be read-only.

        Raises
        ------
        ReferenceFileError
            No such array, or it does not cover the window.
        """
        rows, columns = (slice(None), slice(None)) if window is None else self._slices(window)
        found = self._read(array, first, rows, columns)
        return window.arrange(found) if isinstance(window, StripedWindow) and not self._is_packed(window) else found

    def _read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        if array == "dq" and not self.has("dq"):
            return np.zeros(self.shape(self._primary)[-2:], dtype=np.uint32)[rows, columns]
        self._require(array)
        return self._arrays.read(array, first, rows, columns)

    def plane(self, array: str, exposure: Exposure, *, first: Any = None) -> Array:
        """`load`, or what an earlier exposure has loaded."""
        return self.cached((array, repr(first)), exposure, lambda: self.load(array, exposure, first=first))

    def cached(self, name: Hashable, exposure: Exposure, make: Callable[[], Array]) -> Array:
        """Return the result of ``make`` for the exposure's window, from the cache if an earlier exposure had the same.

        Parameters
        ----------
        name : of what is made of the reference, and of nothing else.
        """
        backend = exposure.backend
        if backend.name == "numpy" and not self.is_used_again:
            return make()
        return plane_cache.cached((self, name, exposure.window, backend.name), backend, make)

    def load(self, array: str, exposure: Exposure, *, first: Any = None) -> Array:
        """`read`, cut to the exposure's window and brought to its device.

        Raises
        ------
        ReferenceFileError
            As `read`; or one of exposure and reference has the reference pixels of NIRSpec IRS2 readout, the other not.
        """
        rows = self.shape(array if self.has(array) else self._primary)[-2]
        expected = FRAME_ROWS if exposure.is_interleaved else exposure.data.shape[-2]
        if FRAME_ROWS in (rows, expected) and rows != expected:
            reason = f"as in the exposure (IRS2 readout has {FRAME_ROWS} until refpix)"
            raise self._error(f"found {rows} rows", f"{expected} {reason}")
        window, backend = exposure.window, exposure.backend
        # What must be arranged or made up is so on the host.
        if isinstance(window, StripedWindow):
            return backend.to_device(self.read(array, window=window, first=first))
        here = self._here(exposure)
        if not self.has(array):
            return backend.to_device(self._read(array, first, *here))
        return self._arrays.load(array, backend, first, *here)

    def check(self, meta: Any) -> None:
        """Refuse a reference of another type, telescope or instrument, with arrays, flags or numbers that no such
        reference has, or that does not cover the exposure.

        Parameters
        ----------
        meta : metadata of the exposure. Facts that the reference does not state are not checked.

        Raises
        ------
        ReferenceFileError
            One line with the file, what was found and what was expected.
        """
        expected = {"reftype": self.reftype, "telescope": "JWST", "instrument.name": meta.instrument.name}
        for fact, value in expected.items():
            found = self._arrays.fact(fact)
            if found and str(found).strip().upper() != str(value).strip().upper():
                raise self._error(f"found {FACTS[fact]} = {found}", str(value))
        if self._type is not None:
            self._require(self._primary)
            for problem in problems(self._arrays, self._type):
                raise self._error(*problem)
            self._arrays.check_flags()
        if self._covers_detector() and not (self._type and self._type.may_be_smaller and self.is_smaller(meta)):
            self._slices(window_of(meta))

    def is_smaller(self, meta: Any) -> bool:
        """Tell whether the array has fewer rows, or fewer columns, than an exposure."""
        rows, columns = self.shape(self._primary)[-2:]
        return bool(rows < meta.subarray.ysize or columns < meta.subarray.xsize)

    def _whole_detector(self, rows: int, columns: int) -> Window:
        detector = full_frame(str(self._arrays.fact("instrument.name") or "NIRCAM"))
        if detector is None or (detector.ysize, detector.xsize) != (rows, columns):
            found = f"found no SUBSTRT1, SUBSTRT2, SUBSIZE1, SUBSIZE2 for {columns} columns and {rows} rows"
            raise self._error(found, "them, or a full frame")
        return detector

    def _here(self, exposure: Exposure) -> tuple[slice, slice]:
        """The pixels of an exposure: no window tells the rows of interleaved frames, which the reference has, too."""
        if isinstance(exposure, Ramp) and exposure.of_interleaved:
            return exposure.rows or slice(None), exposure.columns or slice(None)
        return self._slices(exposure.window)

    def _slices(self, window: Window) -> tuple[slice, slice]:
        # Whatever the rows: interleaved frames have more of them than the window says.
        if window == self.window or self._is_packed(window):
            return slice(None), slice(None)
        if not window.inside(self.window):
            raise self._error(f"found {self.window}", f"a reference that covers {window}")
        return window.slices_in(self.window)

    def _is_packed(self, window: Window) -> bool:
        """Tell whether the reference was made for the stripes themselves."""
        return isinstance(window, StripedWindow) and window.packed == self.window

    def _covers_detector(self) -> bool:
        """Tables and a single IPC kernel cover no part of the detector."""
        return self._type is not None and not (self.reftype == "ipc" and len(self.shape("data")) == 2)

    def _require(self, array: str) -> None:
        if not self.has(array):
            raise self._error(f"found no array {array}", f"one (extension {extension(array)})")

    def _error(self, found: str, expected: str) -> ReferenceFileError:
        return reference_error(self.reftype, self._arrays.label, found, expected)


def _arrays_of(source: Any, reftype: str) -> ReferenceArrays:
    if not isinstance(source, (str, os.PathLike)):
        return ReferenceModel(source)
    path = Path(source)
    return ReferenceAsdf(path) if path.suffix == ".asdf" else ReferenceFile(path, reftype)
