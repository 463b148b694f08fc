"""Mean levels of IRS2 outputs, from the rows of reference pixels at both ends of the detector."""

from array_api_compat import array_namespace, device

import gpipe.dq as dq
from gpipe.arrays import Array, accumulator_dtype
from gpipe.arrays.detector import EDGE
from gpipe.arrays.interleaved import BLOCK, HALF, OUTPUTS, READS
from gpipe.refpix.amplifiers import mean_of_known
from gpipe.refpix.clipped_mean import clipped_mean
from gpipe.refpix.orientation import Orientation


def output_levels(
    data: Array, pixeldq: Array, orientation: Orientation, *, odd_even_columns: bool = True, siglimit: float = 3.0
) -> Array:
    """Level of every row of IRS2 readout, by output and, if asked, by odd and even columns.

    As for traditional readout, the sigma-clipped means of the first and the last four detector rows are averaged; if
    one has no usable pixel the other is taken alone; an output for which a mean is missing gets 0. Of a block's
    reference pixels the first is odd and the second even.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column). Pixels with DO_NOT_USE, and NaN, are left out.

    Returns
    -------
    float32, (integration, group, row, 1), DN.
    """
    xp = array_namespace(data, pixeldq)
    exact = accumulator_dtype(data, xp=xp)
    usable = (orientation.to_detector(pixeldq, xp=xp) & dq.DO_NOT_USE) == 0
    frames = orientation.to_detector(data, xp=xp)
    odd = xp.asarray(_ODD, dtype=xp.bool, device=device(data))
    kinds = [odd, ~odd] if odd_even_columns else [odd | ~odd]

    def means(rows: slice) -> Array:
        edge = xp.where(usable[rows, :], xp.astype(frames[..., rows, :], exact), xp.nan)
        blocks = xp.reshape(edge, (*edge.shape[:-1], OUTPUTS, -1, BLOCK))
        outputs = xp.reshape(xp.moveaxis(blocks, -3, -4), (*edge.shape[:-2], OUTPUTS, -1, BLOCK))
        values = [xp.reshape(xp.where(kind, outputs, xp.nan), (*outputs.shape[:-2], -1)) for kind in kinds]
        return xp.stack([clipped_mean(x, limit=siglimit, xp=xp) for x in values], axis=-1)

    level = mean_of_known(means(slice(0, EDGE)), means(slice(-EDGE, None)), xp=xp)
    level = xp.where(xp.any(xp.isnan(level), axis=-1, keepdims=True), 0.0, level)
    block = xp.where(odd, level[..., :1], level[..., -1:])
    columns = frames.shape[-1]
    line = xp.tile(block[..., None, :], (1,) * (len(block.shape) - 1) + (columns // (OUTPUTS * BLOCK), 1))
    line = xp.reshape(line, (*data.shape[:2], 1, columns))
    return xp.astype(orientation.to_science(line, xp=xp), data.dtype)


_ODD = [k % 2 == 0 for k in range(HALF)] + [k < READS // 2 for k in range(READS)] + [k % 2 == 0 for k in range(HALF)]
"""True for odd pixels of a block, counted from 1 along the columns."""
