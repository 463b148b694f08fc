"""An exposure that is cleaned, with its references and the rates that its background is looked for in."""

import logging
from dataclasses import dataclass
from functools import partial

from gpipe.arrays import Array
from gpipe.background_mask.background import FillGaps
from gpipe.background_mask.draft_exposure import DraftRates
from gpipe.background_mask.later_stages_exposure import NoAnswer, with_wcs
from gpipe.background_mask.scene import dark_regions, without_gaps
from gpipe.clean_flicker_noise.median_scene_exposure import RampOrRate
from gpipe.clean_flicker_noise.mesh_gaps_host import gap_filler
from gpipe.clean_flicker_noise.settings_exposure import BEHIND_SHUTTERS, FlickerSettings
from gpipe.controller import References, Skip
from gpipe.datamodels import Rate
from gpipe.datamodels.exposures.instruments import is_miri


@dataclass(frozen=True)
class Inputs:
    """Inputs of the cleaning of an exposure.

    Attributes
    ----------
    exposure, references : those of the step.
    draft : rates of the exposure.
    fill_gaps : fills gaps in small images, on any backend.
    """

    exposure: RampOrRate
    references: References
    draft: DraftRates
    fill_gaps: FillGaps

    @property
    def axis(self) -> int:
        """Array axis along which noise is the same: that in which lines are read; of MIRI that of columns."""
        meta = self.exposure.meta
        return 0 if is_miri(meta) else abs(meta.subarray.slowaxis) - 1

    def flat(self) -> Array:
        """The flat of the exposure's pixels, without gaps."""
        return without_gaps(self.references["flat"].plane("data", self.exposure), fill_gaps=self.fill_gaps)

    def dark(self) -> Array:
        """Pixels of MIRI that do not see the sky."""
        rates, flat = self.draft.rates, self.references.get("flat")
        planes = () if flat is None else (flat.plane(name, rates) for name in ("data", "dq", "err"))
        return dark_regions(rates.dq, *planes)


def inputs_of(exposure: RampOrRate, references: References, settings: FlickerSettings, *, folder: str) -> Inputs:
    """Inputs of an exposure; ``folder`` is where further input files are."""
    prepare = partial(_with_wcs, settings=settings, folder=folder)
    fill_gaps = gap_filler(exposure.backend)
    draft = DraftRates(exposure, references, by_integration=settings.by_integration, prepare=prepare)
    return Inputs(exposure, references, draft, fill_gaps)


def _with_wcs(rates: Rate, *, settings: FlickerSettings, folder: str) -> Rate:
    if not settings.uses_wcs(rates.meta):
        return rates
    try:
        return with_wcs(rates, flag_open=rates.meta.exposure.type in BEHIND_SHUTTERS, folder=folder)
    except NoAnswer as reason:
        raise Skip(f"no WCS: {reason}", logging.ERROR) from None
