"""The clean_flicker_noise step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.clean_flicker_noise.choice_exposure import chosen_for
from gpipe.clean_flicker_noise.cleaning import Cleaned
from gpipe.clean_flicker_noise.cleaning_exposure import clean
from gpipe.clean_flicker_noise.inputs_exposure import inputs_of
from gpipe.clean_flicker_noise.mask_exposure import find_mask
from gpipe.clean_flicker_noise.median_scene_exposure import RampOrRate
from gpipe.clean_flicker_noise.settings_exposure import (
    MEDIAN_IMAGE,
    FlickerSettings,
    check_settings,
    flicker_settings,
    skip_others,
)
from gpipe.controller import Block, Cut, Produced, Ref, References, SideProduct, Step
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Ramp, Rate
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS
from gpipe.datamodels.files.products import bare_model

PREDECESSORS = ("dq_init", "saturation", "refpix", "linearity", "dark_sub", "jump")


class CleanFlickerNoiseStep(Step):
    """Subtract the 1/f noise of the readout from ramps or count rates; skipped by default."""

    alias = "clean_flicker_noise"
    accepts = (Ramp, Rate)
    by_piece = False
    references = (Ref("flat", optional=True), Ref("pastasoss", optional=True), Ref("readnoise"), Ref("gain"))
    after: ClassVar = {MIRI: PREDECESSORS, OTHERS: (*PREDECESSORS, "superbias")}
    cut = Cut(Block.EXPOSURE, workspace=14)

    autoparam = p.Boolean(
        False,
        help="Choose background_method, fit_by_channel and apply_flat_field by what NIRCam and NIRISS images show.",
    )
    fit_method = p.Option("median", ("fft", "median"), help="Noise as Fourier modes (NIRSpec only), or as stripes.")
    fit_by_channel = p.Boolean(False, help="Stripes for each readout channel by itself. Full frames only.")
    background_method = p.Option(
        "median",
        ("median", "model", MEDIAN_IMAGE, "None", None),
        help="Background: one level, a smooth model, the median of all integrations, or none.",
    )
    background_box_size = p.IntegerList(
        None, min=2, max=2, unit="pixel", help="Rows and columns of the boxes of the model; default up to 32."
    )
    mask_science_regions = p.Boolean(
        False,
        help="Leave out where spectra lie (NIRSpec by a WCS, SOSS by the pastasoss reference); MIRI: what is no sky.",
    )
    apply_flat_field = p.Boolean(False, help="Divide by the flat while background and noise are fitted.")
    n_sigma = p.Float(2.0, unit="sigma", help="Pixels further from the background are no background; 0 takes all.")
    fit_histogram = p.Boolean(False, help="Get the background's level and width in rates from a histogram.")
    single_mask = p.Boolean(True, help="One mask for all integrations.")
    user_mask = p.Path(None, help="FITS file with a mask, 1 for background and 0 for anything else, to use instead.")
    save_mask = p.Boolean(False, help="Also save the mask, as a mask product.")
    save_background = p.Boolean(False, help="Also save the background, as a flicker_bkg product.")
    save_noise = p.Boolean(False, help="Also save what was added to the data, as a flicker_noise product.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        return self._settings().wanted_references(meta)

    @property
    def asks_jwst(self) -> bool:
        return self.mask_science_regions or self.autoparam or self.background_method == MEDIAN_IMAGE

    def check(self, meta: Any, references: References) -> None:
        check_settings(self.label, self._settings(), meta, references)

    def apply(self, exposure: RampOrRate, references: References) -> Produced:
        settings = self._settings()
        skip_others(settings, exposure, references)
        inputs = inputs_of(exposure, references, settings, folder=self.folder_of_inputs(references))
        chosen = chosen_for(settings, inputs)
        flat = inputs.flat() if chosen.apply_flat_field else None
        # Masks follow the parameters as given; of those that autoparam chooses only the flat matters to them.
        mask = find_mask(settings, inputs, flat)
        cleaned = clean(chosen, inputs, mask, flat, workers=threads.inside(self, exposure))
        result = replace(exposure, data=cleaned.data)
        return Produced((result,), self._side_products(mask, cleaned, exposure))

    def _settings(self) -> FlickerSettings:
        return flicker_settings(self.get_pars())

    def _side_products(self, mask: Array, cleaned: Cleaned, exposure: RampOrRate) -> tuple[SideProduct, ...]:
        products = []
        if self.save_mask:
            products.append(SideProduct(bare_model(mask, exposure), suffix="mask"))
        if self.save_background:
            products.append(SideProduct(bare_model(cleaned.background, exposure), suffix="flicker_bkg"))
        if self.save_noise:
            products.append(SideProduct(bare_model(cleaned.data - exposure.data, exposure), suffix="flicker_noise"))
        return tuple(products)
