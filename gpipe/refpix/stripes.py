"""Reference-pixel correction of multistripe arrays, whose lines come from all over the detector."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.detector import DETECTOR_SIZE, EDGE
from gpipe.refpix.amplifiers import COLUMNS
from gpipe.refpix.clipped_mean import clipped_mean
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DEFAULTS, DriftSettings
from gpipe.refpix.signals import Signals, subtract_signals


def correct_stripes(
    data: Array,
    pixeldq: Array,
    orientation: Orientation,
    settings: DriftSettings = DEFAULTS,
    *,
    lines: Sequence[int],
) -> Array:
    """Subtract the drift of each amplifier that all reference pixels of the array show.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column). Pixels count with REFERENCE_PIXEL and without DO_NOT_USE.
    orientation : of the array on the detector; ``first_row`` is not used.
    lines : the detector row of each row of the array in the detector frame.

    Returns
    -------
    float32, like ``data``. An amplifier without usable reference pixels, in odd or in even columns, is not changed.

    Notes
    -----
    out[r, c] = data[r, c] - A[a, p], with the clipped mean A of all reference pixels of amplifier a in columns of
    parity p. https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, pixeldq)
    detector_dq = orientation.to_detector(pixeldq, xp=xp)
    usable = ((detector_dq & dq.REFERENCE_PIXEL) != 0) & ((detector_dq & dq.DO_NOT_USE) == 0)
    step = 2 if settings.odd_even_columns else 1
    areas = list(_areas(lines, orientation.first_column, detector_dq.shape[-1], step))

    turned = orientation.to_detector(data, xp=xp)
    found = [_signal(turned, usable, area, settings.siglimit, xp=xp) for area in areas]
    drifts = xp.astype(orientation.to_science(xp.concat(found, axis=-1)[..., None, :], xp=xp), data.dtype)
    return subtract_signals(data, Signals(drifts, None, data.shape[-2:]))


@dataclass(frozen=True)
class Area:
    """One amplifier of the array: for each kind of column, (rows, columns) that may be reference pixels.

    ``kinds`` says of each of its columns which kind it is.
    """

    kinds: list[int]
    pixels: list[list[tuple[list[int], list[int]]]]


def _areas(lines: Sequence[int], first: int, width: int, step: int) -> Iterator[Area]:
    """The amplifiers that the array reaches. Reference pixels are the outer four rows and columns of the detector."""
    edge = [row for row, line in enumerate(lines) if _at_edge(line)]
    inner = [row for row, line in enumerate(lines) if not _at_edge(line)]
    for start in range(0, DETECTOR_SIZE, COLUMNS):
        columns = range(max(start - first, 0), min(start + COLUMNS - first, width))
        by_kind = [[column for column in columns if column % step == kind] for kind in range(step)]
        sides = [[column for column in of_kind if _at_edge(first + column)] for of_kind in by_kind]
        if columns:
            pixels = [[(edge, full), (inner, side)] for full, side in zip(by_kind, sides, strict=True)]
            yield Area([column % step for column in columns], pixels)


def _at_edge(index: int) -> bool:
    return index < EDGE or index >= DETECTOR_SIZE - EDGE


def _signal(block: Array, usable: Array, area: Area, limit: float, *, xp: Namespace) -> Array:
    """Signal of the columns of one amplifier: (integration, group, column)."""
    means = xp.stack([_mean(block, usable, pixels, limit, xp=xp) for pixels in area.pixels], axis=-1)
    means = xp.where(xp.any(xp.isnan(means), axis=-1, keepdims=True), 0.0, means)
    return xp.take(means, xp.asarray(area.kinds, dtype=xp.int64, device=device(block)), axis=-1)


def _mean(block: Array, usable: Array, pixels: list[tuple[list[int], list[int]]], limit: float, *, xp: Namespace):
    """Clipped mean of the usable pixels in these rows and columns: (integration, group), NaN where there is none."""
    exact = accumulator_dtype(block, xp=xp)
    parts = [xp.full((*block.shape[:2], 1), xp.nan, dtype=exact, device=device(block))]
    for rows, columns in pixels:
        if rows and columns:
            values = xp.astype(_rectangle(block, rows, columns, xp=xp), exact)
            values = xp.where(_rectangle(usable, rows, columns, xp=xp), values, xp.nan)
            parts.append(xp.reshape(values, (*block.shape[:2], -1)))
    return clipped_mean(xp.concat(parts, axis=-1), limit=limit, xp=xp)


def _rectangle(x: Array, rows: list[int], columns: list[int], *, xp: Namespace) -> Array:
    for axis, chosen in ((-2, rows), (-1, columns)):
        x = xp.take(x, xp.asarray(chosen, dtype=xp.int64, device=device(x)), axis=axis)
    return x
