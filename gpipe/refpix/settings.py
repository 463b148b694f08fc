"""Settings of the search for the signals of reference pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gpipe.arrays import Array


@dataclass(frozen=True, kw_only=True)
class DriftSettings:
    """Settings of the search for drifts of amplifiers and noise of rows in near-infrared arrays.

    Attributes
    ----------
    odd_even_columns : True for separate signals of odd and even columns of an amplifier.
    siglimit : standard deviations at which the means of an amplifier's reference pixels are clipped.
    use_side_ref_pixels : True to subtract row noise. This setting and those below are only for arrays read through
        four amplifiers.
    side_smoothing_length : detector rows in the running median of the side pixels.
    side_gain : factor on the row noise.
    side_kernels : (side, amplifier, tap), from `convolution_kernels`, for a full frame: row noise is found by
        `optimal_side_signal` instead of a running median, and ``side_smoothing_length`` and ``side_gain`` are not used.
    sigreject : standard deviations beyond which `optimal_side_signal` leaves pixels out.
    """

    odd_even_columns: bool = True
    siglimit: float = 3.0
    use_side_ref_pixels: bool = True
    side_smoothing_length: int = 11
    side_gain: float = 1.0
    side_kernels: Array | None = None
    sigreject: float = 4.0


DEFAULTS = DriftSettings()
"""Defaults, the same as in jwst."""


def drift_settings(given: Mapping[str, Any], side_kernels: Array | None = None) -> DriftSettings:
    """Settings with the values of the step's parameters, which have the same names, and with kernels of SIRS."""
    named = [field.name for field in fields(DriftSettings) if field.name != "side_kernels"]
    return DriftSettings(**{name: given[name] for name in named}, side_kernels=side_kernels)
