"""A periodic wave between its samples."""

from array_api_compat import array_namespace

from gpipe.arrays import Array


def wave_at(phase: Array, pieces: Array) -> Array:
    """Values of a wave at phases from 0 to 1.

    Parameters
    ----------
    phase : real floating, of any shape, cycles.
    pieces : (4, sample + 1), of the same dtype: coefficients, from the cube to the constant, of the polynomial between
        two samples; its argument goes from 0 to 1. Sample k of n is at phase (k + 1/2) / n; the first piece begins at
        the last sample of the cycle before, the last one ends at the first sample of the next.
    """
    xp = array_namespace(phase, pieces)
    place = xp.reshape(phase * (pieces.shape[1] - 1) + 0.5, (-1,))
    below = xp.floor(place)
    inside, piece = place - below, xp.astype(below, xp.int64)
    value = xp.take(pieces[0, :], piece)
    for power in range(1, 4):
        value = value * inside + xp.take(pieces[power, :], piece)
    return xp.reshape(value, phase.shape)
