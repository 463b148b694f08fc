"""Drift of a subarray that one amplifier reads, from all reference pixels in it."""

from array_api_compat import device

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace
from gpipe.refpix.border import Border
from gpipe.refpix.clipped_mean import clipped_mean
from gpipe.refpix.elsewhere import margins
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DriftSettings


def single_amplifier_signal(
    border: Border, flags: Border, at: Orientation, settings: DriftSettings, *, xp: Namespace
) -> Array:
    """Reference signal of every column of the array.

    It is the sigma-clipped mean of all pixels with REFERENCE_PIXEL and without DO_NOT_USE, or separate means of odd and
    even detector columns. If such pixels are missing, for one kind of column or both, the signal is 0 everywhere.

    Parameters
    ----------
    border : of data, (integration, group, row, column), DN, detector frame.
    flags : of pixeldq, (row, column), detector frame. Reference pixels of the border are those in the outer four rows
        and columns of the detector, or of the array if it reaches no edge; all others are ``border.elsewhere``.

    Returns
    -------
    (integration, group, column), DN, in the accumulation dtype.
    """
    step = 2 if settings.odd_even_columns else 1
    firsts = [(kind - at.first_column) % step for kind in range(step)]
    pixels = [_reference_pixels(border, flags, at, first, step, xp=xp) for first in firsts]
    if border.elsewhere:
        others = border.elsewhere if step > 1 else (xp.concat(border.elsewhere, axis=-1),)
        pixels = [xp.concat(both, axis=-1) for both in zip(pixels, others, strict=True)]
    means = xp.stack([clipped_mean(x, limit=settings.siglimit, xp=xp) for x in pixels], axis=-1)
    means = xp.where(xp.any(xp.isnan(means), axis=-1, keepdims=True), 0.0, means)
    columns = xp.arange(border.shape[-1], dtype=xp.int32, device=device(means))
    return xp.take(means, (columns + at.first_column) % step, axis=-1)


def _reference_pixels(border: Border, flags: Border, at: Orientation, first: int, step: int, *, xp: Namespace) -> Array:
    """The border pixels of every ``step``-th column as (integration, group, pixel), NaN where not to be used."""
    height, width = border.shape[-2:]
    rows, columns = margins(at, height, width)
    top, right = max(rows[0], height - rows[1]), max(columns[0], width - columns[1])
    right += (first - right) % step
    highest, farthest = height - border.top.shape[-2], width - border.right.shape[-1]
    inner, every = slice(rows[0], top), slice(first, width, step)

    def pixels(data: Array, pixeldq: Array, rows: slice, columns: slice) -> Array:
        pixeldq = pixeldq[rows, columns]
        usable = ((pixeldq & dq.REFERENCE_PIXEL) != 0) & ((pixeldq & dq.DO_NOT_USE) == 0)
        return xp.reshape(xp.where(usable, data[..., rows, columns], xp.nan), (*data.shape[:2], -1))

    parts = [
        pixels(border.bottom, flags.bottom, slice(0, rows[0]), every),
        pixels(border.top, flags.top, slice(top - highest, height - highest), every),
        pixels(border.left, flags.left, inner, slice(first, columns[0], step)),
        pixels(border.right, flags.right, inner, slice(min(right, width) - farthest, width - farthest, step)),
    ]
    return xp.concat(parts, axis=-1)
