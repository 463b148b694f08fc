"""Sources of exposures: a FITS file, an ASDF file or an open ``stdatamodels`` model.

Each source tells the same things: its name for messages, which model wrote it, its metadata as a ``stdatamodels`` model
without pixels, and one array at a time.
"""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import extension
from gpipe.datamodels.files.array_source import ArraySource, FitsArrays, ModelArrays
from gpipe.datamodels.files.warnings import complaints_logged, first_line
from gpipe.exceptions import InputError


class Source(ArraySource, Protocol):
    """An exposure that has not been loaded yet."""

    filename: str | None
    model_type: str | None
    reftype: str | None
    superstripes: int
    """Stripes that make up one integration; 0 where the readout is an ordinary one."""
    kind: type[Exposure]
    """The kind of exposure, which says what its arrays are; `Exposure` until that is known."""

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
        super().__init__(path, InputError)
        self.kind: type[Exposure] = Exposure
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
        left_out = tuple(self._extension(array) for array in _pixels(self.kind))
        return _own(self.file.model_without_pixels(model_class, left_out), self.kind, self.filename)

    def _extension(self, array: str) -> str:
        return extension(self.kind.planes, array)

    def _dtype(self, array: str) -> Any:
        return np.dtype(self.kind.planes[array].dtype)


class ModelSource(ModelArrays):
    """An open ``stdatamodels`` model, which stays as it is."""

    def __init__(self, model: Any) -> None:
        self.filename: str | None = model.meta.filename
        self.kind: type[Exposure] = Exposure
        super().__init__(model, self.filename or f"open {type(model).__name__}")
        self.model_type: str | None = type(model).__name__
        self.reftype: str | None = getattr(model.meta, "reftype", None)
        self.superstripes = int(getattr(getattr(model.meta, "subarray", None), "num_superstripe", None) or 0)

    def has(self, array: str) -> bool:
        """Tell whether there is such an array; models stand for none by an empty one."""
        return super().has(array) and 0 not in self.shape(array)

    def header(self, model_class: type) -> Any:
        from gpipe.datamodels.files.metadata import new_model  # pulls in stdatamodels

        with complaints_logged(self.name):
            model = new_model(model_class, self.without(_pixels(self.kind)))
        return _own(model, self.kind, self.filename)

    def _dtype(self, array: str) -> Any:
        return np.dtype(self.kind.planes[array].dtype)


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


def _pixels(kind: type[Exposure]) -> tuple[str, ...]:
    return (*kind.planes, *kind.unread)


def _own(model: Any, kind: type[Exposure], filename: str | None) -> Any:
    for array in _pixels(kind):
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
