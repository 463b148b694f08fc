"""Sums of pixels that are read at the same phase."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, accumulator_dtype

_BAD_COLUMNS = slice(1, 3)
_OF_CLOCKS = 1e-11  # cycles; clocks of a long exposure, divided by the period in float64
_OF_PHASES = 4


@dataclass(frozen=True)
class PhaseBins:
    """Pixels of a frame, binned by the phase at which they are read.

    Attributes
    ----------
    order : int, (pixel,), the pixels ordered by bin; those of no bin are last.
    edges : int, (bin + 1,), the index in this order at which each bin begins; the last one is the end of the last bin.
    """

    order: Array
    edges: Array


def bin_pixels(phases: Array, count: int) -> PhaseBins:
    """Put the pixels of a frame into bins of equal width, by the phase from the first pixel.

    Parameters
    ----------
    phases : (row, column / 4), cycles from 0 to 1. The second and third column belong to no bin.
    count : number of bins.
    """
    xp = array_namespace(phases)
    column = xp.arange(phases.shape[1], dtype=xp.int32, device=device(phases))
    bad = (column >= _BAD_COLUMNS.start) & (column < _BAD_COLUMNS.stop)
    found = xp.clip(xp.astype(xp.floor(phases * count + edge(phases, count)), xp.int32), None, count - 1)
    found = xp.reshape(xp.where(bad, count, found), (-1,))
    order = xp.argsort(found, stable=True)
    return PhaseBins(order, bin_edges(xp.take(found, order), count))


def edge(phases: Array, count: float) -> float:
    """Return the tolerance for rounding at the edge of a bin, in widths of one of ``count`` bins.

    If the period is a whole number of clocks, many pixels lie at an edge. All of them must fall on the same side.
    """
    xp = array_namespace(phases)
    return _OF_CLOCKS * count + _OF_PHASES * float(xp.finfo(phases.dtype).eps) * count


def bin_edges(ordered: Array, count: int) -> Array:
    """Return the index at which each of ``count`` bins begins among values ordered by bin; (bin + 1,)."""
    xp = array_namespace(ordered)
    return xp.searchsorted(ordered, xp.arange(count + 1, dtype=ordered.dtype, device=device(ordered)))


def sum_in_bins(x: Array, bins: PhaseBins) -> Array:
    """Sum the pixels in each bin: (…, pixel) becomes (…, bin), of the accumulator's dtype."""
    xp = array_namespace(x, bins.order)
    ordered = xp.take(x, bins.order, axis=-1)
    total = xp.cumulative_sum(ordered, axis=-1, dtype=accumulator_dtype(x, xp=xp), include_initial=True)
    at_edges = xp.take(total, bins.edges, axis=-1)
    return at_edges[..., 1:] - at_edges[..., :-1]
