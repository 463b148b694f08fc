"""Reference files: only what a step asks for is read, and only the part of the detector that the exposure covers."""

import logging
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.datamodels.fitsfile import FitsFile
from gpipe.datamodels.flags import translate
from gpipe.datamodels.ramp import InFlight
from gpipe.datamodels.window import Window, full_frame
from gpipe.exceptions import ReferenceFileError

log = logging.getLogger(__name__)

# Attribute names of stdatamodels and the extensions that hold them; others are the name in capitals.
EXTENSIONS = {
    "data": "SCI",
    "average_dark_current": "AVDRKCUR",
    "dark_rate": "DRK",
    "dark_rate_unc": "UNC",
    "irs2_table": "IRS2",
}
_MODELS = {
    "dark": "DarkModel",
    "gain": "GainModel",
    "linearity": "LinearityModel",
    "mask": "MaskModel",
    "readnoise": "ReadnoiseModel",
    "saturation": "SaturationModel",
    "superbias": "SuperBiasModel",
    "ipc": "IPCModel",
}
_DETECTOR_ARRAYS = ("data", "coeffs", "dq")
_FACTS = {
    "reftype": "REFTYPE",
    "telescope": "TELESCOP",
    "instrument.name": "INSTRUME",
    "subarray.xstart": "SUBSTRT1",
    "subarray.ystart": "SUBSTRT2",
    "subarray.xsize": "SUBSIZE1",
    "subarray.ysize": "SUBSIZE2",
}


