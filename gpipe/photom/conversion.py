"""Conversion of count rates to surface brightness."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.arrays import Array
from gpipe.arrays.invalid import sync_invalid

MICROJANSKYS = 23.50443053909789
"""uJy/arcsec^2 in 1 MJy/sr."""


@dataclass(frozen=True)
class Converted:
    """Pixels in other units: new arrays, of the shapes and types that came in."""

    data: Array
    err: Array
    dq: Array
    var_poisson: Array
    var_rnoise: Array
    var_flat: Array | None


def convert(
    values: Sequence[Array], variances: Sequence[Array | None], flags: Array, *, factor: float, inverse: bool = False
) -> Converted:
    """Multiply values and errors by a factor and variances by its square; divide if ``inverse``.

    Parameters
    ----------
    values : science values and errors, float32, (row, column) or (integration, row, column), DN/s.
    variances : of Poisson noise, read noise and the flat, of the same shape, (DN/s)^2; None stays None.
    flags : uint32, DQ.
    factor : (MJy/sr) / (DN/s).

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/photom/main.html
    """
    scaled = [_times(values_of_one, factor, inverse) for values_of_one in values]
    scaled_variances = [_times(variance, factor * factor, inverse) for variance in variances]
    marked, (data, err, *rest) = sync_invalid(flags, *scaled, *scaled_variances)
    return Converted(data, err, marked, *rest)


def _times(plane: Array | None, factor: float, inverse: bool) -> Array | None:
    if plane is None:
        return None
    return plane / factor if inverse else plane * factor
