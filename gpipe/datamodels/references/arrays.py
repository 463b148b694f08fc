"""Arrays and facts of a reference, in a file or in an open model."""

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


class ReferenceArrays(ArraySource, Protocol):
    """Arrays of a reference: ``dq`` is uint32 with JWST's bits, complex numbers stay such, all else is float32.

    Attributes
    ----------
    name : the absolute path, or a handle of the model, for headers.
    label : the path as it was given, for messages.
    """

    label: str

    def fact(self, path: str) -> Any:
        """One of `FACTS`, None where it is not said."""

    def model(self) -> Any:
        """A ``stdatamodels`` model with the metadata."""


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
        found = super().read(array, first, rows, columns)
        return self._translation(found) if array == "dq" and self.file.is_table("DQ_DEF") else found

    @cached_property
    def _translation(self) -> Translation:
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
        from gpipe.datamodels.files.core_asdf import suited_to_text

        try:
            with complaints_logged(str(path)), suited_to_text(path.read_bytes()):
                model = model_class("ReferenceFileModel")(path)
        except Exception as error:  # asdf and yaml raise a dozen unrelated classes for a damaged file
            raise ReferenceFileError(f"{path}: cannot be read as an ASDF data model ({first_line(error)})") from None
        super().__init__(model)
        self.name, self.label = str(path.absolute()), str(path)
