"""Arrays and facts of a reference, in a file or in an open model."""

import io
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.planes import ALL
from gpipe.datamodels.files.array_source import ArraySource, FitsArrays, ModelArrays
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.datamodels.files.warnings import complaints_logged, first_line
from gpipe.datamodels.references.dq_def import Translation
from gpipe.datamodels.references.types import TYPES, extension
from gpipe.exceptions import ReferenceFileError
from gpipe.forks import cached_property
from gpipe.user_files import RegularFile

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
    "photometry.pixelarea_steradians": "PIXAR_SR",
    "photometry.pixelarea_arcsecsq": "PIXAR_A2",
}


class ReferenceArrays(ArraySource, Protocol):
    """Arrays of a reference: ``dq`` is uint32 with JWST's bits, complex numbers stay such, all else is float32.

    Attributes
    ----------
    name : the absolute path, or a handle of the model, for headers.
    label : the path as it was given, for messages.
    """

    label: str

    def dtype(self, array: str) -> np.dtype:
        """Type of the values of an array that exists, as they are stored."""

    def columns(self, table: str) -> tuple[int, dict[str, np.dtype]] | None:
        """Rows of a table that exists, and types of its columns by their names in small letters; None if it is none."""

    def check_flags(self) -> None:
        """Refuse flags, or definitions of flags, that cannot be translated."""

    def fact(self, path: str) -> Any:
        """One of `FACTS`, None where it is not said."""

    def model(self) -> Any:
        """A ``stdatamodels`` model with the metadata."""


_FLAG_BYTES = 4


def with_small_letters(table: np.ndarray) -> np.ndarray:
    """A table with the names of its columns in small letters, as FITS knows no case; other arrays as they are."""
    found = table.dtype.fields
    if found is None:
        return table
    fields = {name: found[name] for name in table.dtype.names or ()}
    layout: Any = {
        "names": [name.lower() for name in fields],
        "formats": [field[0] for field in fields.values()],
        "offsets": [field[1] for field in fields.values()],
        "itemsize": table.dtype.itemsize,
    }
    return table.view(np.dtype(layout))


def dtype_of(array: str) -> Any:
    """The type of a reference's array."""
    return np.uint32 if array == "dq" else np.float32


class ReferenceFile(FitsArrays):
    """A FITS file, of which only the headers are read at once."""

    _extension, _dtype = staticmethod(extension), staticmethod(dtype_of)

    def __init__(self, path: Path, reftype: str) -> None:
        super().__init__(path, ReferenceFileError)
        self._reftype, self.name, self.label = reftype, str(path.absolute()), str(path)

    def read(self, array: str, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> np.ndarray:
        if array == "dq":
            found = self._flags(first, rows, columns)
            return found if self._translation is None else self._translation(found)
        return with_small_letters(super().read(array, first, rows, columns))

    def dtype(self, array: str) -> np.dtype:
        return self.file.dtype(self._extension(array))

    def columns(self, table: str) -> tuple[int, dict[str, np.dtype]] | None:
        return self.file.columns(self._extension(table)) if self.file.is_table(self._extension(table)) else None

    def check_flags(self) -> None:
        if self.has("dq") and self._translation is None and self.dtype("dq").itemsize > _FLAG_BYTES:
            self.read("dq")  # as all others are, or must not be, this is rare

    def _flags(self, first: Any, rows: slice, columns: slice) -> np.ndarray:
        """Flags as they are stored; wider integers are those of programs that do not care."""
        name = self._extension("dq")
        wide = self.file.dtype(name).itemsize > _FLAG_BYTES
        found = self.file.read(name, np.uint64 if wide else np.uint32, first=first, rows=rows, columns=columns)
        if wide and (found > np.uint64(0xFFFFFFFF)).any():
            raise ReferenceFileError(f"{self.label}: found dq of more than 32 bits; expected 32")
        return found.astype(np.uint32, copy=False)

    @cached_property
    def _translation(self) -> Translation | None:
        """Translation of the file's own flags; None where they are those of JWST."""
        if not self.file.has("DQ_DEF"):
            return None
        if not self.file.is_table("DQ_DEF"):
            raise ReferenceFileError(f"{self.label}: found an image DQ_DEF; expected a table")
        return Translation(self.file.table("DQ_DEF"), self.label)

    def load(self, array: str, backend: Backend, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> Array:
        if array == "dq":  # flags are translated on the host
            return backend.to_device(self.read(array, first, rows, columns))
        return super().load(array, backend, first, rows, columns)

    def fact(self, path: str) -> Any:
        return self.file.keyword(FACTS[path])

    def model(self) -> Any:
        from stdatamodels.jwst import datamodels

        known = TYPES.get(self._reftype)
        return self.file.model_without_pixels(getattr(datamodels, known.model if known else "ReferenceFileModel"))


class ReferenceModel(ModelArrays):
    """An open model, whose flags ``stdatamodels`` has already translated."""

    _dtype = staticmethod(dtype_of)

    def __init__(self, model: Any) -> None:
        super().__init__(model, model.override_handle)
        self.label = model.meta.filename or self.name

    def read(self, array: str, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> np.ndarray:
        return with_small_letters(super().read(array, first, rows, columns))

    def dtype(self, array: str) -> np.dtype:
        return np.asarray(self._found(array)).dtype

    def columns(self, table: str) -> tuple[int, dict[str, np.dtype]] | None:
        found = with_small_letters(np.asarray(self._found(table)))
        return (len(found), {name: found.dtype[name] for name in found.dtype.names}) if found.dtype.names else None

    def check_flags(self) -> None:
        """Do nothing: ``stdatamodels`` has translated them."""

    def fact(self, path: str) -> Any:
        node = self._model.meta
        for key in path.split("."):
            node = getattr(node, key, None)
        return node

    def model(self) -> Any:
        return self._model


class ReferenceAsdf(ReferenceModel):
    """An ASDF file, which is small and read at once."""

    def __init__(self, path: Path) -> None:
        from gpipe.datamodels.files.core_asdf import asdf, suited_to_text

        try:
            with RegularFile(path).reader() as file:
                content = file.read()
            with complaints_logged(str(path)), suited_to_text(content):
                # From memory: what happens to the file from now on changes nothing.
                opened = asdf.open(io.BytesIO(content), lazy_load=False, memmap=False)
                model = model_class("ReferenceFileModel")(opened)
        except Exception as error:  # asdf and yaml raise a dozen unrelated classes for a damaged file
            raise ReferenceFileError(f"{path}: cannot be read as an ASDF data model ({first_line(error)})") from None
        super().__init__(model)
        self.name, self.label = str(path.absolute()), str(path)
