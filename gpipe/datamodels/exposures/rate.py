"""Count rates: what ramp_fit makes of ramps."""

from dataclasses import dataclass

from gpipe.arrays import Array
from gpipe.datamodels.exposures.in_flight import Exposure

RATE_ARRAYS = ("data", "dq", "err", "var_poisson", "var_rnoise")
RATES_OF_BOTH = ("data", "dq", "var_poisson")
"""What fits of lines give the exposure and its only integration alike; errors and read-noise variances can differ."""


@dataclass(frozen=True, kw_only=True)
class Rate(Exposure):
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
