"""Exposures in flight: what the steps hand to each other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.backends import Backend
from gpipe.datamodels.stripes import window_of
from gpipe.datamodels.window import Window

RAMP_ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe", "refout", "average_dark_current")
SHOWN_ONLY = ("refout",)
"""Arrays of a ramp that are part of ramp products, and that no step looks at."""
RATE_ARRAYS = ("data", "dq", "err", "var_poisson", "var_rnoise")
RATES_OF_BOTH = ("data", "dq", "var_poisson")
"""What fits of lines give the exposure and its only integration alike; errors and read-noise variances can differ."""


@dataclass(frozen=True)
class InFlight:
    """An exposure on a device, with its metadata on the host.

    Arrays are never written to: a step makes new ones and puts them in with ``dataclasses.replace``.
    Metadata belong to the run that made the object and are changed in place.

    Attributes
    ----------
    header : the ``stdatamodels`` model that carries metadata and tables (``group``, ``int_times``) but no pixels.
    backend : where the arrays live.
    data : the science pixels.
    """

    header: Any
    backend: Backend
    data: Array = field(kw_only=True)

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.header.meta

    @cached_property
    def window(self) -> Window:
        """The part of the detector that the exposure covers."""
        return window_of(self.meta)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the science pixels."""
        return tuple(self.data.shape)

    @property
    def is_interleaved(self) -> bool:
        """Whether its rows are those of NIRSpec IRS2 readout, with reference pixels between."""
        return is_interleaved(self.shape)


@dataclass(frozen=True)
class Outline:
    """An exposure before its arrays are read: what there is to know of them.

    Attributes
    ----------
    header, backend : as in `InFlight`.
    shape : of the science pixels.
    """

    header: Any
    backend: Backend
    shape: tuple[int, ...]

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.header.meta

    @cached_property
    def window(self) -> Window:
        """The part of the detector that the exposure covers."""
        return window_of(self.meta)


@dataclass(frozen=True, kw_only=True)
class Ramp(InFlight):
    """Ramps of an exposure.

    Attributes
    ----------
    data : float32, (integration, group, row, column), DN.
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    zeroframe : float32, (integration, row, column), DN, or None.
    refout : float32, (integration, group, row, column), DN, MIRI only; None where the run has no ramp
        among its products.
    average_dark_current : float32, (row, column), electron/s, or None.
    stripe : which of the stripes of a superstripe exposure these ramps belong to; None for all others.
    rows, columns : which rows and columns of the exposure these are; None for all of them.
    of_interleaved : whether they are some rows of an exposure that `is_interleaved`.
    """

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None
    refout: Array | None = None
    average_dark_current: Array | None = None
    stripe: int | None = None
    rows: slice | None = None
    columns: slice | None = None
    of_interleaved: bool = False

    @property
    def is_interleaved(self) -> bool:
        """Whether its rows are those of NIRSpec IRS2 readout, with reference pixels between."""
        return self.of_interleaved or super().is_interleaved

    @cached_property
    def window(self) -> Window:
        """The part of the detector that these ramps cover."""
        whole = window_of(self.meta, self.stripe)
        return whole if self.rows is self.columns is None else whole.part(self.rows, self.columns)


@dataclass(frozen=True, kw_only=True)
class SuperstripeRamp(InFlight):
    """Ramps of which each integration reads another stripe of the detector, until refpix puts the stripes together.

    Integrations follow each other stripe by stripe. Arrays are those of `Ramp`, but for

    Attributes
    ----------
    pixeldq : uint32, (stripe, row, column).
    """

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None

    def by_stripe(self, apply: Callable[[Ramp], Ramp]) -> "SuperstripeRamp":
        """What ``apply`` makes of the ramps of each stripe."""
        xp = array_namespace(self.data)
        count = self.pixeldq.shape[0]
        stripes = [apply(self._stripe(number, count)) for number in range(count)]

        def in_order(arrays: list[Array]) -> Array:
            return xp.reshape(xp.stack(arrays, axis=1), (-1, *arrays[0].shape[1:]))

        return replace(
            self,
            data=in_order([stripe.data for stripe in stripes]),
            groupdq=in_order([stripe.groupdq for stripe in stripes]),
            pixeldq=xp.stack([stripe.pixeldq for stripe in stripes], axis=0),
            zeroframe=None if self.zeroframe is None else in_order([stripe.zeroframe for stripe in stripes]),
        )

    def _stripe(self, number: int, count: int) -> Ramp:
        return Ramp(
            self.header,
            self.backend,
            data=self.data[number::count, ...],
            groupdq=self.groupdq[number::count, ...],
            pixeldq=self.pixeldq[number, ...],
            zeroframe=None if self.zeroframe is None else self.zeroframe[number::count, ...],
            stripe=number,
        )


@dataclass(frozen=True, kw_only=True)
class CountRate(InFlight):
    """Count rates: of the exposure (row, column) or of each integration (integration, row, column).

    Attributes
    ----------
    data : float32, DN/s; NaN where no rate could be measured.
    dq : uint32.
    err : float32, DN/s, 1 sigma, Poisson and read noise.
    var_poisson, var_rnoise : float32, (DN/s)^2.
    shared : names of arrays of an only integration that hold the same as those of the exposure, which were made with
        them: they need not be held twice.
    """

    data: Array
    dq: Array
    err: Array
    var_poisson: Array
    var_rnoise: Array
    shared: tuple[str, ...] = ()
