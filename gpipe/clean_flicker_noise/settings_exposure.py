"""Settings of the clean_flicker_noise step: its parameters, and their meaning for an exposure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.background_mask.later_stages_exposure import require
from gpipe.background_mask.nirspec_light_exposure import require_light
from gpipe.background_mask.nirspec_light_host import needs_wcs
from gpipe.clean_flicker_noise.choice import THRESHOLDS
from gpipe.clean_flicker_noise.median_scene_exposure import (
    MIRI_IMAGE,
    SOSS,
    RampOrRate,
    is_miri_series,
    is_time_series,
    needs_wcs_to_measure,
    refuse,
)
from gpipe.controller import References, Skip
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.datamodels.references.checks import contents_of
from gpipe.exceptions import ParameterError

FFT_KINDS = ("NRS_MSASPEC", "NRS_IFU", "NRS_FIXEDSLIT", "NRS_BRIGHTOBJ")
BEHIND_SHUTTERS = ("NRS_IFU", "NRS_MSASPEC")
"""Exposures in which shutters that failed open let light through."""
MEDIAN_IMAGE = "median_image"


@dataclass(frozen=True, kw_only=True)
class FlickerSettings:
    """Settings of the cleaning of exposures.

    Attributes
    ----------
    autoparam : choose ``background_method``, ``fit_by_channel`` and ``apply_flat_field`` where thresholds are known.
    fit_method : ``"fft"`` or ``"median"``.
    fit_by_channel : fit each readout channel separately.
    background_method : ``"median"``, ``"model"`` or ``"median_image"``; None for no background.
    background_box_size : rows and columns of the boxes of the model; None for the default.
    mask_science_regions : leave out regions of spectra; for MIRI, regions without sky.
    apply_flat_field : divide by the flat while background and noise are fitted.
    n_sigma : standard deviations from the background up to which pixels are background; 0 takes all.
    fit_histogram : get the background's level and width from a histogram.
    single_mask : one mask for all integrations.
    mask_file : file with the mask to use; None to find one.
    keep_background : also return the background.
    """

    autoparam: bool
    fit_method: str
    fit_by_channel: bool
    background_method: str | None
    background_box_size: tuple[int, int] | None
    mask_science_regions: bool
    apply_flat_field: bool
    n_sigma: float
    fit_histogram: bool
    single_mask: bool
    mask_file: str | None
    keep_background: bool

    @property
    def by_integration(self) -> bool:
        """Tell whether each integration has its own mask and draft rates."""
        return not self.single_mask or self.background_method == MEDIAN_IMAGE

    def chooses(self, meta: Any) -> bool:
        """Tell whether parameters are chosen by the content of the exposure."""
        return self.autoparam and meta.exposure.type in THRESHOLDS

    def measures_series(self, meta: Any) -> bool:
        """Tell whether later stages measure the flux of each integration."""
        return self.background_method == MEDIAN_IMAGE and is_time_series(meta)

    def uses_wcs(self, meta: Any) -> bool:
        """Tell whether the draft rates need a WCS."""
        masks = self.mask_science_regions and self.mask_file is None and needs_wcs(meta)
        return masks or (self.measures_series(meta) and needs_wcs_to_measure(meta))

    def wanted_references(self, meta: Any) -> list[str]:
        """References that an exposure needs."""
        wanted = ["readnoise", "gain"] if self._drafts(meta) else []
        if self.apply_flat_field or self.chooses(meta) or self._masks_by_flat(meta):
            wanted.append("flat")
        if meta.exposure.type == SOSS:
            wanted.append("pastasoss")
        return wanted

    def _drafts(self, meta: Any) -> bool:
        """Tell whether rates are needed to separate background from sources, or to choose parameters."""
        return self.mask_file is None or self.background_method == MEDIAN_IMAGE or self.chooses(meta)

    def _masks_by_flat(self, meta: Any) -> bool:
        """Tell whether a flat of MIRI marks the pixels without sky."""
        masks = self.mask_science_regions and meta.exposure.type == MIRI_IMAGE and self.mask_file is None
        return masks or (self.measures_series(meta) and is_miri_series(meta))


def flicker_settings(given: Mapping[str, Any]) -> FlickerSettings:
    """Settings of the step; ``given`` holds the values of its parameters by their names."""
    method, box, mask_file = (given[name] for name in ("background_method", "background_box_size", "user_mask"))
    return FlickerSettings(
        autoparam=given["autoparam"],
        fit_method=given["fit_method"],
        fit_by_channel=given["fit_by_channel"],
        background_method=None if str(method) == "None" else method,
        background_box_size=tuple(box) if box else None,
        mask_science_regions=given["mask_science_regions"],
        apply_flat_field=given["apply_flat_field"],
        n_sigma=given["n_sigma"],
        fit_histogram=given["fit_histogram"],
        single_mask=given["single_mask"],
        mask_file=None if str(mask_file).lower() in ("none", "") else mask_file,
        keep_background=given["save_background"],
    )


def check_settings(label: str, settings: FlickerSettings, meta: Any, references: References) -> None:
    """Refuse, before any pixel is read, what cannot be done; ``label`` names the step."""
    if settings.measures_series(meta):
        found = f"'median_image' for {meta.exposure.type}, whose light is measured in later stages"
        require(f"{label}.background_method", found, "'median', 'model' or None")
    mask = settings.mask_file
    if mask is not None and not Path(mask).is_file():
        raise ParameterError.at(f"{label}.user_mask", f"no file {mask}", "a FITS file")
    if settings.mask_science_regions and mask is None:
        _check_science_regions(f"{label}.mask_science_regions", meta, references)


def _check_science_regions(parameter: str, meta: Any, references: References) -> None:
    open_shutters = meta.exposure.type in BEHIND_SHUTTERS
    require_light(parameter, meta, open_shutters=open_shutters, instead="False, or a user_mask")
    if meta.exposure.type != SOSS:
        return
    pastasoss = references.get("pastasoss")
    if pastasoss is None:
        raise ParameterError(
            f"{parameter}: found True, but no pastasoss reference applies to this exposure; "
            "expected False, or a user_mask"
        )
    from gpipe.clean_flicker_noise.soss_traces_host import trace_mask

    with contents_of(pastasoss, "traces and wavelengths of spectra"):
        trace_mask(pastasoss.model, meta, (meta.subarray.ysize, meta.subarray.xsize))


def skip_others(settings: FlickerSettings, exposure: RampOrRate, references: References) -> None:
    """Skip exposures that are not cleaned, or not by these settings."""
    kind = exposure.meta.exposure.type
    if is_miri(exposure.meta) and kind != MIRI_IMAGE:
        raise Skip(f"EXP_TYPE is {kind}; of MIRI only {MIRI_IMAGE} is cleaned")
    if settings.fit_method == "fft" and kind not in FFT_KINDS:
        raise Skip(f"fit_method is 'fft', expected 'median' for {kind}")
    if settings.background_method == MEDIAN_IMAGE:
        refuse(exposure, references)
