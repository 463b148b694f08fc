"""Exposures of subarrays that are read in stripes."""

from dataclasses import fields, replace

import numpy as np

from gpipe.datamodels.exposures.window import StripedWindow, Window
from gpipe.exceptions import ParameterError
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.pixels import Pixels
from gpipe.simulate.ramp import Integration, Ramps, all_integrations
from gpipe.simulate.repeats import RepeatedIntegration


def expose_stripes(config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator) -> Ramps:
    """Expose the pixels of the footprint of ``config``, and send the lines of its stripes.

    Lines that are read again before each stripe, as reference pixels are, count as different pixels with the same
    properties, unless all lines are read again: then they collect charge from one repeat to the next.
    """
    stripes = config.superstripes or 1
    if config.nints % stripes:
        raise ParameterError(f"nints={config.nints}: expected a multiple of the {stripes} superstripes")
    each = replace(config, nints=config.nints // stripes)
    kind = RepeatedIntegration if len(config.repeat_times) > 1 else Integration
    sent = []
    for number in range(stripes):
        window = config.stripe_window(number)
        seen = arranged(pixels, window, config.footprint), cut(light, window, config.footprint)
        sent.append(all_integrations(each, kind(each, *seen, rng)))
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
        **{name: cut(getattr(pixels, name), window, footprint) for name in names},
        noise=cut(np.broadcast_to(pixels.noise, pixels.gain.shape), window, footprint),
        gaps={name: cut(values, window, footprint) for name, values in pixels.gaps.items()},
    )


def cut(values: np.ndarray, window: Window, footprint: Window) -> np.ndarray:
    """The last two axes of a window, from those of the footprint around it."""
    rows, columns = window.slices_in(footprint)
    cut = values[..., rows, columns]
    return window.arrange(cut) if isinstance(window, StripedWindow) else cut
