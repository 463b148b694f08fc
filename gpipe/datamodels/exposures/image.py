"""Calibrated images: count rates that have a WCS, flat-fielded and in units of brightness; and mosaics of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from gpipe.arrays import Array
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import Plane
from gpipe.datamodels.exposures.rate import Rate


@dataclass(frozen=True, kw_only=True)
class Image(Rate):
    """Calibrated pixels: of the exposure (row, column) or of each integration (integration, row, column).

    Each step of the second stage takes a `Rate`, of which this is one, and makes an `Image` of it. The WCS is in the
    header, ``meta.wcs``; exposures and models share it, and nobody changes it.

    Attributes
    ----------
    data, err : MJy/sr after photom, else DN/s.
    var_poisson, var_rnoise, var_flat : the square of that; ``var_flat`` is None before flat_field.
    area : area of each pixel relative to the nominal one; None before photom.
    """

    planes: ClassVar[Mapping[str, Plane]] = {
        **Rate.planes,
        "var_flat": Plane("iyx|yx", optional=True),
        "area": Plane("yx", optional=True),
    }
    label: ClassVar[str] = "a calibrated image (cal or calints)"
    suffixes: ClassVar[Mapping[int, str]] = {2: "cal", 3: "calints"}
    is_calibrated: ClassVar[bool] = True

    var_flat: Array | None = None
    area: Array | None = None

    @classmethod
    def of(cls, rate: Rate) -> "Image":
        """Make an image of count rates, with the same arrays; an image is returned as it is."""
        if isinstance(rate, cls):
            return rate
        return cls(**{field.name: getattr(rate, field.name) for field in fields(rate)})


@dataclass(frozen=True, kw_only=True)
class Mosaic(Exposure):
    """Calibrated images resampled to a grid of pixels; all arrays are (row, column) but ``con``.

    Attributes
    ----------
    data, err : in the units of the images; ``err`` is None where nobody wants it.
    con : int32, (plane, row, column): bit k % 32 of plane k // 32 is set where image k has a share. None if not wanted.
    wht : weights.
    var_poisson, var_rnoise, var_flat : the square of the units; None if not wanted.
    dq : flags of all pixels that have a share; None if not wanted.
    """

    planes: ClassVar[Mapping[str, Plane]] = {
        "data": Plane("yx", extension="SCI"),
        "err": Plane("yx", optional=True),
        "dq": Plane("yx", "uint32", optional=True),
        "con": Plane("kyx", "int32", optional=True),
        "wht": Plane("yx"),
        "var_poisson": Plane("yx", optional=True),
        "var_rnoise": Plane("yx", optional=True),
        "var_flat": Plane("yx", optional=True),
    }
    label: ClassVar[str] = "a resampled image (i2d)"
    suffixes: ClassVar[Mapping[int, str]] = {2: "i2d"}
    models: ClassVar[Mapping[str, str]] = {"ImageModel": "yx"}

    wht: Array
    err: Array | None = None
    dq: Array | None = None
    con: Array | None = None
    var_poisson: Array | None = None
    var_rnoise: Array | None = None
    var_flat: Array | None = None
