"""Parameters chosen by the content of an exposure, or excluded by its type."""

import logging
from dataclasses import replace
from typing import Any

from gpipe.clean_flicker_noise.choice import THRESHOLDS, choose
from gpipe.clean_flicker_noise.inputs_exposure import Inputs
from gpipe.clean_flicker_noise.settings_exposure import FlickerSettings
from gpipe.clean_flicker_noise.statistics import image_statistics
from gpipe.datamodels.exposures.instruments import is_miri

log = logging.getLogger(__name__)


def chosen_for(settings: FlickerSettings, inputs: Inputs) -> FlickerSettings:
    """The settings to clean an exposure with, after ``autoparam`` and the kind of exposure have had their say."""
    meta = inputs.exposure.meta
    if settings.chooses(meta):
        settings = replace(settings, **_automatic(inputs))
    elif settings.autoparam:
        log.warning("autoparam: no parameters are known for EXP_TYPE %s; those given are used", meta.exposure.type)
    if settings.apply_flat_field and inputs.references.get("flat") is None:
        log.warning("apply_flat_field: no flat reference applies to this exposure; it is not divided by a flat")
        settings = replace(settings, apply_flat_field=False)
    if settings.fit_by_channel and (meta.subarray.name != "FULL" or is_miri(meta)):
        found = "MIRI" if is_miri(meta) else f"subarray {meta.subarray.name}"
        log.warning("fit_by_channel: found %s, expected near infrared and FULL; all channels together", found)
        settings = replace(settings, fit_by_channel=False)
    return settings


def _automatic(inputs: Inputs) -> dict[str, Any]:
    exposure, has_flat = inputs.exposure, inputs.references.get("flat") is not None
    rate = inputs.draft.mean()
    if has_flat:
        rate = rate / inputs.flat()
    thresholds = THRESHOLDS[exposure.meta.exposure.type]
    rows = thresholds.scatter_rows
    found = image_statistics(rate, axis=inputs.axis, scatter_rows=rows, fill_gaps=inputs.fill_gaps)
    numbers = {name: float(exposure.backend.to_host(value)[0]) for name, value in vars(found).items()}
    chosen = choose(thresholds, **numbers) | {"apply_flat_field": has_flat}
    log.info("autoparam: %s", ", ".join(f"{name}={value!r}" for name, value in chosen.items()))
    return chosen
