"""Exposures of subarrays that are read in stripes."""

from dataclasses import fields, replace

import numpy as np

from gpipe.datamodels.window import StripedWindow, Window
from gpipe.exceptions import ParameterError
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.pixels import Pixels
from gpipe.simulate.ramp import Ramps, expose


def expose_stripes(config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator) -> Ramps:
    """Expose the pixels of the footprint of ``config``, and send the lines of its stripes.

    Lines that are read several times in a frame behave as if they were different pixels with the same properties.
    """
    stripes = config.superstripes or 1
    if config.nints % stripes:
        raise ParameterError(f"nints={config.nints}: expected a multiple of the {stripes} superstripes")
    each = replace(config, nints=config.nints // stripes)
    sent = []
    for number in range(stripes):
        window = config.stripe_window(number)
        sent.append(
            expose(each, arranged(pixels, window, config.footprint), _cut(light, window, config.footprint), rng)
        )
        sent[-1].cosmic_rays["integration"] = sent[-1].cosmic_rays["integration"] * stripes + number

    def in_order(name: str) -> np.ndarray:
        arrays = np.stack([getattr(ramps, name) for ramps in sent], axis=1)
        return arrays.reshape(-1, *arrays.shape[2:])

    hits = np.concatenate([ramps.cosmic_rays for ramps in sent])
    return Ramps(in_order("data"), in_order("zeroframe"), hits, in_order("saturated_from"))


def arranged(pixels: Pixels, window: Window, footprint: Window) -> Pixels:
    """The pixels of an array, from those of the footprint around it."""
    names = [f.name for f in fields(pixels) if f.name not in ("gaps", "noise")]
    return replace(
        pixels,
        **{name: _cut(getattr(pixels, name), window, footprint) for name in names},
        noise=_cut(np.broadcast_to(pixels.noise, pixels.gain.shape), window, footprint),
        gaps={name: _cut(values, window, footprint) for name, values in pixels.gaps.items()},
    )


def _cut(values: np.ndarray, window: Window, footprint: Window) -> np.ndarray:
    rows, columns = window.slices_in(footprint)
    cut = values[..., rows, columns]
    return window.arrange(cut) if isinstance(window, StripedWindow) else cut
