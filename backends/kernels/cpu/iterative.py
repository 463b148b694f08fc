"""Between which magnitudes differences are no jumps: ``gpipe.jump.iterative.jump_bounds``, one pixel after the other.

A pixel is done with the first value that is no jump. The numbers of turns and of values that are looked at do not grow
with the number of differences but with that of jumps, because values are ranked.
"""

import numpy as np

from gpipe.backends.kernels.cpu.tiles import HALF, LARGEST, F, helper, sort_tile

NO_LOWER = F(-1)


@helper
def bound_tile(ranked, variance, four_or_more, three, two, lower, upper):
    """Bounds of each column; ``ranked`` holds differences in ascending order and will hold their magnitudes."""
    np.abs(ranked, ranked)
    sort_tile(ranked)
    for j in range(variance.size):
        lower[j], upper[j] = _bound(ranked, j, variance[j], four_or_more, three, two)


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
