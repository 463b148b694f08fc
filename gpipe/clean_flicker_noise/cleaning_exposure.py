"""Take the noise of the readout out of an exposure."""

import logging
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.background_mask.background import default_box, find_background
from gpipe.background_mask.images import one_by_one
from gpipe.clean_flicker_noise.cleaning import Cleaned, FitNoise, Method, clean_images, clean_ramp
from gpipe.clean_flicker_noise.full_frame import fit_full_frame
from gpipe.clean_flicker_noise.inputs_exposure import Inputs
from gpipe.clean_flicker_noise.median_scene_exposure import SOSS, is_miri_series, make_scene, make_series_scene
from gpipe.clean_flicker_noise.sections import CUTOFFS, Cutoffs, fit_sections
from gpipe.clean_flicker_noise.settings_exposure import MEDIAN_IMAGE, FlickerSettings
from gpipe.clean_flicker_noise.stripes import fit_stripes
from gpipe.datamodels import Ramp

log = logging.getLogger(__name__)


def clean(settings: FlickerSettings, inputs: Inputs, mask: Array, flat: Array | None, *, workers: int) -> Cleaned:
    """Clean an exposure, and tell in the log which of its images have no usable pixel.

    Parameters
    ----------
    mask : bool, (row, column) or (integration, row, column), where to look for background.
    flat : float32, (row, column), which images are divided by before; None for none.
    workers : threads; the result does not depend on it.
    """
    cleaned = _cleaned(settings, inputs, mask, flat, workers=workers)
    _tell_unusable(inputs.exposure.backend.to_host(cleaned.usable))
    return cleaned


def _cleaned(settings: FlickerSettings, inputs: Inputs, mask: Array, flat: Array | None, *, workers: int) -> Cleaned:
    exposure, method = inputs.exposure, Method(_noise(settings, inputs), flat=flat)
    how: dict[str, Any] = {"keep_background": settings.keep_background, "workers": workers}
    if settings.background_method == MEDIAN_IMAGE:
        return clean_images(exposure.data, mask, method, scene=_scene(settings, inputs, flat), **how)
    if settings.background_method is not None:
        box = settings.background_box_size
        _warn_of_uneven(box, exposure.data.shape[-2:], settings.background_method)
        find = partial(
            find_background,
            method=settings.background_method,
            n_sigma=settings.n_sigma,
            box_size=box,
            fill_gaps=inputs.fill_gaps,
        )
        method = replace(method, find_background=find)
    if isinstance(exposure, Ramp):
        return clean_ramp(exposure.data, exposure.groupdq, mask, method, **how)
    return clean_images(exposure.data, mask, method, **how)


def _scene(settings: FlickerSettings, inputs: Inputs, flat: Array | None) -> Array:
    exposure, rates = inputs.exposure, inputs.draft.rates
    if not settings.measures_series(exposure.meta):
        return make_scene(exposure, rates, flat)
    dark = inputs.dark() if is_miri_series(exposure.meta) else None
    pastasoss = inputs.references.get("pastasoss") if exposure.meta.exposure.type == SOSS else None
    return make_series_scene(exposure, rates, flat, pastasoss=pastasoss, dark=dark)


def _noise(settings: FlickerSettings, inputs: Inputs) -> FitNoise:
    exposure = inputs.exposure
    if settings.fit_method == "median":
        return partial(fit_stripes, axis=inputs.axis, by_channel=settings.fit_by_channel)
    detector = exposure.meta.instrument.detector
    if exposure.data.shape[-2:] == (DETECTOR_SIZE, DETECTOR_SIZE):
        return one_by_one(partial(fit_full_frame, detector=detector))
    cutoffs = CUTOFFS.get(exposure.meta.subarray.name, Cutoffs())
    fit = partial(fit_sections, detector=detector, cutoffs=cutoffs, read_counts=exposure.backend.to_host)
    return one_by_one(fit)


def _warn_of_uneven(box: tuple[int, int] | None, shape: tuple[int, ...], method: str) -> None:
    if method == "model" and box and any(size % side for size, side in zip(shape, box, strict=True)):
        even = tuple(default_box(size) for size in shape)
        log.warning("background_box_size: found %s, expected boxes that fit %s evenly, such as %s", box, shape, even)


def _tell_unusable(usable: np.ndarray) -> None:
    for place in np.argwhere(~usable):
        names = ("integration", "group")[: len(place)]
        where = ", ".join(f"{name} {number + 1}" for name, number in zip(names, place, strict=True))
        log.warning("%s: no pixel can be used; it is left as it is", where)
