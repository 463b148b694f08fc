"""Drift of a subarray that one amplifier reads, from all reference pixels in it."""

from array_api_compat import device

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.refpix.clipped_mean import clipped_mean
from gpipe.refpix.orientation import DETECTOR_SIZE, Orientation
from gpipe.refpix.reference_areas import WIDTH


def single_amplifier_signal(
    data: Array, pixeldq: Array, at: Orientation, *, odd_even_columns: bool, siglimit: float, xp: Namespace
) -> Array:
    """Reference signal of every column of the array.

    The sigma-clipped mean of all pixels with REFERENCE_PIXEL and without DO_NOT_USE, of odd and even detector columns
    apart if asked. Where such pixels are missing, for one kind of column or both, the signal is 0 everywhere.

    Parameters
    ----------
    data : (integration, group, row, column), DN, detector frame.
    pixeldq : (row, column), detector frame. Reference pixels are looked for in the outer four rows and
        columns of the detector; those of the array if it reaches no edge.

    Returns
    -------
    (integration, group, column), DN, in the accumulation dtype.
    """
    step = 2 if odd_even_columns else 1
    firsts = [(kind - at.first_column) % step for kind in range(step)]
    pixels = [_reference_pixels(data, pixeldq, at, first, step, xp=xp) for first in firsts]
    means = xp.stack([clipped_mean(x, limit=siglimit, xp=xp) for x in pixels], axis=-1)
    means = xp.where(xp.any(xp.isnan(means), axis=-1, keepdims=True), 0.0, means)
    kind_of_column = (xp.arange(data.shape[-1], dtype=xp.int32, device=device(data)) + at.first_column) % step
    return xp.take(means, kind_of_column, axis=-1)


def _reference_pixels(data: Array, pixeldq: Array, at: Orientation, first: int, step: int, *, xp: Namespace) -> Array:
    """The border pixels of every ``step``-th column as (integration, group, pixel), NaN where not to be used."""
    usable = ((pixeldq & dq.REFERENCE_PIXEL) != 0) & ((pixeldq & dq.DO_NOT_USE) == 0)

    def pixels(rows: slice, columns: slice) -> Array:
        part = xp.astype(data[..., rows, columns], accumulator_dtype(data, xp=xp))
        return xp.reshape(xp.where(usable[rows, columns], part, xp.nan), (*data.shape[:2], -1))

    rows, columns = _border(at, *data.shape[-2:])
    height, width = data.shape[-2:]
    right = max(columns[0], width - columns[1])
    right += (first - right) % step
    top = max(rows[0], height - rows[1])
    parts = [
        pixels(slice(0, rows[0]), slice(first, width, step)),
        pixels(slice(top, height), slice(first, width, step)),
        pixels(slice(rows[0], top), slice(first, columns[0], step)),
        pixels(slice(rows[0], top), slice(min(right, width), width, step)),
    ]
    return xp.concat(parts, axis=-1)


def _border(at: Orientation, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many rows at the bottom and top, and columns left and right, belong to the edges of the detector.

    Four on each side for an array that reaches no edge: its reference pixels, if it has any, were assigned.
    """

    def margins(first: int, size: int) -> tuple[int, int]:
        return min(max(WIDTH - first, 0), size), min(max(first + size - DETECTOR_SIZE + WIDTH, 0), size)

    rows, columns = margins(at.first_row, height), margins(at.first_column, width)
    return (rows, columns) if any(rows + columns) else ((WIDTH, WIDTH), (WIDTH, WIDTH))
