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
        reference pixels.
    pixeldq : uint32, (row, column). Reference pixels with DO_NOT_USE, and NaN, are left out.
    odd_even_rows : True for separate signals of odd and even rows of an amplifier.
    siglimit : standard deviations at which the means of reference pixels are clipped.

    Returns
    -------
    float32, like ``data``. The first group is not changed, nor is any group in which an amplifier has no usable
    reference pixel at one side. Reference pixels are corrected too. Errors are unaffected by this step.

    Notes
    -----
    With amplifier a and parity p of row r, and D the reference pixels less those of the first group,
    out[r, c] = data[r, c] - (<D>[left] + <D>[right])[a, p] / 2.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    columns = data.shape[3]
    left, right = slice(0, SIDE), slice(columns - SIDE, columns)
    signal = interleaved_signal(
        data[..., left], data[..., right], pixeldq[:, left], pixeldq[:, right],
        odd_even_rows=odd_even_rows, siglimit=siglimit,
    )  # fmt: skip
    return subtract_interleaved(data, signal)


def interleaved_signal(
    left: Array, right: Array, left_dq: Array, right_dq: Array, *, odd_even_rows: bool = True, siglimit: float = 3.0
) -> Array:
    """Find the signal that `correct_interleaved_amplifiers` subtracts, from the reference columns of all rows.

    Parameters
    ----------
    left, right : float32, (integration, group, row, 4), DN.
    left_dq, right_dq : uint32, (row, 4).

    Returns
    -------
    float32, (integration, group, parity of the row, amplifier), DN; parities are one or two.
    """
    xp = array_namespace(left, right, left_dq, right_dq)
    parities = 2 if odd_even_rows else 1
    sides = [_side_means(x, flags, parities, siglimit, xp=xp) for x, flags in ((left, left_dq), (right, right_dq))]
    signal = 0.5 * (sides[0] + sides[1])
    complete = xp.all(~xp.isnan(signal), axis=-1, keepdims=True)
    signal = xp.astype(xp.where(complete, signal, 0.0), left.dtype)
    return xp.reshape(signal, (*left.shape[:2], parities, AMPLIFIERS))


def subtract_interleaved(data: Array, signal: Array, *, first_row: int = 0) -> Array:
    """``data`` less the signal of the amplifier of each column and of the parity of each row.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; any rows. NaN stays NaN.
    signal : of ``interleaved_signal``.
    first_row : which row of the frame ``data`` begins with.
    """
    xp = array_namespace(data, signal)
    rows, columns, parities = data.shape[2], data.shape[3], signal.shape[2]
    lines = xp.roll(xp.tile(signal, (1, 1, 1, columns // AMPLIFIERS)), -first_row, axis=2)
    whole = rows - rows % parities
    pairs = xp.reshape(data[:, :, :whole, :], (*data.shape[:2], -1, parities, columns)) - lines[:, :, None, ...]
    corrected = xp.reshape(pairs, (*data.shape[:2], whole, columns))
    if whole == rows:
        return corrected
    return xp.concat([corrected, data[:, :, whole:, :] - lines[:, :, : rows - whole, :]], axis=2)


def _side_means(side: Array, pixeldq: Array, parities: int, siglimit: float, *, xp: Namespace) -> Array:
    """Clipped means of four reference columns, (integration, group, parity * amplifier); NaN where there is none."""
    lead = side.shape[:2]
    exact = xp.astype(side, accumulator_dtype(side, xp=xp))
    usable = (pixeldq & dq.DO_NOT_USE) == 0
    drift = xp.where(usable, exact - exact[:, :1, ...], xp.nan)
    by_amplifier = xp.permute_dims(xp.reshape(drift, (*lead, -1, parities * AMPLIFIERS)), (0, 1, 3, 2))
    return clipped_mean(by_amplifier, limit=siglimit, xp=xp)
