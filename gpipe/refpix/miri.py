"""Reference-pixel correction of MIRI ramps, whose four amplifiers read every fourth column each."""

from array_api_compat import array_namespace

import gpipe.dq as dq
from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.refpix.amplifiers import AMPLIFIERS
from gpipe.refpix.clipped_mean import clipped_mean

SIDE = AMPLIFIERS
"""Reference columns at the left, and at the right: one of each amplifier."""


def correct_interleaved_amplifiers(
    data: Array, pixeldq: Array, *, odd_even_rows: bool = True, siglimit: float = 3.0
) -> Array:
    """Subtract from full frames what each amplifier has drifted by since the first group of the integration.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; of full width, as the first and the last four columns are the
        reference pixels, and with an even number of rows.
    pixeldq : uint32, (row, column). Reference pixels with DO_NOT_USE, and NaN, are left out.
    odd_even_rows : whether odd and even rows of an amplifier have signals of their own.
    siglimit : standard deviations at which the means of reference pixels are clipped.

    Returns
    -------
    float32, like ``data``. The first group stays as it is, and so does any group in which an amplifier has no usable
    reference pixel at one side. Reference pixels are corrected too. Errors are unaffected by this step.

    Notes
    -----
    With amplifier a and parity p of row r, and D the reference pixels less those of the first group,
    out[r, c] = data[r, c] - (<D>[left] + <D>[right])[a, p] / 2.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, pixeldq)
    parities = 2 if odd_even_rows else 1
    columns = data.shape[3]
    sides = [
        _side_means(data[..., side], pixeldq[:, side], parities, siglimit, xp=xp)
        for side in (slice(0, SIDE), slice(columns - SIDE, columns))
    ]
    signal = 0.5 * (sides[0] + sides[1])
    complete = xp.all(~xp.isnan(signal), axis=-1, keepdims=True)
    signal = xp.astype(xp.where(complete, signal, 0.0), data.dtype)
    return _subtract(data, signal, parities, xp=xp)


def _side_means(side: Array, pixeldq: Array, parities: int, siglimit: float, *, xp: Namespace) -> Array:
    """Clipped means of four reference columns, (integration, group, parity * amplifier); NaN where there is none."""
    lead = side.shape[:2]
    exact = xp.astype(side, accumulator_dtype(side, xp=xp))
    usable = (pixeldq & dq.DO_NOT_USE) == 0
    drift = xp.where(usable, exact - exact[:, :1, ...], xp.nan)
    by_amplifier = xp.permute_dims(xp.reshape(drift, (*lead, -1, parities * AMPLIFIERS)), (0, 1, 3, 2))
    return clipped_mean(by_amplifier, limit=siglimit, xp=xp)


def _subtract(data: Array, signal: Array, parities: int, *, xp: Namespace) -> Array:
    """``data`` less (integration, group, parity * amplifier), which repeats along columns and, as parities do, rows."""
    lead, (rows, columns) = data.shape[:2], data.shape[2:]
    by_row = xp.reshape(signal, (*lead, parities, AMPLIFIERS))
    pattern = xp.reshape(xp.tile(by_row, (1, 1, 1, columns // AMPLIFIERS)), (*lead, 1, parities * columns))
    together = xp.reshape(data, (*lead, rows // parities, parities * columns))
    return xp.reshape(together - pattern, data.shape)
