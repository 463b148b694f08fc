"""Sources of exposures: a FITS file, an ASDF file or an open ``stdatamodels`` model.

Each source tells the same things: its name for messages, which model wrote it, its metadata as a ``stdatamodels`` model
without pixels, and one array at a time.
"""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.datamodels.files.array_source import ArraySource, FitsArrays, ModelArrays
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
_DTYPES = {"groupdq": np.uint8, "pixeldq": np.uint32, "dq": np.uint32}


def dtype_of(array: str) -> Any:
    """The type of an exposure's array: DQ unsigned, everything else float32."""
    return _DTYPES.get(array, np.float32)


class Source(ArraySource, Protocol):
    """An exposure that has not been loaded yet."""

    filename: str | None
    model_type: str | None
    reftype: str | None
    superstripes: int
    """Stripes that make up one integration; 0 where the readout is an ordinary one."""

    def header(self, model_class: type) -> Any:
        """Metadata and tables in a new model of this class, without pixels."""


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


class FitsSource(FitsArrays):
    """A FITS file of JWST; ``.fits.gz`` too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, InputError, extension=EXTENSIONS.__getitem__, dtype=dtype_of)
        primary = self.file.primary
        self.filename: str | None = path.name
        self.model_type: str | None = primary.get("DATAMODL")
        self.reftype: str | None = primary.get("REFTYPE")
        self.superstripes = int(primary.get("SSTR_NST") or 0)

    def header(self, model_class: type) -> Any:
        """Let ``stdatamodels`` read the file with its pixels left out.

        All headers, the tables, the ASDF extension and images that are not the exposure's are there; what
        ``stdatamodels`` does not know is kept in ``extra_fits`` as usual.
        """
        return _own(self.file.model_without_pixels(model_class, tuple(EXTENSIONS.values())), self.filename)


class ModelSource(ModelArrays):
    """An open ``stdatamodels`` model, which stays as it is."""

    def __init__(self, model: Any) -> None:
        self.filename: str | None = model.meta.filename
        super().__init__(model, self.filename or f"open {type(model).__name__}", dtype_of)
        self.model_type: str | None = type(model).__name__
        self.reftype: str | None = getattr(model.meta, "reftype", None)
        self.superstripes = int(getattr(getattr(model.meta, "subarray", None), "num_superstripe", None) or 0)

    def has(self, array: str) -> bool:
        """Whether there is such an array; models stand for none by an empty one."""
        return super().has(array) and 0 not in self.shape(array)

    def header(self, model_class: type) -> Any:
        from gpipe.datamodels.files.metadata import new_model  # pulls in stdatamodels

        with complaints_logged(self.name):
            model = new_model(model_class, self.without(tuple(EXTENSIONS)))
        return _own(model, self.filename)


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
