"""Median image of all integrations, scaled to the flux of each: by medians, or as jwst measures time series."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.background_mask.later_stages_exposure import NoAnswer, light_curve, soss_scene
from gpipe.background_mask.scene import flagged
from gpipe.clean_flicker_noise.median_image import relative_light, scaled_median
from gpipe.controller import References, Skip
from gpipe.datamodels import Ramp, Rate

log = logging.getLogger(__name__)

SOSS, MIRI_IMAGE = "NIS_SOSS", "MIR_IMAGE"
_WITH_WCS = ("NRS_BRIGHTOBJ", "NRC_TSGRISM", "NRC_TSIMAGE")

RampOrRate = Ramp | Rate


def is_time_series(meta: Any) -> bool:
    """Tell whether steps of later stages measure the flux of an exposure."""
    return meta.exposure.type == SOSS or needs_wcs_to_measure(meta)


def needs_wcs_to_measure(meta: Any) -> bool:
    """Tell whether the steps that measure the flux need a WCS."""
    return meta.exposure.type in _WITH_WCS or is_miri_series(meta)


def is_miri_series(meta: Any) -> bool:
    """Tell whether an exposure is a time series of MIRI images."""
    return meta.exposure.type == MIRI_IMAGE and bool(meta.visit.tsovisit) and (meta.exposure.nints or 2) > 1


def refuse(exposure: RampOrRate, references: References) -> None:
    """Skip exposures that have no median image."""
    if exposure.data.ndim == 2 or exposure.data.shape[0] == 1:
        raise Skip("background_method is 'median_image' and the exposure has 1 integration, expected 2 or more")
    if exposure.meta.exposure.type == SOSS and references.get("pastasoss") is None:
        raise Skip("background_method is 'median_image' and no pastasoss reference applies to the exposure")


def make_scene(exposure: RampOrRate, rates: Rate, flat: Array | None) -> Array:
    """The median, scaled by the medians of the integrations; float32, of the shape of ``exposure.data``."""
    light = relative_light(rates.data if flat is None else rates.data / flat)
    unmeasured = int(np.count_nonzero(~exposure.backend.to_host(light.measured)))
    if unmeasured == exposure.data.shape[0]:
        raise Skip("found no light in any integration to scale the median image by")
    if unmeasured:
        log.warning("%d integrations have no measurable light; the median image is scaled to the others", unmeasured)
    return scaled_median(exposure.data, light.factor)


def make_series_scene(
    exposure: RampOrRate, rates: Rate, flat: Array | None, *, pastasoss: Any = None, dark: Array | None = None
) -> Array:
    """Scale the median of a time series to the flux that jwst measures; for NIRISS SOSS the sky is separate.

    Parameters
    ----------
    rates : with a WCS, except for NIRISS SOSS.
    pastasoss : Reference, for NIRISS SOSS.
    dark : bool, pixels that do not see the sky.
    """
    measured = rates if flat is None else replace(rates, data=rates.data / flat)
    if dark is not None:
        measured = replace(measured, dq=flagged(measured.dq, dark))
    to_device = exposure.backend.to_device
    try:
        if pastasoss is None:
            return scaled_median(exposure.data, to_device(light_curve(measured)))
        scene = to_device(soss_scene(exposure, measured, pastasoss.model))
    except NoAnswer as reason:
        raise Skip(str(reason)) from None
    # That of ramps is made of the ramps themselves, that of rates of what was divided by the flat.
    return scene if flat is None or isinstance(exposure, Ramp) else scene * flat
