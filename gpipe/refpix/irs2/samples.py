"""Samples of an output of IRS2 readout about their mean, in the order of time, and back."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, accumulator_dtype
from gpipe.arrays.blocks import for_each
from gpipe.arrays.interleaved import BLOCK, HALF, normal_rows
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2.bad_reads import replace_reads
from gpipe.refpix.irs2.streams import in_time_order
from gpipe.refpix.orientation import Orientation

TRANSPOSED_AT_ONCE = 1 << 16
"""Pixels: of more rows, which lie a power of two apart, the cache could not hold a line each."""


def rise_to_mean(data: Array, levels: Array | None = None, *, workers: int = 1) -> Array:
    """Compute the rise of each pixel from its first group to its mean over the groups of an integration.

    It is computed from differences to the first group, so that a sample equal to the mean of its pixel differs from it
    by exactly 0 even if sums are rounded.

    Parameters
    ----------
    data : float32, (group, row, column), DN.
    levels : float32, (group, row, 1), DN, subtracted first.
    workers : threads; the result does not depend on it.

    Returns
    -------
    accumulation dtype, (row, column), DN. NaN where a pixel has one in any of several groups.
    """
    xp = array_namespace(data, levels)
    rise = xp.zeros(data.shape[1:], dtype=accumulator_dtype(data, xp=xp), device=device(data))

    def find(rows: slice) -> None:
        first = _exact(counts_of(data, levels, 0, rows))
        for group in range(1, data.shape[0]):
            rise[rows, :] += _exact(counts_of(data, levels, group, rows)) - first
        rise[rows, :] /= data.shape[0]

    for_each(find, row_slices(rise), workers=workers)
    return rise


def counts_of(data: Array, levels: Array | None, group: int, rows: slice) -> Array:
    """Some rows of a group, less its levels: (row, column), of the dtype of ``data``; see `rise_to_mean`."""
    counts = data[group, rows, :]
    return counts if levels is None else counts - levels[group, rows, :]


def samples_in_time(
    counts: Array,
    first: Array,
    rise: Array,
    *,
    output: int,
    orientation: Orientation,
    bad: Array | None = None,
    named: Array | None = None,
) -> Array:
    """Compute the deviation of an output of a group from the mean over groups, with bad reads replaced.

    Parameters
    ----------
    counts, first : float32, (row, column), DN: the output in the group and in the first one.
    rise : accumulation dtype, (row, column), DN: the mean less the first group.
    output : its number in the order of the detector.
    bad, named : bool, (block, read), see `replace_reads`.

    Returns
    -------
    float32, (detector row, pixel), DN, in the order of time. 0 for NaN.
    """
    xp = array_namespace(counts, first, rise, bad, named)
    about_mean = xp.empty_like(counts)
    for rows in row_slices(counts):
        above_first = _exact(counts[rows, :]) - _exact(first[rows, :])
        about_mean[rows, :] = xp.astype(above_first - rise[rows, :], counts.dtype)
    if bad is not None:
        about_mean = replace_reads(about_mean, bad, named=named)
    turned = in_time_order(output, orientation.to_detector(about_mean, xp=xp))
    samples = xp.empty(turned.shape, dtype=counts.dtype, device=device(counts))  # in this order in memory too
    for pixels in row_slices(xp.matrix_transpose(turned), pixels=TRANSPOSED_AT_ONCE):
        few = turned[:, pixels]
        samples[:, pixels] = xp.where(xp.isnan(few), 0.0, few)
    return samples


def normal_counts(samples: Array, first: Array, rise: Array, *, output: int, orientation: Orientation) -> Array:
    """The inverse, of normal pixels: float32, (row, column), DN. NaN where the mean is.

    Parameters
    ----------
    samples : float32, (detector row, pixel), DN, in the order of time.
    first, rise, output : as of `samples_in_time`.
    """
    xp = array_namespace(samples, first, rise)
    frame = in_rows(samples, output=output, orientation=orientation)
    counts = xp.empty((first.shape[0] // BLOCK, 2 * HALF, first.shape[1]), dtype=first.dtype, device=device(first))
    for blocks in row_slices(counts[:, 0, :], pixels=TRANSPOSED_AT_ONCE // BLOCK):
        rows = slice(BLOCK * blocks.start, BLOCK * blocks.stop)
        mean = normal_rows(_exact(first[rows, :]) + rise[rows, :])
        part = xp.astype(normal_rows(frame[rows, :]) + mean, first.dtype)
        counts[blocks, ...] = xp.reshape(part, (-1, *counts.shape[1:]))
    return xp.reshape(counts, (-1, first.shape[1]))


def in_rows(samples: Array, *, output: int, orientation: Orientation) -> Array:
    """(detector row, pixel) in the order of time to (row, column)."""
    return orientation.to_science(in_time_order(output, samples), xp=array_namespace(samples))


def _exact(counts: Array) -> Array:
    xp = array_namespace(counts)
    return xp.astype(counts, accumulator_dtype(counts, xp=xp))
