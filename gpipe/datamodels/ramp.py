"""Exposures in flight: what the steps hand to each other."""

from dataclasses import dataclass, field
from typing import Any

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.window import Window


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

    @property
    def window(self) -> Window:
        """The part of the detector that the exposure covers."""
        subarray = self.meta.subarray
        return Window(subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize)


@dataclass(frozen=True, kw_only=True)
class Ramp(InFlight):
    """Ramps of an exposure.

    Attributes
    ----------
    data : float32, (integration, group, row, column), DN.
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    zeroframe : float32, (integration, row, column), DN, or None.
    refout : float32, (integration, group, row, column), DN, MIRI only, or None.
    average_dark_current : float32, (row, column), electron/s, or None.
    """

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None
    refout: Array | None = None
    average_dark_current: Array | None = None


@dataclass(frozen=True, kw_only=True)
class CountRate(InFlight):
    """Count rates: of the exposure (row, column) or of each integration (integration, row, column).

    Attributes
    ----------
    data : float32, DN/s; NaN where no rate could be measured.
    dq : uint32.
    err : float32, DN/s, 1 sigma, Poisson and read noise.
    var_poisson, var_rnoise : float32, (DN/s)^2.
    """

    data: Array
    dq: Array
    err: Array
    var_poisson: Array
    var_rnoise: Array
