"""The gain_scale step."""

import logging
import math
from dataclasses import replace
from typing import Any

from gpipe.controller import Ref, References, Skip, Step
from gpipe.datamodels import Described, Rate
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.gain_scale.gain_scale import rescale_rates

log = logging.getLogger(__name__)


class GainScaleStep(Step):
    """Rescale count rates of exposures taken with a gain that is not the standard one."""

    alias = "gain_scale"
    accepts = Rate
    references = (Ref("gain", optional=True),)
    after = ("ramp_fit",)

    def check(self, meta: Any, references: References) -> None:
        """Refuse a factor that would make rates 0, negative or infinite."""
        if not _is_factor(meta.exposure.gain_factor):
            raise InputError.at(self.label, f"GAINFACT {meta.exposure.gain_factor}", "a positive number")
        gain = references.get("gain")
        found = None if gain is None else gain.number("exposure.gain_factor")
        if gain is not None and not _is_factor(found):
            raise ReferenceFileError.at(
                f"gain reference {gain.name}", f"GAINFACT {found}", "a positive number", reference=gain.name
            )

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        """Nobody names a factor."""
        return "no GAINFACT" if self._factor(outline.meta, references) is None else None

    def _factor(self, meta: Any, references: References) -> float | None:
        """GAINFACT of the exposure, or else that of the gain reference."""
        factor, gain = meta.exposure.gain_factor, references.get("gain")
        return gain.number("exposure.gain_factor") if factor is None and gain is not None else factor

    def apply(self, exposure: Rate, references: References) -> Rate:
        factor = self._factor(exposure.meta, references)
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


def _is_factor(value: float | None) -> bool:
    return value is None or (math.isfinite(value) and value > 0)
