"""Between which magnitudes differences are no jumps: ``gpipe.jump.iterative.jump_bounds``.

Pixels whose first judgement finds no jump are done, together; the others are judged one after the other. Because
values are ranked, neither takes longer the more differences there are, but the latter the more jumps.
"""

import numpy as np

from gpipe.backends.kernels.cpu.compiling import helper
from gpipe.backends.kernels.cpu.tiles import HALF, LARGEST, F, sort_tile

NO_LOWER = F(-1)


@helper
def bound_tile(ranked, variance, four_or_more, three, two, lower, upper):
    """Bounds of each column; ``ranked`` holds differences in ascending order and will hold their magnitudes."""
    np.abs(ranked, ranked)
    sort_tile(ranked)
    lower[:], upper[:] = NO_LOWER, LARGEST
    n = ranked.shape[0]
    settled = np.zeros(variance.size, np.bool_)
    if n > 3:
        centre = HALF * ranked[(n - 2) // 2] + HALF * ranked[(n - 1) // 2]
        _settle(ranked[0], centre, ranked[n - 2], ranked[n - 1], variance, four_or_more, settled)
    for j in range(variance.size):
        if not settled[j]:
            lower[j], upper[j] = _bound(ranked, j, variance[j], four_or_more, three, two)


@helper
def _settle(lowest, centre, second, largest, variance, threshold, settled):
    """Which columns miss no value and have no jump. Of equal largest values, all but one have yet to be left out."""
    for j in range(settled.size):
        sigma = np.sqrt(centre[j] + variance[j])
        furthest = max(largest[j] - centre[j], centre[j] - lowest[j])
        jump = (sigma > 0) & (furthest > threshold * sigma)
        settled[j] = (largest[j] > second[j]) & (largest[j] < LARGEST) & ~jump


@helper
def _bound(ranked, j, variance, four_or_more, three, two):
    lower, upper = NO_LOWER, LARGEST
    end = ranked.shape[0]
    while end > 0 and ranked[end - 1, j] >= LARGEST:
        end -= 1
    begin = 0
    for length in range(end, 1, -1):
        last = begin + length - 1
        lowest, largest = ranked[begin, j], ranked[last, j]
        drop = lowest <= lower
        if largest > ranked[last - 1, j] and not drop:
            centre, allowed = _centre(ranked, j, begin, length, four_or_more, three, two)
            sigma = np.sqrt(centre + variance)
            above, below = largest - centre, centre - lowest
            if not (sigma > 0 and max(above, below) > allowed * sigma):
                break
            if above >= below:
                upper = largest
            if below >= above:
                lower = lowest
            drop = below > above
        begin += drop
    return lower, upper


@helper
def _centre(ranked, j, begin, length, four_or_more, three, two):
    """Centre of what is left and the threshold that goes with it."""
    last = begin + length - 1
    if length > 3:
        return _clipped_median(ranked, j, begin, length), four_or_more
    another = _is_again(ranked, j, last, 1)
    if length == 3:
        return (_clipped_median(ranked, j, begin, length), four_or_more) if another else (ranked[begin + 1, j], three)
    if not another:
        return ranked[begin, j], two
    if _is_again(ranked, j, last, 2):
        return ranked[begin, j], four_or_more
    return ranked[last, j], three


@helper
def _clipped_median(ranked, j, begin, length):
    """Median without the largest value."""
    return HALF * ranked[begin + (length - 2) // 2, j] + HALF * ranked[begin + (length - 1) // 2, j]


@helper
def _is_again(ranked, j, last, further):
    """Whether so many ranks after the last one there is the same value."""
    return last + further < ranked.shape[0] and ranked[last + further, j] == ranked[last, j]
