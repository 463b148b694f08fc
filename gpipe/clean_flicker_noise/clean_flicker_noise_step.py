"""The clean_flicker_noise step."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.background_mask.background import FillGaps, default_box, find_background
from gpipe.background_mask.draft_exposure import DraftRates
from gpipe.background_mask.images import one_by_one
from gpipe.background_mask.later_stages_exposure import NoAnswer, require, with_wcs
from gpipe.background_mask.nirspec_light_exposure import lit_science, require_light
from gpipe.background_mask.nirspec_light_host import needs_wcs
from gpipe.background_mask.scene import background_mask, dark_regions, without_gaps
from gpipe.clean_flicker_noise.choice import THRESHOLDS, choose
from gpipe.clean_flicker_noise.cleaning import Cleaned, FitNoise, Method, clean_images, clean_ramp
from gpipe.clean_flicker_noise.full_frame import fit_full_frame
from gpipe.clean_flicker_noise.median_scene_exposure import (
    MIRI_IMAGE,
    SOSS,
    is_miri_series,
    is_time_series,
    make_scene,
    make_series_scene,
    needs_wcs_to_measure,
    refuse,
)
from gpipe.clean_flicker_noise.mesh_gaps_host import gap_filler
from gpipe.clean_flicker_noise.sections import CUTOFFS, Cutoffs, fit_sections
from gpipe.clean_flicker_noise.statistics import image_statistics
from gpipe.clean_flicker_noise.stripes import fit_stripes
from gpipe.controller import Produced, References, SideProduct, Skip, Step
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import CountRate, InFlight, Ramp
from gpipe.datamodels.exposures.instruments import is_miri, is_nirspec
from gpipe.datamodels.files.products import bare_model
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)

FFT_KINDS = ("NRS_MSASPEC", "NRS_IFU", "NRS_FIXEDSLIT", "NRS_BRIGHTOBJ")
BEHIND_SHUTTERS = ("NRS_IFU", "NRS_MSASPEC")
"""Exposures in which shutters that failed open let light through."""
MEDIAN_IMAGE = "median_image"

Exposure = Ramp | CountRate


@dataclass(frozen=True)
class _Chosen:
    """Parameters that ``autoparam`` may change and exposures may rule out."""

    background_method: str | None
    fit_by_channel: bool
    apply_flat_field: bool


class CleanFlickerNoiseStep(Step):
    """Subtract the 1/f noise of the readout from ramps or count rates; skipped by default."""

    class_alias = "clean_flicker_noise"
    reference_file_types = ("flat", "pastasoss", "readnoise", "gain")
    optional_references = ("flat", "pastasoss")
    accepts = (Ramp, CountRate)
    expects = ("dq_init", "saturation", "refpix", "linearity", "dark_sub", "jump")
    expects_near_infrared = ("superbias",)

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
        wanted = ["readnoise", "gain"] if self._drafts(meta) else []
        if self.apply_flat_field or self._chooses(meta) or self._masks_by_flat(meta):
            wanted.append("flat")
        if meta.exposure.type == SOSS:
            wanted.append("pastasoss")
        return wanted

    def check(self, meta: Any, references: References) -> None:
        if self._measures_series(meta):
            found = f"'median_image' for {meta.exposure.type}, whose light is measured in later stages"
            require(f"{self.label}.background_method", found, "'median', 'model' or None")
        mask = self._mask_file()
        if mask is not None and not Path(mask).is_file():
            raise ParameterError(f"{self.label}.user_mask: found no file {mask}, expected a FITS file")
        if self.mask_science_regions and mask is None:
            self._check_science_regions(meta, references)

    def _check_science_regions(self, meta: Any, references: References) -> None:
        open_shutters = meta.exposure.type in BEHIND_SHUTTERS
        parameter = f"{self.label}.mask_science_regions"
        require_light(parameter, meta, open_shutters=open_shutters, instead="False, or a user_mask")
        if meta.exposure.type == SOSS and references.pastasoss is None:
            raise ParameterError(
                f"{parameter}: found True, but no pastasoss reference applies to this exposure; "
                "expected False, or a user_mask"
            )

    def apply(self, exposure: Exposure, references: References) -> Produced:
        kind = exposure.meta.exposure.type
        if is_miri(exposure.meta) and kind != MIRI_IMAGE:
            raise Skip(f"EXP_TYPE is {kind}; of MIRI only {MIRI_IMAGE} is cleaned")
        if self.fit_method == "fft" and kind not in FFT_KINDS:
            raise Skip(f"fit_method is 'fft', expected 'median' for {kind}")
        if self.background_method == MEDIAN_IMAGE:
            refuse(exposure, references)
        fill = gap_filler(exposure.backend)
        prepare = partial(self._with_wcs, references=references)
        draft = DraftRates(exposure, references, by_integration=self._by_integration(), prepare=prepare)
        chosen = self._choose(exposure, references, draft, fill)
        flat = _flat(exposure, references, fill) if chosen.apply_flat_field else None
        mask = self._mask(exposure, references, draft, flat)
        cleaned = self._clean(exposure, references, chosen, mask, draft, flat, fill)
        _tell_unusable(exposure.backend.to_host(cleaned.usable))
        result = replace(exposure, data=cleaned.data)
        return Produced((result,), self._side_products(mask, cleaned, exposure))

    # --- parameters ---------------------------------------------------------------------------------------------

    def _mask_file(self) -> str | None:
        return None if str(self.user_mask).lower() in ("none", "") else self.user_mask

    def _drafts(self, meta: Any) -> bool:
        """Whether rates are needed to tell background from sources, or to choose parameters."""
        return self._mask_file() is None or self.background_method == MEDIAN_IMAGE or self._chooses(meta)

    def _chooses(self, meta: Any) -> bool:
        return self.autoparam and meta.exposure.type in THRESHOLDS

    def _masks_by_flat(self, meta: Any) -> bool:
        """Whether a flat of MIRI is to tell where there is no sky."""
        masks = self.mask_science_regions and meta.exposure.type == MIRI_IMAGE and self._mask_file() is None
        return masks or (self._measures_series(meta) and is_miri_series(meta))

    def _measures_series(self, meta: Any) -> bool:
        return self.background_method == MEDIAN_IMAGE and is_time_series(meta)

    def _uses_wcs(self, meta: Any) -> bool:
        masks = self.mask_science_regions and self._mask_file() is None and needs_wcs(meta)
        return masks or (self._measures_series(meta) and needs_wcs_to_measure(meta))

    def _by_integration(self) -> bool:
        return not self.single_mask or self.background_method == MEDIAN_IMAGE

    def _choose(self, exposure: Exposure, references: References, draft: DraftRates, fill: FillGaps) -> _Chosen:
        """The parameters to use, after ``autoparam`` and the kind of exposure have had their say."""
        meta = exposure.meta
        method = None if str(self.background_method) == "None" else self.background_method
        chosen = _Chosen(method, self.fit_by_channel, self.apply_flat_field)
        if self._chooses(meta):
            chosen = self._automatic(exposure, references, draft, fill)
        elif self.autoparam:
            log.warning("autoparam: no parameters are known for EXP_TYPE %s; those given are used", meta.exposure.type)
        if chosen.apply_flat_field and references.flat is None:
            log.warning("apply_flat_field: no flat reference applies to this exposure; it is not divided by a flat")
            chosen = replace(chosen, apply_flat_field=False)
        if chosen.fit_by_channel and (meta.subarray.name != "FULL" or is_miri(meta)):
            found = "MIRI" if is_miri(meta) else f"subarray {meta.subarray.name}"
            log.warning("fit_by_channel: found %s, expected near infrared and FULL; all channels together", found)
            chosen = replace(chosen, fit_by_channel=False)
        return chosen

    def _automatic(self, exposure: Exposure, references: References, draft: DraftRates, fill: FillGaps) -> _Chosen:
        rate = draft.mean()
        if references.flat is not None:
            rate = rate / _flat(exposure, references, fill)
        thresholds = THRESHOLDS[exposure.meta.exposure.type]
        found = image_statistics(rate, axis=_axis(exposure), scatter_rows=thresholds.scatter_rows, fill_gaps=fill)
        numbers = {name: float(exposure.backend.to_host(value)[0]) for name, value in vars(found).items()}
        chosen = _Chosen(**choose(thresholds, **numbers), apply_flat_field=references.flat is not None)
        log.info("autoparam: %s", ", ".join(f"{name}={value!r}" for name, value in asdict(chosen).items()))
        return chosen

    def _with_wcs(self, rates: CountRate, *, references: References) -> CountRate:
        meta = rates.meta
        if not self._uses_wcs(meta):
            return rates
        flag_open = meta.exposure.type in BEHIND_SHUTTERS
        try:
            return with_wcs(rates, flag_open=flag_open, folder=self.folder_of_inputs(references))
        except NoAnswer as reason:
            raise Skip(f"no WCS: {reason}", logging.ERROR) from None

    # --- where to look ------------------------------------------------------------------------------------------

    def _mask(self, exposure: Exposure, references: References, draft: DraftRates, flat: Array | None) -> Array:
        path = self._mask_file()
        if path is not None:
            return exposure.backend.to_device(_user_mask(path, exposure.data.shape))
        rates = draft.rates
        return background_mask(
            rates.data if flat is None else rates.data / flat,
            self._science(rates, references),
            n_sigma=self.n_sigma,
            fit_histogram=self.fit_histogram,
            single=not self._by_integration(),
        )

    def _science(self, rates: CountRate, references: References) -> Array | None:
        """Pixels that spectra may fall on; of MIRI's images those that see no light of the sky."""
        if not self.mask_science_regions:
            return None
        if is_nirspec(rates.meta):
            return lit_science(rates)
        if rates.meta.exposure.type == SOSS:
            from gpipe.clean_flicker_noise.soss_traces_host import trace_mask

            traces = trace_mask(references.pastasoss.model, rates.meta, rates.data.shape[-2:])
            return rates.backend.to_device(traces)
        return _dark(rates, references) if rates.meta.exposure.type == MIRI_IMAGE else None

    # --- cleaning -----------------------------------------------------------------------------------------------

    def _clean(
        self,
        exposure: Exposure,
        references: References,
        chosen: _Chosen,
        mask: Array,
        draft: DraftRates,
        flat: Array | None,
        fill: FillGaps,
    ) -> Cleaned:
        method = Method(self._noise(exposure, chosen), flat=flat)
        how = {"keep_background": self.save_background, "workers": threads.inside(self, exposure)}
        if chosen.background_method == MEDIAN_IMAGE:
            scene = self._scene(exposure, references, draft.rates, flat)
            return clean_images(exposure.data, mask, method, scene=scene, **how)
        if chosen.background_method is not None:
            box = tuple(self.background_box_size) if self.background_box_size else None
            _warn_of_uneven(box, exposure.data.shape[-2:], chosen.background_method)
            find = partial(
                find_background, method=chosen.background_method, n_sigma=self.n_sigma, box_size=box, fill_gaps=fill
            )
            method = replace(method, find_background=find)
        if isinstance(exposure, Ramp):
            return clean_ramp(exposure.data, exposure.groupdq, mask, method, **how)
        return clean_images(exposure.data, mask, method, **how)

    def _scene(self, exposure: Exposure, references: References, rates: CountRate, flat: Array | None) -> Array:
        if not self._measures_series(exposure.meta):
            return make_scene(exposure, rates, flat)
        dark = _dark(rates, references) if is_miri_series(exposure.meta) else None
        pastasoss = references.pastasoss if exposure.meta.exposure.type == SOSS else None
        return make_series_scene(exposure, rates, flat, pastasoss=pastasoss, dark=dark)

    def _noise(self, exposure: Exposure, chosen: _Chosen) -> FitNoise:
        if self.fit_method == "median":
            return partial(fit_stripes, axis=_axis(exposure), by_channel=chosen.fit_by_channel)
        detector = exposure.meta.instrument.detector
        if exposure.data.shape[-2:] == (DETECTOR_SIZE, DETECTOR_SIZE):
            return one_by_one(partial(fit_full_frame, detector=detector))
        cutoffs = CUTOFFS.get(exposure.meta.subarray.name, Cutoffs())
        fit = partial(fit_sections, detector=detector, cutoffs=cutoffs, read_counts=exposure.backend.to_host)
        return one_by_one(fit)

    def _side_products(self, mask: Array, cleaned: Cleaned, exposure: Exposure) -> tuple[SideProduct, ...]:
        products = []
        if self.save_mask:
            products.append(SideProduct(bare_model(mask, exposure), suffix="mask"))
        if self.save_background:
            products.append(SideProduct(bare_model(cleaned.background, exposure), suffix="flicker_bkg"))
        if self.save_noise:
            products.append(SideProduct(bare_model(cleaned.data - exposure.data, exposure), suffix="flicker_noise"))
        return tuple(products)


