"""Subtraction of a signal that depends only on the phase at which a pixel is read."""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.rows import CACHED_PIXELS, row_slices
from gpipe.emicorr.readout import OUTPUTS, within_cycle

Noise = Callable[[Array], Array]
"""Signal, float32, DN, at phases from 0 to 1."""


def subtract_noise(data: Array, pixels: Array, starts: Array, noise: Noise, amplitudes: Array | None = None) -> Array:
    """Subtract noise of a known phase from every frame; the four outputs have the same.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    pixels : phase of each pixel in its frame, (row, column / 4), cycles.
    starts : phase of the first pixel of each frame, (integration, group), cycles; of the same dtype.
    noise : the signal at a phase.
    amplitudes : factors of the signal, (integration,); None is 1.

    Returns
    -------
    A new array. Any part of the rows and of the integrations can be done by itself.
    """
    xp = array_namespace(data, pixels, starts)
    out = xp.empty_like(data)
    for integration in range(data.shape[0]):
        start = starts[integration, :, None, None]
        for rows in row_slices(data[0, 0, ...], pixels=max(CACHED_PIXELS // data.shape[1], 1)):
            signal = noise(within_cycle(pixels[None, rows, :] + start))
            if amplitudes is not None:
                signal = signal * xp.astype(amplitudes[integration], data.dtype)
            out[integration, :, rows, :] = data[integration, :, rows, :] - xp.repeat(signal, OUTPUTS, axis=-1)
    return out
