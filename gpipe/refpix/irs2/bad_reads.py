"""Reference pixels of IRS2 readout that cannot be trusted: found by their statistics or named by a table."""

from collections.abc import Callable, Iterable

from array_api_compat import array_namespace

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace, accumulator_dtype, nanmedian
from gpipe.arrays.blocks import for_each
from gpipe.arrays.interleaved import BLOCK, HALF, OUTPUTS, READS, reference_reads, with_reads, with_reference_reads

CLIPPING_ROUNDS = 5
PAIR = 2
"""Each reference pixel is read twice in a row."""


def find_bad_reads(data: Array, pixeldq: Array, *, limit: float, workers: int = 1) -> Array:
    """Reference pixels that stand out among those of their output, in some integration.

    Of the two reads of every pixel three figures are compared: the mean of their absolute difference, their mean, and
    their standard deviation, over all groups and columns. A pixel is bad where a figure exceeds the clipped mean of the
    output's pixels by more than ``limit`` clipped standard deviations. (High figures only: quiet pixels are good.)

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column). Reads that have BAD_REF_PIXEL in some column are bad and not compared with.
    workers : threads, of which each has a group at a time; the result does not depend on it.

    Returns
    -------
    bool, (output, block, read), in the order of the rows.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, pixeldq)
    known = flagged_reads(pixeldq)
    outputs, blocks, _ = known.shape
    usable = ~xp.any(xp.reshape(known, (outputs, -1, PAIR)), axis=-1)
    high = xp.zeros_like(usable)
    for i in range(data.shape[0]):
        for figure in _pair_figures(data[i, ...], workers=workers, xp=xp):
            high |= usable & _stands_out(figure, usable, limit, xp=xp)
    pairs = xp.reshape(high, (outputs, blocks, READS // PAIR, 1))
    return known | xp.reshape(xp.concat([pairs, pairs], axis=-1), known.shape)


def flagged_reads(pixeldq: Array) -> Array:
    """Reads with BAD_REF_PIXEL in some column: bool, (output, block, read)."""
    xp = array_namespace(pixeldq)
    return xp.any((reference_reads(pixeldq) & dq.BAD_REF_PIXEL) != 0, axis=-1)


def flag_reads(pixeldq: Array, bad: Array) -> Array:
    """``pixeldq`` with BAD_REF_PIXEL and DO_NOT_USE for bad reads, in all columns.

    Parameters
    ----------
    pixeldq : uint32, (row, column).
    bad : bool, (output, block, read).
    """
    xp = array_namespace(pixeldq, bad)
    reads = reference_reads(pixeldq)
    flagged = xp.where(bad[..., None], reads | (dq.BAD_REF_PIXEL | dq.DO_NOT_USE), reads)
    return with_reference_reads(pixeldq, flagged)


def replace_reads(x: Array, bad: Array, *, named: Array | None = None) -> Array:
    """Put good reads in the place of bad ones.

    A bad read becomes the mean of the same read in the blocks before and after it in its output, or the one of them
    that is good; if none is, the same read of the other pixel of its block; if that is bad too, 0, which marks a
    missing value.

    Parameters
    ----------
    x : real floating, (…, row, column); a frame, or the rows of one output.
    bad : bool, (output, block, read), or (block, read) for one output.
    named : bool, likewise: more bad reads, which are replaced after those of ``bad`` and, as in jwst, may serve in
        their place.
    """
    xp = array_namespace(x, bad, named)
    blocks = xp.reshape(x, (*x.shape[:-2], *bad.shape[:-1], BLOCK, x.shape[-1]))
    replaced = _replaced(blocks[..., HALF : HALF + READS, :], bad, bad, xp=xp)
    if named is not None:
        replaced = _replaced(replaced, named & ~bad, named | bad, xp=xp)
    return xp.reshape(with_reads(blocks, replaced), x.shape)


def _replaced(reads: Array, due: Array, bad: Array, *, xp: Namespace) -> Array:
    """``reads`` (…, block, read, column) with others where ``due``; ``bad`` ones serve for none."""
    good = ~bad[..., None]
    before, has_before = _shifted(reads, 1, xp=xp), _shifted(good, 1, xp=xp)
    after, has_after = _shifted(reads, -1, xp=xp), _shifted(good, -1, xp=xp)
    other, has_other = xp.roll(reads, PAIR, axis=-2), xp.roll(good, PAIR, axis=-2)
    single = xp.where(has_after, after, xp.where(has_other, other, 0.0))
    best = xp.where(has_before & has_after, 0.5 * (before + after), xp.where(has_before, before, single))
    return xp.where(due[..., None], best, reads)


def reads_of_table(rows: Iterable[tuple[int, int, int]], blocks: int) -> list[list[list[bool]]]:
    """Bad reads that the DQ table of a refpix reference names, as (output, block, read) in the detector frame.

    Parameters
    ----------
    rows : of the table: OUTPUT, from 1; ODD_EVEN, 1 or 2, which pixel of a block in the order of reading; MASK, with
        a bit for every bad block, by increasing detector column.
    blocks : in an output.
    """
    bad = [[[False] * READS for _ in range(blocks)] for _ in range(OUTPUTS)]
    for output, odd_even, mask in rows:
        pixel = 2 - odd_even if output % 2 == 0 else odd_even - 1  # even outputs are read towards lower columns
        for block in range(blocks):
            if mask >> block & 1:
                bad[output][block][PAIR * pixel : PAIR * (pixel + 1)] = [True] * PAIR
    return bad


def _shifted(x: Array, by: int, *, xp: Namespace) -> Array:
    """Values of the block ``by`` blocks before; zeros or False where there is none."""
    rolled = xp.roll(x, by, axis=-3)
    nothing = xp.zeros_like(rolled[..., :1, :, :])
    parts = [nothing, rolled[..., 1:, :, :]] if by > 0 else [rolled[..., :-1, :, :], nothing]
    return xp.concat(parts, axis=-3)


def _pair_figures(data: Array, *, workers: int, xp: Namespace) -> tuple[Array, Array, Array]:
    """Mean absolute difference, mean and standard deviation of pairs of reads: (output, pixel) each.

    Parameters
    ----------
    data : (group, row, column).
    """
    exact = accumulator_dtype(data, xp=xp)

    def pairs(group: int) -> Array:
        reads = reference_reads(data[group, ...])
        return xp.reshape(xp.astype(reads, exact), (OUTPUTS, -1, PAIR, data.shape[-1]))

    def mean(figure: Callable[[Array], Array]) -> Array:
        """Mean over the groups, added in their order."""
        found = for_each(lambda group: figure(pairs(group)), range(data.shape[0]), workers=workers)
        return sum(found[1:], start=found[0]) / len(found)

    def level_and_difference(x: Array) -> Array:
        return xp.stack([xp.mean(x, axis=(-2, -1)), xp.mean(xp.abs(x[..., 1, :] - x[..., 0, :]), axis=-1)])

    both = mean(level_and_difference)
    level, difference = both[0, ...], both[1, ...]
    variance = mean(lambda x: xp.mean((x - level[..., None, None]) ** 2, axis=(-2, -1)))
    return difference, level, xp.sqrt(variance)


def _stands_out(x: Array, usable: Array, limit: float, *, xp: Namespace) -> Array:
    """Values (output, pixel) far above the usable ones of their output that survive clipping about the median."""
    kept = xp.where(usable, x, xp.nan)
    for _ in range(CLIPPING_ROUNDS):
        middle = nanmedian(kept, axis=-1, xp=xp)[..., None]
        reach = limit * _mean_and_std(kept, xp=xp)[1]
        kept = xp.where((kept < middle - reach) | (kept > middle + reach), xp.nan, kept)
    mean, std = _mean_and_std(kept, xp=xp)
    return x - mean > limit * std


def _mean_and_std(x: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Mean and standard deviation over the last axis, NaN left out; (output, 1)."""
    known = ~xp.isnan(x)
    count = xp.sum(xp.astype(known, x.dtype), axis=-1, keepdims=True)
    some = xp.where(count > 0, count, 1.0)
    mean = xp.sum(xp.where(known, x, 0.0), axis=-1, keepdims=True) / some
    variance = xp.sum(xp.where(known, (x - mean) ** 2, 0.0), axis=-1, keepdims=True) / some
    return xp.where(count > 0, mean, xp.nan), xp.sqrt(variance)
