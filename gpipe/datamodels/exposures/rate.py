"""Count rates: what ramp_fit makes of ramps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import Plane

RATES_OF_BOTH = ("data", "dq", "var_poisson")
"""What fits of lines give the exposure and its only integration alike; errors and read-noise variances can differ."""
_ALWAYS_IFU = ("NRS_IFU", "MIR_MRS")
_LAMPS = ("NRS_AUTOWAVE", "NRS_LAMP")


@dataclass(frozen=True, kw_only=True)
class Rate(Exposure):
    """Count rates: of the exposure (row, column) or of each integration (integration, row, column).

    Attributes
    ----------
    data : DN/s; NaN where no rate could be measured.
    dq : DQ flags.
    err : DN/s, 1 sigma, Poisson and read noise.
    var_poisson, var_rnoise : (DN/s)^2.
    shared : names of arrays of an only integration that hold the same as those of the exposure, which were made with
        them: they need not be held twice.
    """

    planes: ClassVar[Mapping[str, Plane]] = {
        "data": Plane("iyx|yx", extension="SCI"),
        "dq": Plane("iyx|yx", "uint32"),
        "err": Plane("iyx|yx"),
        "var_poisson": Plane("iyx|yx"),
        "var_rnoise": Plane("iyx|yx"),
    }
    tables: ClassVar[tuple[str, ...]] = ("int_times", "int_times_stripe")
    label: ClassVar[str] = "a count-rate product (rate or rateints)"
    suffixes: ClassVar[Mapping[int, str]] = {2: "rate", 3: "rateints"}
    models: ClassVar[Mapping[str, str]] = {"ImageModel": "yx", "IFUImageModel": "yx", "CubeModel": "iyx"}
    units: ClassVar[Mapping[str, str]] = {"bunit_data": "DN/s", "bunit_err": "DN/s"}
    in_chunks: ClassVar[bool] = True
    is_calibrated: ClassVar[bool] = False
    """Whether a step of the second stage has worked on what files hold of the kind."""

    data: Array
    dq: Array
    err: Array
    var_poisson: Array
    var_rnoise: Array
    shared: tuple[str, ...] = ()

    @classmethod
    def is_in(cls, source: Any) -> bool:
        return super().is_in(source) and source.is_calibrated == cls.is_calibrated

    @classmethod
    def new_model(cls, meta: Any, ndim: int) -> str:
        lamp = meta.exposure.type in _LAMPS and meta.instrument.lamp_mode == "IFU"
        is_ifu = ndim == 2 and (lamp or meta.exposure.type in _ALWAYS_IFU)
        return "IFUImageModel" if is_ifu else super().new_model(meta, ndim)
