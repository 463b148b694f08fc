"""The mask of background pixels of an exposure: found in its rates, or given by the user."""

import numpy as np

from gpipe.arrays import Array
from gpipe.background_mask.nirspec_light_exposure import lit_science
from gpipe.background_mask.scene import background_mask
from gpipe.clean_flicker_noise.inputs_exposure import Inputs
from gpipe.clean_flicker_noise.median_scene_exposure import MIRI_IMAGE, SOSS
from gpipe.clean_flicker_noise.settings_exposure import FlickerSettings
from gpipe.controller import Skip
from gpipe.datamodels.exposures.instruments import is_nirspec


def find_mask(settings: FlickerSettings, inputs: Inputs, flat: Array | None) -> Array:
    """The mask, bool, (row, column) or (integration, row, column); rates are divided by ``flat`` before."""
    if settings.mask_file is not None:
        mask = _read_mask(settings.mask_file, inputs.exposure.data.shape)
        return inputs.exposure.backend.to_device(mask)
    rates = inputs.draft.rates
    return background_mask(
        rates.data if flat is None else rates.data / flat,
        _science(inputs) if settings.mask_science_regions else None,
        n_sigma=settings.n_sigma,
        fit_histogram=settings.fit_histogram,
        single=not settings.by_integration,
    )


def _science(inputs: Inputs) -> Array | None:
    """Pixels that spectra may fall on; of MIRI's images those that see no light of the sky."""
    rates = inputs.draft.rates
    kind = rates.meta.exposure.type
    if is_nirspec(rates.meta):
        return lit_science(rates)
    if kind == SOSS:
        from gpipe.clean_flicker_noise.soss_traces_host import trace_mask

        traces = trace_mask(inputs.references["pastasoss"].model, rates.meta, rates.data.shape[-2:])
        return rates.backend.to_device(traces)
    return inputs.dark() if kind == MIRI_IMAGE else None


def _read_mask(path: str, shape: tuple[int, ...]) -> np.ndarray:
    from stdatamodels.jwst import datamodels

    with datamodels.open(path) as model:
        mask = np.asarray(model.data).astype(bool)
    integrations = shape[0] if len(shape) > 2 else 1
    if mask.shape[-2:] != shape[-2:] or (mask.ndim == 3 and mask.shape[0] != integrations):
        raise Skip(
            f"user_mask {path}: found shape {mask.shape}, expected {shape[-2:]} or {(integrations, *shape[-2:])}"
        )
    return mask
