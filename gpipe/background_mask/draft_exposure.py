"""Draft count rates that separate background from sources, before the fit of the ramps."""

import logging
from collections.abc import Callable
from typing import cast

from gpipe.arrays import Array
from gpipe.background_mask.images import mean_image
from gpipe.controller import References
from gpipe.datamodels import Ramp, Rate
from gpipe.forks import cached_property
from gpipe.ramp_fitting import RampFitStep
from gpipe.ramp_fitting.fit import RampFit
from gpipe.ramp_fitting.rates_exposure import count_rate

log = logging.getLogger(__name__)


class DraftRates:
    """Rates of an exposure of rates, or of ramps, which are fitted with default parameters when first needed.

    Parameters
    ----------
    exposure : ramps or rates.
    references : with ``readnoise`` and ``gain``, for ramps.
    by_integration : fit ramps to rates of each integration. An exposure of rates is not changed.
    prepare : a function applied to the rates once, when they are first needed.
    """

    def __init__(
        self,
        exposure: Ramp | Rate,
        references: References,
        *,
        by_integration: bool,
        prepare: Callable[[Rate], Rate] = lambda rates: rates,
    ) -> None:
        self._exposure, self._references = exposure, references
        self._by_integration, self._prepare = by_integration, prepare

    def mean(self) -> Array:
        """Rate of the exposure, float32 (row, column), DN/s."""
        if isinstance(self._exposure, Ramp):
            return self._fit.exposure.slope
        return self._exposure.data if self._exposure.data.ndim == 2 else mean_image(self._exposure.data)

    @cached_property
    def rates(self) -> Rate:
        """Rates (row, column) or (integration, row, column)."""
        if isinstance(self._exposure, Rate):
            return self._prepare(self._exposure)
        fitted = self._fit.integrations if self._by_integration else self._fit.exposure
        return self._prepare(count_rate(fitted, self._exposure))

    @cached_property
    def _fit(self) -> RampFit:
        log.info("Fitting draft rates, to separate background from sources")
        return cast(RampFit, RampFitStep().fit(cast(Ramp, self._exposure), self._references))
