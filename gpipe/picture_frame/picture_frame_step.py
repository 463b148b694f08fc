"""The picture_frame step."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.background_mask.draft_exposure import DraftRates
from gpipe.background_mask.later_stages_exposure import NoAnswer, NothingOnDetector, with_wcs
from gpipe.background_mask.nirspec_light_exposure import lit_science, require_light
from gpipe.background_mask.nirspec_light_host import needs_wcs
from gpipe.background_mask.scene import background_mask
from gpipe.controller import Produced, Ref, References, SideProduct, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Exposure, Ramp, Rate
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS, is_nirspec
from gpipe.datamodels.files.products import bare_model
from gpipe.picture_frame.picture_frame import (
    Sample,
    both_have_pixels,
    difference,
    sample_regions,
    subtract_from_ramps,
    subtract_from_rates,
)
from gpipe.picture_frame.regions import Regions

log = logging.getLogger(__name__)
PREDECESSORS = ("dq_init", "saturation", "refpix", "linearity", "dark_sub", "jump")


class PictureFrameStep(Step):
    """Subtract the thermal picture frame from full frames of NIRSpec: ramps or count rates; skipped by default."""

    alias = "picture_frame"
    accepts = (Ramp, Rate)
    by_piece = False
    references = (Ref("pictureframe"), Ref("readnoise"), Ref("gain"))
    after: ClassVar = {MIRI: PREDECESSORS, OTHERS: (*PREDECESSORS, "superbias")}
    regions = Regions()

    mask_science_regions = p.Boolean(True, help="Leave out what may be lit through slits and slices, by a WCS.")
    n_sigma = p.Float(2.0, unit="sigma", help="Pixels this far above the background have signal; 0 takes all.")
    save_mask = p.Boolean(False, help="Also save the mask of background pixels, as a pctfrm_mask product.")
    save_correction = p.Boolean(False, help="Also save what is added to the data, as a pctfrm_correction product.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        """Read noise and gain serve the draft of the rates, which an exposure of count rates does not need."""
        if not _applies_to(meta):
            return ()
        return self.reference_file_types[:1] if meta.cal_step.ramp_fit == "COMPLETE" else self.reference_file_types

    @property
    def asks_jwst(self) -> bool:
        return self.mask_science_regions

    def check(self, meta: Any, references: References) -> None:
        if self.mask_science_regions and _applies_to(meta):
            require_light("picture_frame.mask_science_regions", meta, open_shutters=True, instead="False")

    def apply(self, exposure: Ramp | Rate, references: References) -> Produced:
        if not _applies_to(exposure.meta):
            raise Skip("found another exposure, expected a full frame of NIRSpec")
        if isinstance(exposure, Ramp) and exposure.data.shape[1] == 1:
            raise Skip("found 1 group in an integration, expected 2 or more")
        mask = self._background(exposure, references)
        sample = sample_regions(mask, self.regions)
        if not bool(both_have_pixels(sample)):
            raise Skip("found no background in the middle or in the frame", logging.ERROR)
        result = self._subtract(exposure, references["pictureframe"].plane("data", exposure), sample)
        return Produced((result,), self._side_products(mask, result, exposure))

    def _background(self, exposure: Ramp | Rate, references: References) -> Array:
        rates = DraftRates(exposure, references, by_integration=False).rates
        science = self._science(rates, references) if self.mask_science_regions else None
        return background_mask(rates.data, science, n_sigma=self.n_sigma)

    def _science(self, rates: Rate, references: References) -> Array | None:
        """Pixels that may be lit through slits, slices and shutters."""
        if needs_wcs(rates.meta):
            try:
                rates = with_wcs(rates, flag_open=True, folder=self.folder_of_inputs(references))
            except NothingOnDetector as reason:
                log.warning("mask_science_regions has no effect: %s", reason)
                return None
            except NoAnswer as reason:
                raise Skip(f"no WCS: {reason}") from None
        return lit_science(rates)

    def _subtract(self, exposure: Ramp | Rate, pattern: Array, sample: Sample) -> Ramp | Rate:
        subtract = subtract_from_ramps if isinstance(exposure, Ramp) else subtract_from_rates
        return replace(exposure, data=subtract(exposure.data, pattern, sample, self.regions))

    def _side_products(self, mask: Array, result: Exposure, exposure: Exposure) -> tuple[SideProduct, ...]:
        products = []
        if self.save_mask:
            products.append(SideProduct(bare_model(mask, exposure), suffix="pctfrm_mask"))
        if self.save_correction:
            correction = difference(result.data, exposure.data)
            products.append(SideProduct(bare_model(correction, exposure), suffix="pctfrm_correction"))
        return tuple(products)


def _applies_to(meta: Any) -> bool:
    return is_nirspec(meta) and meta.subarray.name == "FULL"