class Reference:
    """A reference of CRDS, or a user's own.

    Parameters
    ----------
    reftype : what it is used as, ``"superbias"``.
    source : path of a FITS file, or an open ``stdatamodels`` model, which is never written to.
    name : what the product's header records; by default the absolute path, or ``override://ClassName``.

    Raises
    ------
    ReferenceFileError
        The file is missing, damaged or not FITS.
    """

    def __init__(self, reftype: str, source: Any, name: str | None = None) -> None:
        self.reftype = reftype
        self._arrays: _Arrays
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            self._arrays = _FileArrays(path, reftype)
            self.name, self._label = name or str(path.absolute()), str(path)
        else:
            self._arrays = _ModelArrays(source)
            self.name = name or source.override_handle
            self._label = source.meta.filename or self.name

    def __repr__(self) -> str:
        return f"<Reference {self.reftype} {self.name}>"

    @cached_property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree; read when first asked for."""
        return self._arrays.model().meta

    @cached_property
    def window(self) -> Window:
        """The part of the detector that the reference covers.

        A full-frame array needs no keywords. Sizes in the header that contradict the array are ignored, with a warning;
        NIRSpec IRS2 frames have 3200 rows for a window of 2048.
        """
        rows, columns = self.shape(self._detector_array())[-2:]
        corners = [self._arrays.fact(f"subarray.{key}") for key in ("xstart", "ystart", "xsize", "ysize")]
        if any(value is None for value in corners):
            detector = full_frame(str(self._arrays.fact("instrument.name") or "")) or full_frame("NIRCAM")
            if detector is not None and (detector.ysize, detector.xsize) == (rows, columns):
                return detector
            raise self._error(
                f"found no subarray keywords for {rows} rows and {columns} columns", "SUBSTRT1 … SUBSIZE2"
            )
        xstart, ystart, xsize, ysize = (int(value) for value in corners)
        if min(xstart, ystart) < 1:
            raise self._error(f"found corner SUBSTRT1={xstart}, SUBSTRT2={ystart}", "1 or more")
        interleaved = (ysize, rows) == (2048, 3200)
        if xsize != columns or (ysize != rows and not interleaved):
            log.warning(
                "%s: the header says %d columns and %d rows, the array has %d and %d; the array counts",
                *(self._label, xsize, ysize, columns, rows),
            )
            xsize, ysize = columns, rows
        return Window(xstart, ystart, xsize, ysize)

    def has(self, array: str) -> bool:
        """Whether the reference holds this array or table."""
        return self._arrays.has(array)

    def shape(self, array: str) -> tuple[int, ...]:
        """Shape of an array, without reading it."""
        self._require(array)
        return self._arrays.shape(array)

    def read(self, array: str, *, window: Window | None = None, first: Any = None) -> np.ndarray:
        """Read an array, or a part of it, in native byte order.

        Parameters
        ----------
        array : attribute name of ``stdatamodels``: ``data``, ``dq``, ``err``, ``coeffs``, ``average_dark_current``, …
        window : cut the last two axes to this part of the detector; None takes them whole.
        first : index of the axes before the last two (integer, slice or tuple); only what it selects is read.

        Returns
        -------
        uint32 for ``dq``, in JWST's bit values (the file's own through its DQ_DEF table; zeros when it has none);
        a structured array for a table; float32 for everything else. It may be read-only.

        Raises
        ------
        ReferenceFileError
            No such array, or it does not cover the window.
        """
        if array == "dq" and not self.has("dq"):
            return self._no_flags(window, first)
        self._require(array)
        if window is None:
            return self._arrays.read(array, first, slice(None), slice(None))
        return self._arrays.read(array, first, *self._slices(window))

    def plane(self, array: str, exposure: InFlight, *, first: Any = None) -> Array:
        """`read`, cut to the exposure's window and brought to its device."""
        return exposure.backend.to_device(self.read(array, window=exposure.window, first=first))

    def check(self, meta: Any) -> None:
        """Refuse a reference of another type, telescope or instrument, or one that does not cover the exposure.

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
                raise self._error(f"found {_FACTS[fact]} = {found}", str(value))
        if self._covers_detector():
            subarray = meta.subarray
            self._slices(Window(subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize))

    def _slices(self, window: Window) -> tuple[slice, slice]:
        if window == self.window:  # whatever the rows: interleaved frames have more of them than the window says
            return slice(None), slice(None)
        if not window.inside(self.window):
            raise self._error(f"found {self.window}", f"a reference that covers {window}")
        return window.slices_in(self.window)

    def _no_flags(self, window: Window | None, first: Any) -> np.ndarray:
        shape = self.shape(self._detector_array())
        rows, columns = (slice(None), slice(None)) if window is None else self._slices(window)
        leading = np.broadcast_to(np.uint32(0), shape[:-2])[() if first is None else first].shape
        plane = np.broadcast_to(np.uint32(0), shape[-2:])[rows, columns].shape
        return np.zeros((*leading, *plane), dtype=np.uint32)

    def _detector_array(self) -> str:
        for array in _DETECTOR_ARRAYS:
            if self.has(array):
                return array
        raise self._error("found no pixels", "one of " + ", ".join(_DETECTOR_ARRAYS))

    def _covers_detector(self) -> bool:
        """A kernel (IPC with two axes) and tables cover no part of the detector."""
        images = [array for array in _DETECTOR_ARRAYS if self.has(array)]
        return bool(images) and not (self.reftype == "ipc" and len(self.shape("data")) == 2)

    def _require(self, array: str) -> None:
        if not self.has(array):
            raise self._error(
                f"found no array {array}", f"one ({EXTENSIONS.get(array, array.upper())}) in a {self.reftype}"
            )

    def _error(self, found: str, expected: str) -> ReferenceFileError:
        return ReferenceFileError(f"{self.reftype} reference {self._label}: {found}; expected {expected}")


class _Arrays(Protocol):
    def has(self, array: str) -> bool: ...
    def shape(self, array: str) -> tuple[int, ...]: ...
    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray: ...
    def fact(self, name: str) -> Any: ...
    def model(self) -> Any: ...


class _FileArrays:
    def __init__(self, path: Path, reftype: str) -> None:
        self._file, self._reftype = FitsFile(path, ReferenceFileError), reftype

    def has(self, array: str) -> bool:
        return self._file.has(_extension(array))

    def shape(self, array: str) -> tuple[int, ...]:
        return self._file.shape(_extension(array))

    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        extension = _extension(array)
        if self._file.is_table(extension):
            return self._file.table(extension)
        dtype = np.uint32 if array == "dq" else np.float32
        pixels = self._file.read(extension, dtype, first=first, rows=rows, columns=columns)
        if array == "dq" and self._file.has("DQ_DEF"):
            return translate(pixels, self._file.table("DQ_DEF"), str(self._file.path))
        return pixels

    def fact(self, name: str) -> Any:
        return self._file.primary.get(_FACTS[name])

    def model(self) -> Any:
        from stdatamodels.jwst import datamodels

        return self._file.model_without_pixels(getattr(datamodels, _MODELS.get(self._reftype, "ReferenceFileModel")))


class _ModelArrays:
    """An open model: ``stdatamodels`` has already translated its flags."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def has(self, array: str) -> bool:
        return self._model.instance.get(array) is not None

    def shape(self, array: str) -> tuple[int, ...]:
        return tuple(self._model.instance[array].shape)

    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        found = np.asarray(self._model.instance[array])
        if found.dtype.names:
            return found
        leading = first if isinstance(first, tuple) else (slice(None) if first is None else first,)
        index = (*leading, ..., rows, columns) if found.ndim > 2 else (rows, columns)
        view = found[index].astype(np.uint32 if array == "dq" else np.float32, copy=False).view()
        view.flags.writeable = False
        return view

    def fact(self, name: str) -> Any:
        node = self._model.meta
        for part in name.split("."):
            node = getattr(node, part, None)
        return node

    def model(self) -> Any:
        return self._model


def _extension(array: str) -> str:
    return EXTENSIONS.get(array, array.upper())
