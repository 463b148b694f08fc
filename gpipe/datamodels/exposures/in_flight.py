"""Exposures on a device: what all kinds have in common."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.backends import Backend
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window


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
    """What an `Outline` and an exposure in flight have in common."""

    header: Any
    backend: Backend

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

    Arrays are never written to: a step makes new ones and puts them in with ``dataclasses.replace``.
    Metadata belong to the run that made the object and are changed in place.

    Attributes
    ----------
    header : the ``stdatamodels`` model that carries metadata and tables (``group``, ``int_times``) but no pixels.
    backend : where the arrays live.
    data : the science pixels.
    """

    data: Array = field(kw_only=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the science pixels."""
        return tuple(self.data.shape)

    @property
    def is_interleaved(self) -> bool:
        """Whether its rows are those of NIRSpec IRS2 readout, with reference pixels between."""
        return is_interleaved(self.shape)


@dataclass(frozen=True)
class Outline(WithHeader):
    """An exposure before its arrays are read: what there is to know of them.

    Attributes
    ----------
    header, backend : as in `Exposure`.
    shape : of the science pixels.
    """

    shape: tuple[int, ...]
