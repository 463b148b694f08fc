"""Correction of the detector's non-linear response."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.rows import row_slices
from gpipe.linearity.averaged_groups import correct_frames
from gpipe.linearity.coefficients import evaluate, usable_polynomial


@dataclass(frozen=True)
class Linearized:
    """Ramps that are proportional to the charge collected; new arrays of the shapes and types that came in."""

    data: Array
    pixeldq: Array
    zeroframe: Array | None


def correct_linearity(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    coeffs: Array,
    coeffs_dq: Array,
    *,
    inverse: Array | None = None,
    nframes: int = 1,
    zeroframe: Array | None = None,
) -> Linearized:
    """Put every sample through its pixel's polynomial, ``sum over k of c[k] S^k``; saturated samples stay as they are.

    Where a group averages several frames, the polynomial of the mean is not the mean of the polynomial. If the inverse
    polynomial is known (``inverse``) and there are at least two groups, the frames of each group are rebuilt and
    corrected one by one; see ``gpipe.linearity.averaged_groups``.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    coeffs : float32, (power, row, column). A pixel with NaN or without a linear term is left as it is and flagged
        NO_LIN_CORR.
    coeffs_dq : uint32, (row, column); joins ``pixeldq``. Pixels with NO_LIN_CORR are left as they are.
    inverse : float32, (power, row, column): from linear to measured counts; unusable pixels as in ``coeffs``.
    nframes : frames averaged in a group.
    zeroframe : float32, (integration, row, column), DN: corrected by the polynomial; 0 marks a bad sample and stays 0.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/linearity/description.html
    """
    xp = array_namespace(data, groupdq, pixeldq, coeffs, coeffs_dq, inverse, zeroframe)
    if nframes == 1 or data.shape[1] == 1:
        inverse = None
    out, flags, zero = xp.empty_like(data), xp.empty_like(pixeldq), []
    for rows in row_slices(data):
        forward = usable_polynomial(coeffs[:, rows, :], coeffs_dq[rows, :])
        backward = None if inverse is None else usable_polynomial(inverse[:, rows, :], coeffs_dq[rows, :])
        unusable = forward.unusable if backward is None else forward.unusable | backward.unusable
        extra = xp.astype(unusable, pixeldq.dtype) * dq.NO_LIN_CORR
        flags[rows, :] = pixeldq[rows, :] | coeffs_dq[rows, :] | extra
        for i in range(data.shape[0]):  # see gpipe.arrays.integrations
            counts = data[i, :, rows, :]
            saturated = (groupdq[i, :, rows, :] & dq.SATURATED) != 0
            if backward is None:
                linear = evaluate(forward.coeffs, counts)
            else:
                linear = correct_frames(counts, saturated, forward.coeffs, backward.coeffs, nframes=nframes)
            out[i, :, rows, :] = xp.where(saturated, counts, linear)
        if zeroframe is not None:
            counts = zeroframe[:, rows, :]
            zero.append(xp.where(counts == 0, 0.0, evaluate(forward.coeffs, counts)))
    return Linearized(data=out, pixeldq=flags, zeroframe=xp.concat(zero, axis=-2) if zero else None)
