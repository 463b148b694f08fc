"""Noise common to a row, from the reference pixels at the left and the right."""

from dataclasses import replace

from gpipe.arrays import Array, Namespace
from gpipe.arrays.detector import DETECTOR_SIZE, EDGE
from gpipe.arrays.running_median import running_median
from gpipe.refpix.amplifiers import mean_of_known
from gpipe.refpix.border import Border
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.reference_areas import area


def side_signal(
    border: Border, flags: Border, column_signal: Array, at: Orientation, *, smoothing_length: int, xp: Namespace
) -> Array:
    """Reference signal of every detector row.

    On each side the median runs up the four columns, corrected for their amplifier, over ``smoothing_length`` rows;
    the two sides are averaged. If one side has no usable pixel in its window, only the other is used, else 0.

    Parameters
    ----------
    border : of data, (integration, group, row, column), DN, detector frame.
    flags : of pixeldq, (row, column), detector frame.
    column_signal : (integration, group, 2048), DN: what `amplifier_signal` gives.
    smoothing_length : detector rows.

    Returns
    -------
    (integration, group, 2048), DN, in the dtype of the data.
    """
    farthest = replace(at, first_column=at.first_column + border.shape[-1] - border.right.shape[-1])

    def side(pixels: Array, pixel_flags: Array, first: int, where: Orientation) -> Array:
        columns = (first, first + EDGE)
        values = area(pixels, pixel_flags, (0, DETECTOR_SIZE), columns, where, xp=xp)
        drift = column_signal[..., None, first : first + EDGE]
        # In the dtype of the data, which sorts in half the time, and differs by a rounding of what is left of them.
        level = xp.astype(xp.astype(values, drift.dtype) - drift, pixels.dtype)
        return running_median(level, length=smoothing_length, xp=xp)

    left = side(border.left, flags.left, 0, at)
    right = side(border.right, flags.right, DETECTOR_SIZE - EDGE, farthest)
    signal = mean_of_known(left, right, xp=xp)
    return xp.where(xp.isnan(signal), 0.0, signal)
