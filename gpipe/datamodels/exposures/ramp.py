"""Ramps: the groups of every integration, as they are before ramp_fit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.datamodels.exposures.composite import Composite
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window

RAMP_ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe", "refout", "average_dark_current")
SHOWN_ONLY = ("refout",)
"""Arrays of a ramp that are part of ramp products, and that no step looks at."""


@dataclass(frozen=True, kw_only=True)
class Ramp(Exposure):
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
class Superstripes(Exposure, Composite):
    """Ramps of which each integration reads another stripe of the detector, until refpix puts the stripes together.

    Integrations follow each other stripe by stripe. Arrays are those of `Ramp`, but for

    Attributes
    ----------
    pixeldq : uint32, (stripe, row, column).
    """

    piece: ClassVar[type[Exposure]] = Ramp

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None

    def map(self, apply: Callable[[Any], Any]) -> "Superstripes":
        """Put together what ``apply`` makes of the ramps of each stripe."""
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
