"""Between which magnitudes differences are no jumps: ``gpipe.jump.iterative.jump_bounds``.

As long as no smallest value is a jump, what is left of a column begins with its first rank, and all columns of a tile
are judged together. Columns with such a jump, or with few values, are judged one after the other.
"""

import numpy as np

from gpipe.kernels.cpu.compiling import helper
from gpipe.kernels.cpu.tiles import HALF, LARGEST, F, sort_tile

NO_LOWER = F(-1)
SEARCHING, JUMP, SETTLED, APART = (np.uint8(k) for k in range(4))
"""Verdicts on a column: nothing to judge, its largest value is a jump, no more jumps, its smallest value is one."""


@helper
def bound_tile(ranked, variance, four_or_more, three, two, lower, upper, verdict, state):
    """Bounds of each column; ``ranked`` holds differences in ascending order and will hold their magnitudes."""
    for k in range(ranked.shape[0]):
        _take_size(ranked[k])
    sort_tile(ranked)
    for j in range(variance.size):
        lower[j], upper[j], state[j] = NO_LOWER, LARGEST, SEARCHING
    for length in range(ranked.shape[0], 3, -1):
        largest = ranked[length - 1]
        middle = ranked[(length - 2) // 2], ranked[(length - 1) // 2]
        _judge(ranked[0], middle, ranked[length - 2], largest, variance, four_or_more, verdict)
        if not _execute(verdict, largest, upper, state):
            break
    for j in range(variance.size):
        if state[j] != SETTLED:
            lower[j], upper[j] = _bound(ranked, j, variance[j], four_or_more, three, two)


@helper
def _take_size(values):
    for j in range(values.size):
        values[j] = np.abs(values[j])


@helper
def _judge(lowest, middle, second, largest, variance, threshold, verdict):
    """Judge the largest value of each column, unless it is missing or one of several."""
    low, high = middle
    for j in range(verdict.size):
        centre = HALF * low[j] + HALF * high[j]
        sigma = np.sqrt(centre + variance[j])
        above, below = largest[j] - centre, centre - lowest[j]
        jump = (sigma > 0) & (max(above, below) > threshold * sigma)
        judged = (largest[j] > second[j]) & (largest[j] < LARGEST)
        found = JUMP if above > below else APART
        found = found if jump else SETTLED
        verdict[j] = found if judged else SEARCHING


@helper
def _execute(verdict, largest, upper, state):
    """Apply the verdicts to columns that are not done; whether there are more such columns."""
    for j in range(verdict.size):
        upper[j] = largest[j] if (state[j] == SEARCHING) & (verdict[j] == JUMP) else upper[j]
    searching = False
    for j in range(verdict.size):
        found = SEARCHING if verdict[j] == JUMP else verdict[j]
        state[j] = found if state[j] == SEARCHING else state[j]
        searching |= state[j] == SEARCHING
    return searching


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
