"""Find jumps in ramps: which differences, left out, make the rest fit a line much better."""

from collections.abc import Sequence

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.narrowing import Marked, marked
from gpipe.ramp_fitting.likely_covariance import Noise, covariance, inverse_elements, solve
from gpipe.ramp_fitting.likely_slopes import chi_square, fit_slopes
from gpipe.ramp_fitting.reads import Reads

ONE_OMITTED = 20.25  # least gain in chi-square by leaving out one difference, 4.5 sigma
TWO_OMITTED = 23.8  # by leaving out two neighbours; the same chance for two degrees of freedom
ENOUGH = 3  # differences: a ramp that has no more is not judged again
SUSPECT = 0.99  # of the threshold: float32 is off by less
ROUNDING = 256  # gains that differ by this many units of rounding are equal


def leave_out_jumps(
    steps: Sequence[Array], used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace
) -> tuple[list[Array], Array]:
    """Take from the used differences those with jumps (Brandt 2024, PASP 136, 045005).

    The difference, or the two neighbours, whose omission lowers chi-square most are left out if the gain is above the
    threshold; then the ramp is judged again without them, as long as more than three differences are left. Two are
    considered where their common group is the mean of several reads, because a hit between these reads spoils both.
    If several omissions gain the same, as those of one of two and of two of three differences do, the largest is left
    out, because hits add charge.

    Parameters
    ----------
    steps : float32, DN, one plane a difference, finite.
    used : float32, one plane a difference, 1 where it is used, else 0.
    noise : planes of the same shape; it stays the same for all turns.

    Returns
    -------
    As ``used``, and the slopes of the differences left, with this noise, DN/s.

    Notes
    -----
    Few ramps are searched: those of a large chi-square, and each turn goes on with those alone that lost a difference
    in the one before. The search runs in float64 where the device has it: with a large hit, chi-square is a large
    number of which units matter.
    """
    matrix = covariance(used, noise, reads, xp=xp)
    slopes = fit_slopes(steps, used, matrix, reads, xp=xp)
    suspects = _suspects(steps, used, noise, reads, chi_square(slopes, matrix), xp=xp)
    if suspects is None:
        return list(used), slopes.value
    dtype, exact = steps[0].dtype, accumulator_dtype(steps[0], xp=xp)
    steps, used_there, noise_there = (
        [xp.astype(plane, exact) for plane in suspects.take(planes)]
        for planes in (steps, used, (noise.photons, noise.reading))
    )
    noise = Noise(*noise_there)
    left = _search(steps, used_there, noise, reads, xp=xp)
    value = fit_slopes(steps, left, covariance(left, noise, reads, xp=xp), reads, xp=xp).value
    *kept, rate = suspects.put([*used, slopes.value], [xp.astype(plane, dtype) for plane in (*left, value)])
    return kept, rate


def _suspects(
    steps: Sequence[Array], used: Sequence[Array], noise: Noise, reads: Reads, chi_square: Array, *, xp: Namespace
) -> Marked | None:
    """Ramps that may have a gain above its threshold: chi-square, which no gain exceeds, is large, and then a gain."""
    mask = chi_square > SUSPECT * ONE_OMITTED
    few = marked(mask)
    if few is None:
        return None
    noise = Noise(*few.take((noise.photons, noise.reading)))
    single, double = _gains(few.take(steps), few.take(used), noise, reads, xp=xp)
    return marked(*few.put([mask], [_largest([*single, *double.values()], xp=xp) > SUSPECT * ONE_OMITTED]))


def _search(steps: Sequence[Array], used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace) -> list[Array]:
    levels = []
    kept, again = _turn(steps, used, noise, reads, xp=xp)
    while (few := marked(again)) is not None:
        levels.append((few, kept))
        steps, used = few.take(steps), few.take(kept)
        noise = Noise(*few.take((noise.photons, noise.reading)))
        kept, again = _turn(steps, used, noise, reads, xp=xp)
    for few, outer in reversed(levels):
        kept = few.put(outer, kept)
    return kept


