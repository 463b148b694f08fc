"""Exposures on a device: what all kinds have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any, ClassVar, Protocol

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.backends import Backend
from gpipe.datamodels.exposures.checks import check_exposure
from gpipe.datamodels.exposures.planes import Plane, has_layout
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window
from gpipe.forks import cached_property

GENERAL = ("JwstDataModel", "DataModel")
"""Classes of ``stdatamodels`` that hold anything."""


class Described(Protocol):
    """An exposure as far as it is known before its arrays are read: an `Outline`, or an exposure in flight."""

    @property
    def header(self) -> Any: ...
    @property
    def backend(self) -> Backend: ...
    @property
    def meta(self) -> Any: ...
    @property
    def window(self) -> Window: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class WithHeader:
    """Base of an `Outline` and of exposures in flight."""

    header: Any
    backend: Backend

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in vars(cls):  # else a dataclass would get one that prints its arrays
            cls.__repr__ = WithHeader.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        told = [str(text) for text in (self.meta.filename, self.meta.instrument.detector) if text]
        return f"{type(self).__name__}({', '.join([*told, *self._size(), f'on {self.backend.name}'])})"

    def _size(self) -> tuple[str, ...]:
        shape = getattr(self, "shape", None)
        return (" x ".join(map(str, shape)),) if shape else ()

    def _repr_html_(self) -> str:
        """Make a table for notebooks, a row for each array, and a thumbnail."""
        arrays = [(name, getattr(self, name, None)) for name in getattr(self, "planes", ())]
        cells = [(name, " x ".join(map(str, x.shape)), str(x.dtype)) for name, x in arrays if x is not None]
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in cells)
        # Pictures are of a floor above, which is asked only when a notebook shows an exposure.
        thumbnail = import_module("gpipe.quicklook.thumbnail").thumbnail(self)
        return f"<div><code>{escape(repr(self))}</code><table>{rows}</table>{thumbnail}</div>"

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.header.meta

    @cached_property
    def window(self) -> Window:
        """The part of the detector that the exposure covers."""
        return window_of(self.meta)


@dataclass(frozen=True)
class Exposure(WithHeader):
    """An exposure on a device, with its metadata on the host.

    Arrays are never written to: a step makes new ones and puts them in with ``dataclasses.replace``. The one exception
    is ``data`` of an exposure that is ``overwritable``.
    Metadata belong to the run that made the object and are changed in place.

    A kind of exposure is a dataclass with an attribute for each plane and field, and the class attributes below.
    Whatever cuts, assembles, reads, checks, moves or writes exposures, or counts their bytes, looks at these.

    Attributes
    ----------
    planes : its arrays by name.
    tables : tables of the header that go over into a product of another class, if that class has them.
    fields : small values that a file holds beside the metadata, such as the name of a slit.
    label : the kind in messages.
    suffixes : ends of the names of products, by the number of axes of the science array.
    models : ``stdatamodels`` classes that hold the kind, and the axes of their science array as in a `Plane`.
    read_as : for other classes (DATAMODL) of files and models, the one of ``models`` that they are read as.
    units : metadata that say the units of the science array and its errors in a new product.
    unread : arrays of older files that are left out.
    in_chunks : whether steps that say how may work on chunks of it.
    header : the ``stdatamodels`` model that carries metadata and tables (``group``, ``int_times``) but no pixels.
    backend : where the arrays live.
    data : the science pixels.
    rows, columns : which rows and columns of the exposure these are; None for all of them.
    of_interleaved : whether they are some rows of an exposure that `is_interleaved`.
    overwritable : whether nobody but the step that gets the exposure needs ``data``, so that it may write to them.
    """

    planes: ClassVar[Mapping[str, Plane]] = {"data": Plane("iyx|yx", extension="SCI")}
    tables: ClassVar[tuple[str, ...]] = ()
    fields: ClassVar[tuple[str, ...]] = ()
    label: ClassVar[str] = "an exposure"
    suffixes: ClassVar[Mapping[int, str]] = {}
    models: ClassVar[Mapping[str, str]] = {}
    read_as: ClassVar[Mapping[str | None, str]] = {}
    units: ClassVar[Mapping[str, str]] = {}
    unread: ClassVar[tuple[str, ...]] = ()
    in_chunks: ClassVar[bool] = False

    data: Array = field(kw_only=True)
    rows: slice | None = field(default=None, kw_only=True)
    columns: slice | None = field(default=None, kw_only=True)
    of_interleaved: bool = field(default=False, kw_only=True)
    overwritable: bool = field(default=False, kw_only=True)

    @classmethod
    def model_of(cls, model_type: str | None, ndim: int = 0) -> str | None:
        """Name the class that holds what a file or model of another, or the same, class has; None if none does.

        ``ndim``, the number of axes of the science array, decides for models of a general class.
        """
        if model_type in GENERAL:
            return next((name for name, axes in cls.models.items() if has_layout(axes, ndim)), None)
        return model_type if model_type in cls.models else cls.read_as.get(model_type)

    @classmethod
    def new_model(cls, meta: Any, ndim: int) -> str:
        """Name the class of a new product whose science array has so many axes."""
        return next(name for name, axes in cls.models.items() if has_layout(axes, ndim))

    @classmethod
    def is_in(cls, source: Any) -> bool:
        """Tell whether a `Source` holds this kind."""
        ndim = len(source.shape("data"))
        model = cls.model_of(source.model_type, ndim)
        return model is not None and has_layout(cls.models[model], ndim)

    @classmethod
    def sizes(cls, meta: Any, shape: tuple[int, ...]) -> dict[str, int]:
        """Size of each axis where the science array has this shape."""
        return dict(zip(cls.planes["data"].axes_of(len(shape)), shape, strict=True))

    @classmethod
    def settle(cls, meta: Any, shape: tuple[int, ...], name: str, *, is_open: bool) -> None:
        """Put right, before `check`, what the science array tells better than the metadata; the log says so.

        ``is_open`` for a model that the caller holds, and may have cut.
        """

    @classmethod
    def check(cls, meta: Any, shape: tuple[int, ...], name: str) -> None:
        """Refuse metadata that no step can work with: raises `InputError`."""
        check_exposure(meta, shape, name)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the science pixels."""
        return tuple(self.data.shape)

    @property
    def suffix(self) -> str | None:
        """End of the name of a product of a pipeline that holds the exposure; None if the kind has none."""
        return self.suffixes.get(len(self.shape))

    @property
    def is_interleaved(self) -> bool:
        """True if the rows are those of NIRSpec IRS2 readout, with reference pixels between."""
        return self.of_interleaved or is_interleaved(self.shape)

    @cached_property
    def window(self) -> Window:
        """The part of the detector that these rows and columns cover."""
        whole = self._whole_window()
        return whole if self.rows is self.columns is None else whole.part(self.rows, self.columns)

    def _whole_window(self) -> Window:
        return window_of(self.meta)


@dataclass(frozen=True)
class Outline(WithHeader):
    """An exposure before its arrays are read: what there is to know of them.

    Attributes
    ----------
    header, backend : as in `Exposure`.
    shape : of the science pixels.
    """

    shape: tuple[int, ...]