def _axis(exposure: InFlight) -> int:
    """The array axis along which noise is the same: that in which lines are read; of MIRI that of columns."""
    return 0 if is_miri(exposure.meta) else abs(exposure.meta.subarray.slowaxis) - 1


def _dark(rates: CountRate, references: References) -> Array:
    """Pixels of MIRI that do not see the sky."""
    flat = references.flat
    planes = () if flat is None else (flat.plane(name, rates) for name in ("data", "dq", "err"))
    return dark_regions(rates.dq, *planes)


def _flat(exposure: InFlight, references: References, fill: FillGaps) -> Array:
    return without_gaps(references.flat.plane("data", exposure), fill_gaps=fill)


def _user_mask(path: str, shape: tuple[int, ...]) -> np.ndarray:
    from stdatamodels.jwst import datamodels

    with datamodels.open(path) as model:
        mask = np.asarray(model.data).astype(bool)
    integrations = shape[0] if len(shape) > 2 else 1
    if mask.shape[-2:] != shape[-2:] or (mask.ndim == 3 and mask.shape[0] != integrations):
        raise Skip(
            f"user_mask {path}: found shape {mask.shape}, expected {shape[-2:]} or {(integrations, *shape[-2:])}"
        )
    return mask


def _warn_of_uneven(box: tuple[int, ...] | None, shape: tuple[int, ...], method: str) -> None:
    if method == "model" and box and any(size % side for size, side in zip(shape, box, strict=True)):
        even = tuple(default_box(size) for size in shape)
        log.warning("background_box_size: found %s, expected boxes that fit %s evenly, such as %s", box, shape, even)


def _tell_unusable(usable: np.ndarray) -> None:
    for place in np.argwhere(~usable):
        names = ("integration", "group")[: len(place)]
        where = ", ".join(f"{name} {number + 1}" for name, number in zip(names, place, strict=True))
        log.warning("%s: no pixel can be used; it is left as it is", where)
