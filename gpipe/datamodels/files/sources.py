"""Where an exposure comes from: a FITS file, an ASDF file or an open ``stdatamodels`` model.

Each source tells the same things: its name for messages, which model wrote it, the shape of its arrays, its metadata as
a ``stdatamodels`` model without pixels, and one array at a time in native byte order. Arrays carry the attribute names
of ``stdatamodels`` (``data``, ``groupdq``, …).
"""

import copy
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.files.warnings import complaints_logged, first_line
from gpipe.exceptions import InputError

EXTENSIONS = {
    "data": "SCI",
    "groupdq": "GROUPDQ",
    "pixeldq": "PIXELDQ",
    "zeroframe": "ZEROFRAME",
    "refout": "REFOUT",
    "average_dark_current": "AVDRKCUR",
    "dq": "DQ",
    "err": "ERR",
    "var_poisson": "VAR_POISSON",
    "var_rnoise": "VAR_RNOISE",
}
ALL = slice(None)
_DTYPES = {"groupdq": np.uint8, "pixeldq": np.uint32, "dq": np.uint32}


class Source(Protocol):
    """An exposure that has not been loaded yet."""

    name: str
    filename: str | None
    model_type: str | None
    reftype: str | None
    superstripes: int
    """Stripes that make up one integration; 0 where the readout is an ordinary one."""

    def shape(self, array: str) -> tuple[int, ...] | None:
        """Shape of an array, or None when there is none."""

    def header(self, model_class: type) -> Any:
        """Metadata and tables in a new model of this class, without pixels."""

    def read(self, array: str, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> np.ndarray:
        """An array that exists, in native byte order: DQ unsigned, everything else float32. It may be read-only.

        ``rows`` and ``columns`` are those of the detector, the last two axes; ``first`` is an index of the axes before.
        Several threads may read at once.
        """

    def load(self, array: str, backend: Backend, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> Array:
        """`read` onto a device."""


def find_source(source: Any) -> Source:
    """The kind of source that fits a path or an open model.

    Raises
    ------
    InputError
        Neither of them, or a file that does not exist or is neither FITS nor ASDF.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return AsdfSource(path) if _starts_with(path, b"#ASDF") else FitsSource(path)
    if hasattr(source, "get_crds_parameters") and hasattr(source, "instance"):
        return ModelSource(source)
    raise InputError(
        f"found {type(source).__module__}.{type(source).__qualname__} as input; "
        "expected a path, an open JWST data model or an exposure of gpipe"
    )


class FitsSource:
    """A FITS file of JWST; ``.fits.gz`` too."""

    def __init__(self, path: Path) -> None:
        from gpipe.datamodels.files.fits_reader import (
            FitsFile,  # pulls in astropy, which importing a step should not pay
        )

        self._file = FitsFile(path, InputError)
        self.name = str(path)
        self.filename: str | None = path.name
        self.model_type: str | None = self._file.primary.get("DATAMODL")
        self.reftype: str | None = self._file.primary.get("REFTYPE")
        self.superstripes = int(self._file.primary.get("SSTR_NST") or 0)

    def shape(self, array: str) -> tuple[int, ...] | None:
        extension = EXTENSIONS[array]
        return self._file.shape(extension) if self._file.has(extension) else None

    def header(self, model_class: type) -> Any:
        """Let ``stdatamodels`` read the file with its pixels left out.

        All headers, the tables, the ASDF extension and images that are not the exposure's are there; what
        ``stdatamodels`` does not know is kept in ``extra_fits`` as usual.
        """
        return _own(self._file.model_without_pixels(model_class, tuple(EXTENSIONS.values())), self.filename)

    def read(self, array: str, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> np.ndarray:
        return self._file.read(
            EXTENSIONS[array], _DTYPES.get(array, np.float32), first=first, rows=rows, columns=columns
        )

    def load(self, array: str, backend: Backend, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> Array:
        part = {"first": first, "rows": rows, "columns": columns}
        return self._file.load(EXTENSIONS[array], _DTYPES.get(array, np.float32), backend, **part)


class ModelSource:
    """An open ``stdatamodels`` model, which stays as it is."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.filename: str | None = model.meta.filename
        self.name: str = self.filename or f"open {type(model).__name__}"
        self.model_type: str | None = type(model).__name__
        self.reftype: str | None = getattr(model.meta, "reftype", None)
        self.superstripes = int(getattr(getattr(model.meta, "subarray", None), "num_superstripe", None) or 0)

    def shape(self, array: str) -> tuple[int, ...] | None:
        found = self._model.instance.get(array)
        return None if found is None or 0 in found.shape else tuple(found.shape)

    def header(self, model_class: type) -> Any:
        from gpipe.datamodels.files.metadata import new_model  # pulls in stdatamodels

        tree = {key: value for key, value in self._model.instance.items() if key not in EXTENSIONS}
        with complaints_logged(self.name):
            model = new_model(model_class, copy.deepcopy(tree))
        return _own(model, self.filename)

    def read(self, array: str, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> np.ndarray:
        """A read-only view where the model's array already has the right type: nobody can write into it from here."""
        found = np.asarray(self._model.instance[array])
        chosen = found if first is None else found[first]
        view = chosen[..., rows, columns].astype(_DTYPES.get(array, np.float32), copy=False).view()
        view.flags.writeable = False
        return view

    def load(self, array: str, backend: Backend, rows: slice = ALL, columns: slice = ALL, first: Any = None) -> Array:
        return backend.to_device(self.read(array, rows, columns, first))


class AsdfSource(ModelSource):
    """An ASDF file that ``stdatamodels`` wrote."""

    def __init__(self, path: Path) -> None:
        from stdatamodels.jwst import datamodels

        try:
            with complaints_logged(str(path)):
                model = datamodels.open(path)
        except Exception as error:  # asdf and yaml raise a dozen unrelated classes for a damaged file
            raise InputError(f"{path}: cannot be read as an ASDF data model ({first_line(error)})") from None
        super().__init__(model)
        self.name, self.filename = str(path), path.name


def _own(model: Any, filename: str | None) -> Any:
    for array in EXTENSIONS:
        model.instance.pop(array, None)
    if filename:
        model.meta.filename = filename
    return model


def _starts_with(path: Path, magic: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError:  # FITS is assumed, and tells what is wrong
        return False
