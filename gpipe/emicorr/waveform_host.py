"""Polynomials between the samples of a reference wave. Works on the host, where the reference has been read: SciPy."""

import numpy as np


def cubic_pieces(wave: np.ndarray) -> np.ndarray:
    """The pieces of a cubic spline through the samples of one cycle, as `wave_at` takes them; float32, (4, sample + 1).

    Parameters
    ----------
    wave : (sample,), DN, at least two. The spline has one more sample of the neighbouring cycles at both ends.
    """
    from scipy.interpolate import CubicSpline

    samples = np.concatenate([wave[-1:], wave, wave[:1]]).astype(np.float64)
    return CubicSpline(np.arange(len(samples)), samples).c.astype(np.float32)
