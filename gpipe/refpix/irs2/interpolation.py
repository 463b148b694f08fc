"""The reference output of IRS2 readout without gaps: its values at the times when it was not read."""

import math
from collections.abc import Iterator

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.fourier import Fourier, arranged
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2.streams import REFERENCE, STEP, with_gaps, without_gaps

REACH = 16
"""Half-width of the interpolating cosine in pixel times; it is 0 at this distance."""
LINE, LINES = 2 * REACH, 32
"""Samples that are summed by one row of a matrix product, and rows of a product, few as in `Fourier`."""
ROUNDS = 3
TAPER, FRAME_TIMES = 5000, 712 * 2048
"""Frequencies over which the filter falls, in a frame of so many pixel times."""


def fill_zeros(stream: Array) -> Array:
    """Replace samples that are exactly 0 by the mean of the known ones around them, weighted with a cosine.

    The weight at the distance d is cos(πd/32), |d| < 16. A sample without a known one in reach stays 0. The end of the
    stream is followed by its beginning.

    Parameters
    ----------
    stream : real floating, (time,).
    """
    xp = array_namespace(stream)
    wrapped = xp.concat([stream[-REACH:], stream, stream[:REACH]])
    filled = xp.empty_like(stream)
    cosines = _cosines(stream)
    for part in _parts(stream):
        samples = wrapped[part.start : part.stop + 2 * REACH]
        weight = _smoothed(xp.astype(samples != 0, stream.dtype), cosines)
        value = _smoothed(samples, cosines) / xp.where(weight > 0, weight, 1.0)
        filled[part] = xp.where(stream[part] != 0, stream[part], value)
    return filled


class BandLimited:
    """Replaces all but the normal samples by those of a band-limited signal that has the same normal samples.

    Papoulis' iteration (1975, IEEE Trans. CAS 22, 735), three times: all frequencies between those that a sample a
    block can show and their mirror images near the highest are removed, and the normal samples put back.

    Parameters
    ----------
    like : float32, (time,): a stream of the length, dtype and device of those to be filled.
    rows : of the detector frame.
    fourier : for such streams.
    """

    def __init__(self, like: Array, rows: int, fourier: Fourier) -> None:
        self._xp = xp = array_namespace(like)
        self._known = _at_normal_times(like, rows, xp=xp)
        self._passed = arranged(band(like, rows))
        self._fourier = fourier

    def fill(self, stream: Array) -> Array:
        """``stream`` holds first guesses where it is not a normal sample."""
        guess = stream
        for _ in range(ROUNDS):
            spectrum = self._fourier.spectrum(guess)
            del guess  # its memory is for the next one
            for rows in row_slices(spectrum):
                spectrum[rows, :] *= self._passed[rows, :]
            guess = self._fourier.stream(spectrum)
            for part in _parts(guess):
                guess[part] = self._xp.where(self._known[part], stream[part], guess[part])
        return guess


def band(stream: Array, rows: int) -> Array:
    """The filter of `BandLimited` for all frequencies of a stream of n: 1 near 0 and n/2, 0 between."""
    xp = array_namespace(stream)
    total = stream.shape[0]
    taper = max(TAPER * total // FRAME_TIMES, 1)
    flat = (total // rows // STEP) * rows // 2 - taper // 2
    half = total // 2
    frequency = xp.arange(half, dtype=stream.dtype, device=device(stream))
    from_end = xp.minimum(frequency, half - 1 - frequency)
    phase = xp.clip((from_end - flat) / taper, 0.0, 1.0)
    falling = 0.5 * (xp.cos(phase * math.pi) + 1.0)
    return xp.concat([falling, xp.ones((1,), dtype=stream.dtype, device=device(stream)), xp.flip(falling[1:])])


def _at_normal_times(stream: Array, rows: int, *, xp: Namespace) -> Array:
    """bool, (time,)."""
    pixels = without_gaps(stream, rows).shape[-1]
    line = xp.ones((1, pixels), dtype=stream.dtype, device=device(stream))
    blocks = xp.reshape(line, (-1, STEP - 2))
    parts = [blocks[:, : REFERENCE.start], 0 * blocks[:, REFERENCE], blocks[:, REFERENCE.stop :]]
    normal = with_gaps(xp.reshape(xp.concat(parts, axis=-1), (1, pixels))) != 0
    return xp.tile(normal, (rows,))


def _smoothed(x: Array, cosines: Array) -> Array:
    """Sum over the cosine's reach; ``REACH`` samples shorter at both ends."""
    xp = array_namespace(x, cosines)
    size = x.shape[0] - 2 * REACH
    missing = -size % (LINES * LINE)
    padded = xp.concat([x, xp.zeros((missing,), dtype=x.dtype, device=device(x))]) if missing else x
    own, next_ones = (xp.reshape(part, (-1, LINES, LINE)) for part in (padded[:-LINE], padded[LINE:]))
    return xp.reshape(xp.matmul(xp.concat([own, next_ones], axis=-1), cosines), (-1,))[:size]


def _cosines(like: Array) -> Array:
    """Matrix of weights for the sums around each sample between the middles of a line and the next one."""
    xp = array_namespace(like)
    place = xp.arange(2 * LINE, dtype=like.dtype, device=device(like))
    distance = place[:, None] - place[REACH:-REACH]
    return xp.where(xp.abs(distance) < REACH, xp.cos(distance * (math.pi / LINE)), 0.0)


def _parts(stream: Array) -> Iterator[slice]:
    return row_slices(stream[:, None])
