"""Reference-pixel correction of near-infrared ramps."""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace
from gpipe.arrays.rows import row_slices
from gpipe.refpix.amplifiers import COLUMNS, amplifier_signal
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.side_pixels import side_signal
from gpipe.refpix.single_amplifier import single_amplifier_signal
from gpipe.refpix.sirs import optimal_side_signal

# Pixels whose reference signal is found at once: a full frame of eight groups, or many integrations of a subarray.
BLOCK_PIXELS = 1 << 25


def correct_four_amplifiers(
    data: Array,
    pixeldq: Array,
    orientation: Orientation,
    *,
    odd_even_columns: bool = True,
    use_side_ref_pixels: bool = True,
    side_smoothing_length: int = 11,
    side_gain: float = 1.0,
    siglimit: float = 3.0,
    side_kernels: Array | None = None,
    sigreject: float = 4.0,
) -> Array:
    """Subtract amplifier drifts and row noise from an array read through four amplifiers: full frame or a part of it.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column). Reference pixels with DO_NOT_USE, and NaN, are left out.
    orientation : of the array on the detector.
    odd_even_columns : whether odd and even columns of an amplifier have signals of their own.
    use_side_ref_pixels : whether row noise is subtracted.
    side_smoothing_length : detector rows in the running median of the side pixels.
    side_gain : factor on the row noise.
    siglimit : standard deviations at which the means of an amplifier's reference pixels are clipped.
    side_kernels : (side, amplifier, tap), from `convolution_kernels`, for a full frame: row noise is found by
        `optimal_side_signal` instead of a running median, and ``side_smoothing_length`` and ``side_gain`` are not used.
    sigreject : standard deviations beyond which `optimal_side_signal` leaves pixels out.

    Returns
    -------
    float32, like ``data``. Reference pixels are corrected too. Errors are unaffected by this step.

    Notes
    -----
    In the detector frame, with amplifier a and parity p of column c,
    out[r, c] = data[r, c] - A[a, p] - gain · S[r], where A is the average of the clipped means at bottom and top and S
    the average of the medians at left and right after A is subtracted; with kernels the term is their signal instead.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, pixeldq)

    detector_dq = orientation.to_detector(pixeldq, xp=xp)
    inside = slice(orientation.first_column, orientation.first_column + detector_dq.shape[-1])
    rows_inside = slice(orientation.first_row, orientation.first_row + detector_dq.shape[-2])

    def signals(block: Array) -> list[Array]:
        columns = amplifier_signal(
            block, detector_dq, orientation, odd_even_columns=odd_even_columns, siglimit=siglimit, xp=xp
        )
        found = [columns[..., None, inside]]
        if use_side_ref_pixels and side_kernels is not None:
            rows = optimal_side_signal(block, columns, side_kernels, sigreject=sigreject, xp=xp)
            found.append(xp.repeat(xp.astype(rows, data.dtype), COLUMNS, axis=-1))
        elif use_side_ref_pixels:
            rows = side_signal(block, detector_dq, columns, orientation, smoothing_length=side_smoothing_length, xp=xp)
            found.append(side_gain * rows[..., rows_inside, None])
        return found

    return subtract_signals(data, signals, orientation, xp=xp)


def correct_single_amplifier(
    data: Array,
    pixeldq: Array,
    orientation: Orientation,
    *,
    odd_even_columns: bool = True,
    siglimit: float = 3.0,
) -> Array:
    """Subtract the drift of a subarray that is read through one amplifier.

    Arguments, result and policy for NaN are those of `correct_four_amplifiers`; pixels count as reference pixels only
    with REFERENCE_PIXEL in ``pixeldq``. Without any the result equals ``data``.

    Notes
    -----
    out[r, c] = data[r, c] - A[p], with the clipped mean A of all reference pixels in columns of parity p.
    """
    xp = array_namespace(data, pixeldq)
    detector_dq = orientation.to_detector(pixeldq, xp=xp)

    def signals(block: Array) -> list[Array]:
        columns = single_amplifier_signal(
            block, detector_dq, orientation, odd_even_columns=odd_even_columns, siglimit=siglimit, xp=xp
        )
        return [columns[..., None, :]]

    return subtract_signals(data, signals, orientation, xp=xp)


def subtract_signals(
    data: Array, signals: Callable[[Array], list[Array]], orientation: Orientation, *, xp: Namespace
) -> Array:
    """``data`` less its signals, which are found for a block of integrations in the detector frame."""
    integrations, groups, rows, columns = data.shape
    block_length = max(1, BLOCK_PIXELS // (groups * rows * columns))
    corrected = xp.empty_like(data)
    for start in range(0, integrations, block_length):
        block = data[start : min(start + block_length, integrations), ...]
        found = [
            xp.broadcast_to(xp.astype(orientation.to_science(signal, xp=xp), data.dtype), block.shape)
            for signal in signals(orientation.to_detector(block, xp=xp))
        ]
        for i in range(block.shape[0]):
            for group in range(groups):
                for part in row_slices(block):
                    values = block[i, group, part, :]
                    for signal in found:
                        values = values - signal[i, group, part, :]
                    corrected[start + i, group, part, :] = values
    return corrected
