"""The gain_scale step."""

import logging
from dataclasses import replace

from gpipe.controller import Ref, References, Skip, Step
from gpipe.datamodels import Rate
from gpipe.gain_scale.gain_scale import rescale_rates

log = logging.getLogger(__name__)


class GainScaleStep(Step):
    """Rescale count rates of exposures taken with a gain that is not the standard one."""

    alias = "gain_scale"
    accepts = Rate
    references = (Ref("gain", optional=True),)
    after = ("ramp_fit",)

    def apply(self, exposure: Rate, references: References) -> Rate:
        """The factor is GAINFACT of the exposure, or else that of the gain reference."""
        factor, gain = exposure.meta.exposure.gain_factor, references.get("gain")
        if factor is None and gain is not None:
            factor = gain.number("exposure.gain_factor")
        if factor is None:
            raise Skip("neither the exposure nor its gain reference has GAINFACT", logging.INFO)
        log.info("Rescaling count rates by %s (GAINFACT)", factor)
        rates = rescale_rates(
            exposure.data, exposure.err, exposure.var_poisson, exposure.var_rnoise, factor=float(factor)
        )
        exposure.meta.exposure.gain_factor = factor
        return replace(
            exposure, data=rates.data, err=rates.err, var_poisson=rates.var_poisson, var_rnoise=rates.var_rnoise
        )
