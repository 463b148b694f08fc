"""Residuals of ramps after subtraction of a rough rate and a rough bias."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.image_median import image_median
from gpipe.arrays.ranking import sort_planes
from gpipe.arrays.rows import CACHED_PIXELS, row_slices
from gpipe.emicorr.readout import OUTPUTS, add_outputs


def remaining_signal(ramps: Array) -> Array:
    """Subtract a rough rate and bias from the ramps of an integration, average the outputs, set group medians to 0.

    Rate and bias are the slope and the median (of one or two, the minimum) of all groups but the first and the last.
    The second and third column of each output are replaced by the mean of their neighbours.

    Parameters
    ----------
    ramps : float32, (group, row, column), DN.

    Returns
    -------
    float32, (group, row, column / 4).
    """
    xp = array_namespace(ramps)
    parts = [
        _of_outputs(_without_rate_and_bias(ramps[:, rows, :], xp=xp), xp=xp)
        for rows in row_slices(ramps, pixels=max(CACHED_PIXELS // ramps.shape[0], 1))
    ]
    together = xp.concat(parts, axis=1)
    return xp.stack([frame - whole_median(frame) for frame in (together[k, ...] for k in range(together.shape[0]))])


def whole_median(x: Array) -> Array:
    """Median of all values that are not NaN, without axes."""
    xp = array_namespace(x)
    return image_median(x, xp.ones_like(x, dtype=xp.bool))


def _without_rate_and_bias(ramps: Array, *, xp: Namespace) -> Array:
    groups, inner = ramps.shape[0], ramps.shape[0] - 2
    place = device(ramps)
    time = xp.arange(inner, dtype=ramps.dtype, device=place)[:, None, None] - 0.5 * (inner - 1)
    rate = xp.sum(time * (ramps[1:-1, ...] - ramps[1, ...]), axis=0) / (inner * (inner * inner - 1) / 12)
    flat = ramps - rate * xp.arange(groups, dtype=ramps.dtype, device=place)[:, None, None]
    ranked = sort_planes(flat[1:-1, ...])
    bias = 0.5 * ranked[(inner - 1) // 2, ...] + 0.5 * ranked[inner // 2, ...] if inner > 2 else ranked[0, ...]
    return flat - bias


def _of_outputs(x: Array, *, xp: Namespace) -> Array:
    """Mean over the outputs, with bad columns replaced."""
    mean = add_outputs(x) / OUTPUTS
    repaired = 0.5 * (mean[..., :1] + mean[..., 3:4])
    return xp.concat([mean[..., :1], repaired, repaired, mean[..., 3:]], axis=-1)
