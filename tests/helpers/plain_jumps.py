"""Jump detection one pixel at a time, as plain as it can be written: what the fast functions must agree with."""

import math
import statistics


def iterative(differences, variance, four_or_more, three, two):
    """Indices of the jumps among the differences of a pixel."""
    left = {k: abs(d) for k, d in enumerate(differences) if not math.isnan(d)}
    found = set()
    while len(left) >= 2:
        values = list(left.values())
        if len(values) == 2:
            centre, allowed = min(values), two
        elif len(values) == 3:
            centre, allowed = statistics.median(values), three
        else:
            smaller = [v for v in values if v != max(values)]
            if not smaller:
                break
            centre, allowed = statistics.median(smaller), four_or_more
        sigma = math.sqrt(centre + variance)
        furthest = max(abs(v - centre) for v in values)
        if sigma == 0 or not furthest / sigma > allowed:
            break
        jumps = {k for k, v in left.items() if abs(v - centre) == furthest}
        found |= jumps
        left = {k: v for k, v in left.items() if k not in jumps}
    return found


def single_pass(differences, variance, threshold):
    """Indices of the jumps among the differences of a pixel."""
    values = [d for d in differences if not math.isnan(d)]
    if not values:
        return set()
    centre = statistics.median(values)
    sigma = math.sqrt(abs(centre) + variance)
    return {k for k, d in enumerate(differences) if sigma > 0 and abs(d - centre) / sigma > threshold}


def sigma_clip(values, threshold, turns=5):
    """Indices of the outliers."""
    left = [v for v in values if not math.isnan(v)]
    if not left:
        return set()
    for _ in range(turns):
        middle, scatter = statistics.median(left), statistics.pstdev(left)
        low, high = middle - threshold * scatter, middle + threshold * scatter
        inside = [v for v in left if low <= v <= high]
        if not inside:
            break
        left = inside
    return {k for k, v in enumerate(values) if v < low or v > high}
