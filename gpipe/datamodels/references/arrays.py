"""The arrays of a reference, in a file or in an open model, behind one interface."""

from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.datamodels.files.warnings import complaints_logged, first_line
from gpipe.datamodels.references.dq_def import Translation
from gpipe.datamodels.references.types import TYPES, extension
from gpipe.exceptions import ReferenceFileError

# What gpipe must know about references, by path in the metadata tree; FITS files say it in the primary header.
FACTS = {
    "reftype": "REFTYPE",
    "telescope": "TELESCOP",
    "instrument.name": "INSTRUME",
    "subarray.xstart": "SUBSTRT1",
    "subarray.ystart": "SUBSTRT2",
    "subarray.xsize": "SUBSIZE1",
    "subarray.ysize": "SUBSIZE2",
    "exposure.nints": "NINTS",
    "exposure.ngroups": "NGROUPS",
    "exposure.nframes": "NFRAMES",
    "exposure.groupgap": "GROUPGAP",
    "exposure.average_dark_current": "AVDRKCUR",
    "exposure.gain_factor": "GAINFACT",
}


class ReferenceArrays(Protocol):
    """Arrays and facts of a reference; arrays have the attribute names of ``stdatamodels``, dotted where nested."""

    name: str
    label: str

    def has(self, array: str) -> bool:
        """Whether there is such an array or table."""

    def shape(self, array: str) -> tuple[int, ...]:
        """Shape of an array that exists."""

    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        """A part of an array that exists.

        ``dq`` is uint32 with JWST's bits, tables are structured, complex numbers stay such, all else is float32.
        """

    def load(self, array: str, backend: Backend, first: Any, rows: slice, columns: slice) -> Array:
        """`read` onto a device."""

    def fact(self, path: str) -> Any:
        """One of `FACTS`, None where it is not said."""

    def model(self) -> Any:
        """A ``stdatamodels`` model with the metadata."""


class FileArrays:
    """A FITS file, of which only the headers are read at once."""

    def __init__(self, path: Path, reftype: str) -> None:
        from gpipe.datamodels.files.fits_reader import (
            FitsFile,  # pulls in astropy, which importing a step should not pay
        )

        self._file, self._reftype = FitsFile(path, ReferenceFileError), reftype
        self.name, self.label = str(path.absolute()), str(path)

    def has(self, array: str) -> bool:
        return self._file.has(extension(array))

    def shape(self, array: str) -> tuple[int, ...]:
        return self._file.shape(extension(array))

    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        name = extension(array)
        if self._file.is_table(name):
            return self._file.table(name)
        dtype = np.uint32 if array == "dq" else np.float32
        pixels = self._file.read(name, dtype, first=first, rows=rows, columns=columns)
        if array == "dq" and self._file.is_table("DQ_DEF"):
            return self._translation(pixels)
        return pixels

    @cached_property
    def _translation(self) -> Translation:
        return Translation(self._file.table("DQ_DEF"), self.label)

    def load(self, array: str, backend: Backend, first: Any, rows: slice, columns: slice) -> Array:
        if array == "dq":
            return backend.to_device(self.read(array, first, rows, columns))
        part = {"first": first, "rows": rows, "columns": columns}
        return self._file.load(extension(array), np.float32, backend, **part)

    def fact(self, path: str) -> Any:
        return self._file.primary.get(FACTS[path])

    def model(self) -> Any:
        from stdatamodels.jwst import datamodels

        known = TYPES.get(self._reftype)
        return self._file.model_without_pixels(getattr(datamodels, known.model if known else "ReferenceFileModel"))


class ModelArrays:
    """An open model, whose flags ``stdatamodels`` has already translated. What is read from it cannot be written to."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.name = model.override_handle
        self.label = model.meta.filename or self.name

    def has(self, array: str) -> bool:
        return self._found(array) is not None

    def shape(self, array: str) -> tuple[int, ...]:
        return np.shape(self._found(array))

    def read(self, array: str, first: Any, rows: slice, columns: slice) -> np.ndarray:
        found = np.asarray(self._found(array))
        if found.dtype.names or np.iscomplexobj(found):
            return found
        if first is not None:
            found = found[first]
        view = found[..., rows, columns].astype(np.uint32 if array == "dq" else np.float32, copy=False).view()
        view.flags.writeable = False
        return view

    def load(self, array: str, backend: Backend, first: Any, rows: slice, columns: slice) -> Array:
        return backend.to_device(self.read(array, first, rows, columns))

    def fact(self, path: str) -> Any:
        node = self._model.meta
        for part in path.split("."):
            node = getattr(node, part, None)
        return node

    def model(self) -> Any:
        return self._model

    def _found(self, array: str) -> Any:
        node = self._model.instance
        for part in array.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return node


class AsdfArrays(ModelArrays):
    """An ASDF file, which is small and read at once."""

    def __init__(self, path: Path) -> None:
        from gpipe.datamodels.files.core_asdf import suited_to_text

        try:
            with complaints_logged(str(path)), suited_to_text(path.read_bytes()):
                model = model_class("ReferenceFileModel")(path)
        except Exception as error:  # asdf and yaml raise a dozen unrelated classes for a damaged file
            raise ReferenceFileError(f"{path}: cannot be read as an ASDF data model ({first_line(error)})") from None
        super().__init__(model)
        self.name, self.label = str(path.absolute()), str(path)
