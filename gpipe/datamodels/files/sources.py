"""Sources of exposures: a FITS file, an ASDF file or an open ``stdatamodels`` model.

Each source tells the same things: its name for messages, which model wrote it, its metadata as a ``stdatamodels`` model
without pixels, and one array at a time.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import extension
from gpipe.datamodels.files.array_source import ArraySource, FitsArrays, ModelArrays
from gpipe.datamodels.files.damage import DamageError
from gpipe.datamodels.files.jwst_models import PACKAGE, model_class
from gpipe.datamodels.files.warnings import complaints_logged, first_line, one_thread_at_a_time
from gpipe.exceptions import GpipeError, InputError
from gpipe.user_files import RegularFile, expanded

_CALIBRATED = {"assign_wcs": "S_WCS", "flat_field": "S_FLAT", "photom": "S_PHOTOM"}
"""Places in ``meta.cal_step`` of the steps that make images of rates, and their keywords."""
_OF_IMAGES = ("var_flat", "area")
_FORMS: dict[str, type] = {"meta": dict, "extra_fits": dict, "cal_logs": dict, "history": list}
"""Forms of what an ASDF data model holds beside arrays; all may be mappings."""


class Source(ArraySource, Protocol):
    """An exposure that has not been loaded yet."""

    filename: str | None
    model_type: str | None
    reftype: str | None
    superstripes: int
    """Stripes that make up one integration; 0 where the readout is an ordinary one."""
    in_memory: int
    """Bytes of arrays of the source that are in memory all the time, beside those that the caller holds anyway."""
    is_open: bool
    """True for a model that the caller holds, and may have changed."""
    is_calibrated: bool
    """Whether a step of the second stage has worked on the exposure: it has a WCS, or arrays that only they make."""
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

    Notes
    -----
    ``~`` and ``$VAR`` are expanded, as in all paths that a user gives.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(expanded(source))
        if "\0" in str(path):
            raise InputError(f"found NUL in the path {str(path)!r}; expected the path of a file")
        return AsdfSource(path) if _starts_with(path, b"#ASDF") else FitsSource(path)
    if hasattr(source, "get_crds_parameters") and hasattr(source, "instance"):
        return ModelSource(source)
    raise InputError(
        f"found {type(source).__module__}.{type(source).__qualname__} as input; "
        "expected a path, an open JWST data model or an exposure of gpipe"
    )


def primary_keyword(path: Path, name: str) -> str | None:
    """Read a keyword of the primary header of a product that no schema knows; in ASDF files it stands for itself.

    InputError: the file is missing, truncated or damaged.
    """
    from gpipe.datamodels.files.fits_reader import FitsFile  # pulls in astropy

    if not _starts_with(path, b"#ASDF"):
        found = FitsFile(path, InputError).keyword(name)
    else:
        with _told_of(path):
            tree, _ = _checked_tree(RegularFile(path))
            cards = tree.get("extra_fits", {}).get("PRIMARY", {}).get("header", [])
            found = {card[0]: card[1] for card in cards}.get(name)
    return found if isinstance(found, str) else None


class FitsSource(FitsArrays):
    """A FITS file of JWST; ``.fits.gz`` too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, InputError)
        self.kind: type[Exposure] = Exposure
        keyword = self.file.keyword
        self.filename: str | None = path.name
        self.model_type: str | None = keyword("DATAMODL")
        self.reftype: str | None = keyword("REFTYPE")
        self.superstripes = _whole(keyword("SSTR_NST"), f"{path}: found SSTR_NST")
        self.in_memory, self.is_open = 0, False
        done = any(keyword(name) == "COMPLETE" for name in _CALIBRATED.values())
        self.is_calibrated = done or any(map(self.has, _OF_IMAGES))

    def header(self, model_class: type) -> Any:
        """Let ``stdatamodels`` read the file with its pixels left out.

        All headers, the tables, the ASDF extension and images that are not the exposure's are there; what
        ``stdatamodels`` does not know is kept in ``extra_fits`` as usual.
        """
        left_out = tuple(self._extension(array) for array in _pixels(self.kind))
        model = self.file.model_without_pixels(model_class, left_out, as_it_is=True)
        return _own(model, self.kind, self.filename)

    def load(self, array: str, backend: Backend, *args: Any, **part: Any) -> Array:
        """Read an array onto a device, as long as the file is the one of this name: products are named after it."""
        loaded = super().load(array, backend, *args, **part)
        self.file.check_same()
        return loaded

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
        self.model_type: str | None = _class_of_jwst(model)
        self.reftype: str | None = getattr(model.meta, "reftype", None)
        stripes = getattr(getattr(model.meta, "subarray", None), "num_superstripe", None)
        self.superstripes = _whole(stripes, f"{self.name}: found meta.subarray.num_superstripe")
        self.in_memory, self.is_open = 0, True
        done = any(super(ModelSource, self)._found(f"meta.cal_step.{name}") == "COMPLETE" for name in _CALIBRATED)
        self.is_calibrated = done or any(map(self.has, _OF_IMAGES))

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

    def _found(self, array: str) -> Any:
        found = super()._found(array)
        if found is not None and not hasattr(found, "dtype"):
            raise InputError(f"{self.name}: found a {type(found).__name__} for {array}; expected an array")
        return found


