"""Count rates that background and sources are told apart in, before the ramps are really fitted."""

import logging
from functools import cached_property
from typing import cast

from gpipe.arrays import Array
from gpipe.clean_flicker_noise.median_image import mean_image
from gpipe.controller import References
from gpipe.datamodels import CountRate, Ramp
from gpipe.ramp_fitting import RampFitStep
from gpipe.ramp_fitting.fit import RampFit

log = logging.getLogger(__name__)


class DraftRates:
    """Rates of an exposure: its own, or those of its ramps, fitted with default parameters when first asked for.

    Parameters
    ----------
    exposure : ramps or rates.
    references : with ``readnoise`` and ``gain``, for ramps.
    """

    def __init__(self, exposure: Ramp | CountRate, references: References) -> None:
        self._exposure, self._references = exposure, references

    def mean(self) -> Array:
        """Rate of the exposure, float32 (row, column), DN/s."""
        if isinstance(self._exposure, Ramp):
            return self._fit.exposure.slope
        return self._exposure.data if self._exposure.data.ndim == 2 else mean_image(self._exposure.data)

    def planes(self, *, by_integration: bool) -> tuple[Array, Array]:
        """Rates and their DQ, (row, column) or (integration, row, column). Rates that came in are as they are."""
        if isinstance(self._exposure, CountRate):
            return self._exposure.data, self._exposure.dq
        rates = self._fit.integrations if by_integration else self._fit.exposure
        return rates.slope, rates.dq

    @cached_property
    def _fit(self) -> RampFit:
        log.info("Rates are drafted to tell background from sources")
        return cast(RampFit, RampFitStep().fit(cast(Ramp, self._exposure), self._references))
