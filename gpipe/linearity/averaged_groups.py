"""Linearity of groups that average several frames: the frames are rebuilt and corrected one by one."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.linearity.coefficients import evaluate


def correct_frames(data: Array, saturated: Array, coeffs: Array, inverse: Array, *, nframes: int) -> Array:
    """Correct each group of one integration as the mean of its frames' corrections.

    With ``p`` the correction, ``q`` its inverse, and time ``t`` counted in frames from the middle of group 0:

    1. The pixel's linear ramp is taken to be straight: ``L(t) = p(S_0) + r t``, where the rate ``r`` is that between
       group 0 and the last group but one that is not saturated (group 1 if there are fewer than three).
    2. The frames of group ``g`` were measured as ``q(L(t_f))``, shifted together so that their mean is ``S_g``.
    3. Each goes through ``p``; the corrected group is their mean.

    Frames are counted as if none were dropped between groups, as jwst does.

    Parameters
    ----------
    data : float32, (group, row, column), DN; at least two groups.
    saturated : bool, (group, row, column). The results of these samples have no meaning.
    coeffs, inverse : float32, (power, row, column), free of NaN.
    nframes : frames averaged in a group.
    """
    xp = array_namespace(data, saturated, coeffs, inverse)
    times = xp.arange(nframes, dtype=data.dtype, device=device(data))[:, None, None] - (nframes - 1) / 2
    start, rate = _straight_ramp(data, saturated, coeffs, nframes=nframes, xp=xp)
    out = xp.empty_like(data)
    for g in range(data.shape[0]):
        frames = evaluate(inverse, start + rate * (times + g * nframes))
        frames += data[g, ...] - xp.mean(frames, axis=0)
        out[g, ...] = xp.mean(evaluate(coeffs, frames), axis=0)
    return out


def _straight_ramp(data: Array, saturated: Array, coeffs: Array, *, nframes: int, xp: Namespace) -> tuple[Array, Array]:
    """Linear counts in the middle of group 0 and their rise in a frame, both (row, column)."""
    groups = data.shape[0]
    last = xp.sum(xp.astype(~saturated, xp.int32), axis=0, dtype=xp.int32) - 2
    last = xp.clip(last, 1, groups - 1)
    end, end_saturated = data[1, ...], saturated[1, ...]
    for g in range(2, groups - 1):
        end = xp.where(last == g, data[g, ...], end)
        end_saturated = xp.where(last == g, saturated[g, ...], end_saturated)
    start = xp.where(saturated[0, ...], data[0, ...], evaluate(coeffs, data[0, ...]))
    stop = xp.where(end_saturated, end, evaluate(coeffs, end))
    return start, (stop - start) / (xp.astype(last, data.dtype) * nframes)
