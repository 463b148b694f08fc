"""Median over a short list of planes, by a sorting network that only computes the ranks that matter."""

from collections.abc import Sequence
from functools import lru_cache

from gpipe.arrays.nan import nanmedian
from gpipe.arrays.ranking import merge_exchange
from gpipe.arrays.types import Array, Namespace

LONGEST_NETWORK = 128  # above this many planes, sorting along an axis takes less time than the network


def masked_median(planes: Sequence[Array], valid: Sequence[Array], *, xp: Namespace) -> Array:
    """Median at each pixel of the planes that are valid there; an arbitrary finite number where none is.

    Invalid values are replaced by very large and very small numbers in turn, so that the median keeps its rank
    whatever their number is. The same exchanges of minima and maxima are then done for all pixels (Batcher 1968,
    AFIPS 32, 307), which suits planes: nothing is transposed and nothing depends on the values.

    Parameters
    ----------
    planes : at least one; real floating arrays of one shape, finite.
    valid : bool, as many and of the same shape.

    Returns
    -------
    Array of the planes' dtype; the mean of the two middle values where an even number of planes is valid.
    """
    if len(planes) > LONGEST_NETWORK:
        candidates = [xp.where(keep, plane, xp.nan) for plane, keep in zip(planes, valid, strict=True)]
        median = nanmedian(xp.stack(candidates), axis=0, xp=xp)
        return xp.where(xp.isnan(median), 0.0, median)
    balanced, odd_missing = _balance(planes, valid, xp=xp)
    lower, upper = _middle_ranks(balanced, xp=xp)
    both = 0.5 * lower + 0.5 * upper
    return xp.where(odd_missing, both, upper) if len(planes) % 2 else xp.where(odd_missing, lower, both)


def _balance(planes: Sequence[Array], valid: Sequence[Array], *, xp: Namespace) -> tuple[list[Array], Array]:
    """Invalid values become large, small, large, … ; also whether their number is odd."""
    extreme = float(xp.finfo(planes[0].dtype).max)
    fill = xp.full_like(planes[0], extreme)
    balanced = []
    for plane, keep in zip(planes, valid, strict=True):
        kept = xp.astype(keep, plane.dtype)
        absent = 1.0 - kept
        balanced.append(plane * kept + fill * absent)  # products of finite numbers: faster than choosing
        fill = fill * (kept - absent)
    return balanced, fill < 0


def _middle_ranks(planes: list[Array], *, xp: Namespace) -> tuple[Array, Array]:
    """The values of ranks (n-2)//2 (or 0) and n//2, both counted from 0; for odd n the middle and the one below it."""
    count = len(planes)
    lower, upper = max((count - 1 - count % 2) // 2, 0), count // 2
    ranked = list(planes)
    for low, high, keep_low, keep_high in selection_network(count, lower, upper):
        first, second = ranked[low], ranked[high]
        if keep_low:
            ranked[low] = xp.minimum(first, second)
        if keep_high:
            ranked[high] = xp.maximum(first, second)
    return ranked[lower], ranked[upper]


@lru_cache
def selection_network(count: int, *ranks: int) -> tuple[tuple[int, int, bool, bool], ...]:
    """Exchanges (low, high, is the minimum used, is the maximum used) that bring ``ranks`` to their places."""
    wanted = set(ranks)
    needed = []
    for low, high in reversed(merge_exchange(count)):
        if low in wanted or high in wanted:
            needed.append((low, high, low in wanted, high in wanted))
            wanted |= {low, high}
    return tuple(reversed(needed))
