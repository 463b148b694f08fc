"""Sums of ramps that are read at the same phase of an interference."""

from collections.abc import Iterator

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.image_median import image_median
from gpipe.arrays.rows import CACHED_PIXELS, row_slices
from gpipe.emicorr.phase_bins import PhaseBins, bin_pixels, sum_in_bins
from gpipe.emicorr.readout import add_outputs

STEADY = 2.0
"""Pixels that scatter by this many medians or more take no part in the fit."""
_VALUES_AT_ONCE = 1 << 20


def steady_pixels(data: Array, pixeldq: Array) -> Array:
    """Pixels without a flag that scatter about their mean by less than twice the median scatter of the exposure.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    pixeldq : uint32, (row, column).

    Returns
    -------
    bool, (integration, row, column); False where a group is NaN.
    """
    xp = array_namespace(data, pixeldq)
    scatter = xp.empty((data.shape[0], *data.shape[2:]), dtype=data.dtype, device=device(data))
    for integration, rows in _parts(data):
        off = _from_mean(data[integration, :, rows, :], xp=xp)
        scatter[integration, rows, :] = xp.sqrt(xp.mean(off * off, axis=0))
    limit = STEADY * image_median(scatter, xp.ones_like(scatter, dtype=xp.bool))
    return (scatter < limit) & (pixeldq == 0)


def sum_by_phase(data: Array, usable: Array, pixels: Array, count: int) -> tuple[Array, Array]:
    """Sums of the ramps of usable pixels, from their own means, in bins of the phase at which they are read.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    usable : bool, (integration, row, column); the data are finite there.
    pixels : phase of each pixel in its frame, (row, column / 4), cycles.
    count : number of bins in a cycle.

    Returns
    -------
    Sums (integration, group, bin), DN, and numbers of pixels (integration, bin), of the accumulator's dtype.
    """
    xp = array_namespace(data, usable, pixels)
    bins = bin_pixels(pixels, count)
    sums, counts = [], []
    for integration in range(data.shape[0]):
        together = xp.empty((data.shape[1], *pixels.shape), dtype=data.dtype, device=device(data))
        for _, rows in _parts(data[integration : integration + 1, ...]):
            keep = usable[integration, rows, :]
            ramps = xp.where(keep, data[integration, :, rows, :], 0.0)
            together[:, rows, :] = add_outputs(_from_mean(ramps, xp=xp))
        sums.append(_in_chunks(xp.reshape(together, (data.shape[1], -1)), bins, xp=xp))
        number = add_outputs(xp.astype(usable[integration, ...], data.dtype))
        counts.append(sum_in_bins(xp.reshape(number, (-1,)), bins))
    return xp.stack(sums), xp.stack(counts)


def _from_mean(ramps: Array, *, xp: Namespace) -> Array:
    return ramps - xp.mean(ramps, axis=0, keepdims=True)


def _parts(data: Array) -> Iterator[tuple[int, slice]]:
    """Integrations and some of their rows, so that all groups of the rows stay in the processor's cache."""
    for integration in range(data.shape[0]):
        for rows in row_slices(data[0, 0, ...], pixels=max(CACHED_PIXELS // data.shape[1], 1)):
            yield integration, rows


def _in_chunks(x: Array, bins: PhaseBins, *, xp: Namespace) -> Array:
    """`sum_in_bins` of (group, pixel), some groups at a time."""
    groups, pixels = x.shape
    step = max(1, _VALUES_AT_ONCE // pixels)
    parts = (x[start : min(start + step, groups), :] for start in range(0, groups, step))
    return xp.concat([sum_in_bins(part, bins) for part in parts])
