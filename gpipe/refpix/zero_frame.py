"""Reference-pixel correction of the zero frame."""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe.arrays import Array


def correct_zero_frame(zeroframe: Array, correct: Callable[[Array], Array]) -> Array:
    """Correct the first frame of every integration as if it were a group; zeros, which mark bad pixels, stay zeros.

    Parameters
    ----------
    zeroframe : float32, (integration, row, column), DN.
    correct : the correction, of data with the axes (integration, group, row, column).
    """
    xp = array_namespace(zeroframe)
    corrected = correct(zeroframe[:, None, ...])[:, 0, ...]
    return xp.where(zeroframe == 0, zeroframe, corrected)
