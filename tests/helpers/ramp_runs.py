"""Ramp fits in a test: on a library, and by the slow loop."""

import numpy as np

from gpipe.ramp_fitting.fit import fit_ramps
from helpers.ramp_oracle import fit_pixel

NAMES = ("data", "groupdq", "pixeldq", "readnoise", "gain")


def run(library, ramps, options, **how):
    more = {name: ramps[name] for name in ("dark_current", "zeroframe") if ramps.get(name) is not None}
    return library.run(fit_ramps, *(ramps[name] for name in NAMES), options=options, **more, **how)


def by_loop(ramps, options):
    """The oracle's answer for each pixel; those whose read noise is 0 or NaN, which have no rate, are left out."""
    rows, columns = ramps["gain"].shape
    pixels = {}
    for r, c in np.ndindex(rows, columns):
        if ramps["readnoise"][r, c] > 0:
            zero = None if ramps.get("zeroframe") is None else ramps["zeroframe"][:, r, c]
            dark = 0.0 if ramps.get("dark_current") is None else float(ramps["dark_current"][r, c])
            arrays = (ramps["data"][..., r, c], ramps["groupdq"][..., r, c])
            planes = (ramps["pixeldq"][r, c], ramps["readnoise"][r, c], ramps["gain"][r, c])
            pixels[r, c] = fit_pixel(*arrays, *planes, options, dark, zero)
    return pixels


def straight(rate=30.0, groups=6, integrations=1, shape=(1, 3), **changed):
    data = np.broadcast_to(
        rate * np.arange(1, groups + 1, dtype=np.float32)[:, None, None], (integrations, groups, *shape)
    )
    return {
        "data": data.copy(),
        "groupdq": np.zeros(data.shape, np.uint8),
        "pixeldq": np.zeros(shape, np.uint32),
        "readnoise": np.full(shape, 10, np.float32),
        "gain": np.full(shape, 2, np.float32),
    } | changed