def _turn(
    steps: Sequence[Array], used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace
) -> tuple[list[Array], Array]:
    """Leave out at most one jump; return the differences left and the pixels that need another turn."""
    single, double = _gains(steps, used, noise, reads, xp=xp)
    best_single = _largest(single, xp=xp)
    best_double = _largest([*double.values(), xp.zeros_like(best_single)], xp=xp)
    one = best_single - ONE_OMITTED > best_double - TWO_OMITTED
    kept, again = list(used), (one & (best_single > ONE_OMITTED)) | (~one & (best_double > TWO_OMITTED))
    few = marked(again)
    if few is None:
        return kept, again
    one, best_single, best_double = few.take((one, best_single, best_double))
    rates = [step / seconds for step, seconds in zip(few.take(steps), reads.intervals, strict=True)]
    gone = _best(few.take(single), best_single, rates, one, xp=xp)
    pairs = few.take(list(double.values()))
    both = _best(pairs, best_double, [rates[k] + rates[k + 1] for k in double], ~one, xp=xp)
    for k, pair in zip(double, both, strict=True):
        gone[k], gone[k + 1] = gone[k] | pair, gone[k + 1] | pair
    left = [use * xp.astype(~out, use.dtype) for use, out in zip(few.take(used), gone, strict=True)]
    (again,) = few.put([again], [_total(left) > ENOUGH])
    return few.put(kept, left), again


def _gains(
    steps: Sequence[Array], used: Sequence[Array], noise: Noise, reads: Reads, *, xp: Namespace
) -> tuple[list[Array], dict[int, Array]]:
    """Fall of chi-square by leaving out each difference, and each two neighbours (by the first) that may go together.

    With P = Σ^-1, residuals r, f = P r and v = P t: f_k^2 / M_kk and f^T M^-1 f with the 2 x 2 block of
    M = P - v v^T / C. These equal the differences of chi-square of Brandt's eqs. 8 to 20, with less to cancel.
    """
    matrix = covariance(used, noise, reads, xp=xp)
    slopes = fit_slopes(steps, used, matrix, reads, xp=xp)
    force = solve(matrix, slopes.residuals)
    diagonal, beside = inverse_elements(matrix, xp=xp)
    weights = slopes.weights
    own = [p - w * w / slopes.information for p, w in zip(diagonal, weights, strict=True)]
    count = _total(used)
    single = [_ratio(force[k] * force[k], own[k], (used[k] > 0) & (count > 1), xp=xp) for k in range(len(steps))]
    double = {}
    for k in range(len(steps) - 1):
        if reads.count[k + 1] > 1:
            common = beside[k] - weights[k] * weights[k + 1] / slopes.information
            fall = (
                force[k] * (force[k] * own[k + 1] - 2.0 * force[k + 1] * common) + force[k + 1] * force[k + 1] * own[k]
            )
            both = (used[k] * used[k + 1] > 0) & (count > 2)
            double[k] = _ratio(fall, own[k] * own[k + 1] - common * common, both, xp=xp)
    return single, double


def _ratio(numerator: Array, denominator: Array, possible: Array, *, xp: Namespace) -> Array:
    possible = possible & (denominator > 0)
    return xp.where(possible, numerator, 0.0) / xp.where(possible, denominator, 1.0)


def _best(gains: Sequence[Array], best: Array, rates: Sequence[Array], wanted: Array, *, xp: Namespace) -> list[Array]:
    """Mark the best gain; among several equal ones, the gain of the largest rate."""
    if not gains:
        return []
    equal = best * (1.0 - ROUNDING * float(xp.finfo(best.dtype).eps))
    lowest = -float(xp.finfo(best.dtype).max)
    ranked = [xp.where(gain >= equal, rate, lowest) for gain, rate in zip(gains, rates, strict=True)]
    largest = _largest(ranked, xp=xp)
    return [wanted & (rank == largest) for rank in ranked]


def _largest(planes: Sequence[Array], *, xp: Namespace) -> Array:
    largest = planes[0]
    for plane in planes[1:]:
        largest = xp.maximum(largest, plane)
    return largest


def _total(planes: Sequence[Array]) -> Array:
    total = planes[0]
    for plane in planes[1:]:
        total = total + plane
    return total
