"""Ramps: the groups of every integration, as they are before ramp_fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.interleaved import FRAME_ROWS, own_rows
from gpipe.datamodels.exposures.checks import check_ramp, settle_ramp
from gpipe.datamodels.exposures.chunks import arrays_of
from gpipe.datamodels.exposures.composite import Composite
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import Plane
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window

_SUPERSTRIPES = "SuperstripeRampModel"
_OTHERS = (None, "Level1bModel", "MIRIRampModel")


@dataclass(frozen=True, kw_only=True)
class Ramp(Exposure):
    """Ramps of an exposure.

    Attributes
    ----------
    data : DN.
    groupdq, pixeldq : DQ flags of each group, and of the pixel.
    zeroframe : DN, or None.
    refout : DN, of the reference output, MIRI only; None where the run has no ramp among its products.
    average_dark_current : electron/s, or None.
    stripe : which of the stripes of a superstripe exposure these ramps belong to; None for all others.
    """

    planes: ClassVar[Mapping[str, Plane]] = {
        "data": Plane("igyx", extension="SCI"),
        "groupdq": Plane("igyx", "uint8", zeros=True),
        "pixeldq": Plane("yx", "uint32", zeros=True),
        "zeroframe": Plane("iyx", optional=True, announced_by="exposure.zero_frame"),
        "refout": Plane("igyr", optional=True, product_only=True),
        "average_dark_current": Plane("yx", optional=True, extension="AVDRKCUR"),
    }
    tables: ClassVar[tuple[str, ...]] = ("group", "int_times", "int_times_stripe")
    label: ClassVar[str] = "a ramp (uncal or ramp product)"
    suffixes: ClassVar[Mapping[int, str]] = {4: "ramp"}
    models: ClassVar[Mapping[str, str]] = {"RampModel": "igyx"}
    read_as: ClassVar[Mapping[str | None, str]] = dict.fromkeys((*_OTHERS, _SUPERSTRIPES), "RampModel")
    unread: ClassVar[tuple[str, ...]] = ("err",)
    in_chunks: ClassVar[bool] = True

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None
    refout: Array | None = None
    average_dark_current: Array | None = None
    stripe: int | None = None

    @classmethod
    def is_in(cls, source: Any) -> bool:
        return super().is_in(source) and not source.superstripes

    @classmethod
    def settle(cls, meta: Any, shape: tuple[int, ...], name: str, *, is_open: bool) -> None:
        settle_ramp(meta, shape, name, is_open=is_open)

    @classmethod
    def check(cls, meta: Any, shape: tuple[int, ...], name: str) -> None:
        check_ramp(meta, shape, name)

    def normal_pixels(self) -> tuple[tuple[int, ...], Window]:
        """Find the normal pixels of interleaved rows: their places among these rows, and the window that they cover."""
        own = own_rows(self.rows or slice(0, FRAME_ROWS), reference_first=self.meta.subarray.fastaxis > 0)
        return own.places, window_of(self.meta).part(own.normal, self.columns)

    def _whole_window(self) -> Window:
        return window_of(self.meta, self.stripe)


@dataclass(frozen=True, kw_only=True)
class Superstripes(Exposure, Composite):
    """Ramps of which each integration reads another stripe of the detector, until refpix puts the stripes together.

    Integrations follow each other stripe by stripe. Arrays are those of `Ramp`, but each stripe has its pixeldq.
    """

    piece: ClassVar[type[Exposure]] = Ramp
    planes: ClassVar[Mapping[str, Plane]] = {
        "data": Ramp.planes["data"],
        "groupdq": Ramp.planes["groupdq"],
        "pixeldq": Plane("syx", "uint32", zeros=True),
        "zeroframe": Ramp.planes["zeroframe"],
    }
    tables: ClassVar[tuple[str, ...]] = Ramp.tables
    label: ClassVar[str] = "a ramp of superstripes"
    suffixes: ClassVar[Mapping[int, str]] = Ramp.suffixes
    models: ClassVar[Mapping[str, str]] = {_SUPERSTRIPES: "igyx"}
    read_as: ClassVar[Mapping[str | None, str]] = dict.fromkeys((*_OTHERS, "RampModel"), _SUPERSTRIPES)
    unread: ClassVar[tuple[str, ...]] = Ramp.unread

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None = None

    @classmethod
    def is_in(cls, source: Any) -> bool:
        return super().is_in(source) and bool(source.superstripes)

    @classmethod
    def sizes(cls, meta: Any, shape: tuple[int, ...]) -> dict[str, int]:
        return super().sizes(meta, shape) | {"s": meta.subarray.num_superstripe}

    @classmethod
    def settle(cls, meta: Any, shape: tuple[int, ...], name: str, *, is_open: bool) -> None:
        settle_ramp(meta, shape, name, is_open=is_open)

    @classmethod
    def check(cls, meta: Any, shape: tuple[int, ...], name: str) -> None:
        check_ramp(meta, shape, name)

    def map(self, apply: Callable[[Any], Any]) -> "Superstripes":
        """Put together the results of ``apply`` for the ramps of each stripe."""
        count = self.pixeldq.shape[0]
        stripes = [apply(self._stripe(number, count)) for number in range(count)]
        return replace(
            self, **{name: self._joined(name, [getattr(one, name) for one in stripes]) for name, _ in arrays_of(self)}
        )

    def _stripe(self, number: int, count: int) -> Ramp:
        arrays = {
            name: x[number, ...] if self._has_stripes(name) else x[number::count, ...] for name, x in arrays_of(self)
        }
        return Ramp(self.header, self.backend, **arrays, stripe=number)

    def _joined(self, name: str, arrays: Sequence[Array]) -> Array:
        xp = array_namespace(*arrays)
        if self._has_stripes(name):
            return xp.stack(arrays, axis=0)
        return xp.reshape(xp.stack(arrays, axis=1), (-1, *arrays[0].shape[1:]))

    def _has_stripes(self, name: str) -> bool:
        return self.planes[name].axes.startswith("s")
