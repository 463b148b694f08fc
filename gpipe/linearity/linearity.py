"""Correction of the detector's non-linear response."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.rows import row_slices
from gpipe.linearity.averaged_groups import correct_averaged_groups
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
    forward = usable_polynomial(coeffs, coeffs_dq)
    unusable = forward.unusable
    if inverse is not None and nframes > 1 and data.shape[1] > 1:
        backward = usable_polynomial(inverse, coeffs_dq)
        unusable = unusable | backward.unusable
        corrected = correct_averaged_groups(data, groupdq, forward.coeffs, backward.coeffs, nframes=nframes)
    else:
        corrected = _correct_groups(data, groupdq, forward.coeffs, xp=xp)
    return Linearized(
        data=corrected,
        pixeldq=pixeldq | coeffs_dq | xp.astype(unusable, pixeldq.dtype) * dq.NO_LIN_CORR,
        zeroframe=None if zeroframe is None else _correct_zeroframe(zeroframe, forward.coeffs, xp=xp),
    )


def _correct_groups(data: Array, groupdq: Array, coeffs: Array, *, xp: Namespace) -> Array:
    out = xp.empty_like(data)
    for rows in row_slices(data):
        block = coeffs[:, rows, :]
        for i in range(data.shape[0]):
            for g in range(data.shape[1]):
                counts = data[i, g, rows, :]
                saturated = (groupdq[i, g, rows, :] & dq.SATURATED) != 0
                out[i, g, rows, :] = xp.where(saturated, counts, evaluate(block, counts))
    return out


def _correct_zeroframe(zeroframe: Array, coeffs: Array, *, xp: Namespace) -> Array:
    out = xp.empty_like(zeroframe)
    for rows in row_slices(zeroframe):
        counts = zeroframe[:, rows, :]
        out[:, rows, :] = xp.where(counts == 0, 0.0, evaluate(coeffs[:, rows, :], counts))
    return out
