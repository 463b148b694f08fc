"""Reference-pixel correction of near-infrared ramps."""

from dataclasses import replace

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.refpix.amplifiers import amplifier_signal
from gpipe.refpix.border import Border
from gpipe.refpix.elsewhere import reference_pixels_elsewhere
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DEFAULTS, DriftSettings
from gpipe.refpix.side_pixels import side_signal
from gpipe.refpix.signals import Signals, find_signals, subtract_signals
from gpipe.refpix.single_amplifier import single_amplifier_signal
from gpipe.refpix.sirs import optimal_side_signal


def correct_four_amplifiers(
    data: Array, pixeldq: Array, orientation: Orientation, settings: DriftSettings = DEFAULTS
) -> Array:
    """Subtract amplifier drifts and row noise from an array read through four amplifiers: full frame or a part of it.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame.
    pixeldq : uint32, (row, column). Reference pixels with DO_NOT_USE, and NaN, are left out.
    orientation : of the array on the detector.

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
    signals = four_amplifier_signals(Border.of(data), Border.of(pixeldq), orientation, settings)
    return subtract_signals(data, signals)


def four_amplifier_signals(
    border: Border, flags: Border, orientation: Orientation, settings: DriftSettings = DEFAULTS
) -> Signals:
    """Find the signals that `correct_four_amplifiers` subtracts, from the borders of ``data`` and ``pixeldq``."""
    xp = array_namespace(border.left, flags.left)
    flags = flags.to_detector(orientation, xp=xp)

    def found(part: Border) -> tuple[Array, Array | None]:
        columns = amplifier_signal(part, flags, orientation, settings, xp=xp)
        drifts = columns[..., None, orientation.first_column : orientation.first_column + part.shape[-1]]
        if not settings.use_side_ref_pixels:
            return drifts, None
        if settings.side_kernels is not None:
            sides = xp.concat([part.left, part.right], axis=-1)
            drift = xp.concat([columns[..., :EDGE], columns[..., -EDGE:]], axis=-1)
            reject = settings.sigreject
            return drifts, optimal_side_signal(sides, drift, settings.side_kernels, sigreject=reject, xp=xp)
        length = settings.side_smoothing_length
        rows = side_signal(part, flags, columns, orientation, smoothing_length=length, xp=xp)
        inside = slice(orientation.first_row, orientation.first_row + part.shape[-2])
        return drifts, settings.side_gain * rows[..., inside, None]

    return find_signals(border, orientation, found, xp=xp)


def correct_single_amplifier(
    data: Array, pixeldq: Array, orientation: Orientation, settings: DriftSettings = DEFAULTS
) -> Array:
    """Subtract the drift of a subarray that is read through one amplifier.

    Arguments, result and policy for NaN are those of `correct_four_amplifiers`; pixels count as reference pixels only
    with REFERENCE_PIXEL in ``pixeldq``. Without any the result equals ``data``.

    Notes
    -----
    out[r, c] = data[r, c] - A[p], with the clipped mean A of all reference pixels in columns of parity p.
    """
    border = replace(Border.of(data), elsewhere=reference_pixels_elsewhere(data, pixeldq, orientation))
    signals = single_amplifier_signals(border, Border.of(pixeldq), orientation, settings)
    return subtract_signals(data, signals)


def single_amplifier_signals(
    border: Border, flags: Border, orientation: Orientation, settings: DriftSettings = DEFAULTS
) -> Signals:
    """Find the signals that `correct_single_amplifier` subtracts, from the borders of ``data`` and ``pixeldq``."""
    xp = array_namespace(border.left, flags.left)
    flags = flags.to_detector(orientation, xp=xp)

    def found(part: Border) -> tuple[Array, None]:
        columns = single_amplifier_signal(part, flags, orientation, settings, xp=xp)
        return columns[..., None, :], None

    return find_signals(border, orientation, found, xp=xp)
