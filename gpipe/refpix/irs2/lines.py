"""Drift of an IRS2 output during a frame."""

from array_api_compat import array_namespace

from gpipe.arrays import Array, accumulator_dtype
from gpipe.arrays.detector import EDGE
from gpipe.arrays.rows import row_slices


def subtract_line(samples: Array, times: Array) -> Array:
    """Subtract from an output the line, in time, through its first and last four rows; zeros stay zeros.

    Least squares over samples that are not 0, in float64 if the device has it; an output without any is not changed.

    Parameters
    ----------
    samples : float32, (row, pixel), DN, in time order.
    times : float32, (row, pixel), pixel times.
    """
    xp = array_namespace(samples, times)
    intercept, slope = edge_line(samples, times)
    level = xp.empty_like(samples)
    for rows in row_slices(samples):
        part = samples[rows, :]
        level[rows, :] = xp.where(part != 0, part - (intercept + slope * times[rows, :]), part)
    return level


def edge_line(samples: Array, times: Array) -> tuple[Array, Array]:
    """Intercept, DN, and slope, DN per pixel time, of the line of `subtract_line`; both 0 without samples."""
    xp = array_namespace(samples, times)
    exact = accumulator_dtype(samples, xp=xp)

    def edges(x: Array) -> Array:
        return xp.astype(xp.concat([x[:EDGE, :], x[-EDGE:, :]]), exact)

    value, time = edges(samples), edges(times)
    weight = xp.astype(value != 0, exact)
    count = xp.sum(weight)
    some = xp.where(count > 0, count, 1.0)
    mean_time, mean = xp.sum(weight * time) / some, xp.sum(weight * value) / some
    early = weight * (time - mean_time)
    spread = xp.sum(early * early)
    slope = xp.sum(early * value) / xp.where(spread > 0, spread, 1.0)
    return xp.astype(mean - slope * mean_time, samples.dtype), xp.astype(slope, samples.dtype)