class AsdfSource(ModelSource):
    """An ASDF file that ``stdatamodels`` wrote. Its arrays are read, and their checksums compared, at once."""

    def __init__(self, path: Path) -> None:
        with _told_of(path):
            file = RegularFile(path)
            tree, size = _checked_tree(file)
            model_type = tree.get("meta", {}).get("model_type")
            super().__init__(_model_of(tree))
            if file.was_written_to() or file.was_replaced():
                raise DamageError("was written to, or replaced, while it was read; expected the same file")
        self.model_type: str | None = model_type if isinstance(model_type, str | None) else repr(model_type)
        self.name, self.filename = str(path), path.name
        self.in_memory, self.is_open = size, False

    def header(self, model_class: type) -> Any:
        from gpipe.datamodels.files.core_asdf import suited_to
        from gpipe.datamodels.files.metadata import note_invalid  # pulls in stdatamodels

        with _told_of(Path(self.name)):
            model = super().header(model_class)
            with suited_to(model.instance):
                note_invalid(model, model.instance)
        return model


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Turn what is wrong with an ASDF file into one line: asdf and yaml raise a dozen unrelated classes for it."""
    try:
        with complaints_logged(str(path)):
            yield
    except GpipeError:
        raise
    except DamageError as error:
        raise InputError(f"{path}: {error}", file=str(path)) from None
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as an ASDF data model ({first_line(error)})", file=str(path)
        ) from None


def _checked_tree(file: RegularFile) -> tuple[Any, int]:
    """The tree of an ASDF file with all of its arrays, and their bytes. Nothing that another file holds is read."""
    import asdf

    from gpipe.datamodels.files.core_asdf import suited_to_text
    from gpipe.datamodels.files.damage.asdf_layout import block_bytes, check_tree, tree_text

    with file.reader() as reader:
        text = tree_text(reader)
        check_tree(text)
        size = block_bytes(reader, os.fstat(file.descriptor).st_size)
        reader.seek(0)
        with one_thread_at_a_time(), suited_to_text(text):
            opened = asdf.open(reader, memmap=False, lazy_load=False, validate_checksums=True)
    for key, form in _FORMS.items():
        if not isinstance(found := opened.tree.get(key, form()), dict | form):
            raise DamageError(f"found a {type(found).__name__} for {key}; expected a {form.__name__}")
    return asdf.treeutil.walk_and_modify(opened.tree, _plain), size


def _plain(node: Any) -> Any:
    """An array of a tree as one of NumPy; all of its elements must be there."""
    from asdf.tags.core import NDArrayType

    return np.asarray(node) if isinstance(node, NDArrayType) else node


def _model_of(tree: Any) -> Any:
    from gpipe.datamodels.files.metadata import new_model  # pulls in stdatamodels

    return new_model(model_class("JwstDataModel"), dict(tree))


def _class_of_jwst(model: Any) -> str:
    """The class of a model, or the one of JWST's that it is derived from."""
    classes = (cls for cls in type(model).__mro__ if cls.__module__.startswith(PACKAGE))
    return next(classes, type(model)).__name__


def _whole(value: Any, found: str) -> int:
    """A number of superstripes, 0 for none."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise InputError(f"{found} = {value!r}; expected a whole number, 0 or more")
    return int(value)


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
        with RegularFile(path).reader() as file:
            return file.read(len(magic)) == magic
    except (OSError, ValueError):  # FITS is assumed, and tells what is wrong
        return False
