"""Noise common to a row, from the reference pixels at the left and the right."""

from gpipe.arrays import Array, Namespace
from gpipe.arrays.running_median import running_median
from gpipe.refpix.amplifiers import mean_of_known
from gpipe.refpix.orientation import DETECTOR_SIZE, Orientation
from gpipe.refpix.reference_areas import WIDTH, area


def side_signal(
    data: Array, pixeldq: Array, column_signal: Array, at: Orientation, *, smoothing_length: int, xp: Namespace
) -> Array:
    """Reference signal of every detector row.

    On each side the median runs up the four columns, corrected for their amplifier, over ``smoothing_length`` rows;
    the two sides are averaged. Where one side has no usable pixel in its window the other is taken, else 0.

    Parameters
    ----------
    data : (integration, group, row, column), DN, detector frame.
    pixeldq : (row, column), detector frame.
    column_signal : (integration, group, 2048), DN: what `amplifier_signal` gives.
    smoothing_length : detector rows.

    Returns
    -------
    (integration, group, 2048), DN, in the accumulation dtype.
    """

    def side(first: int) -> Array:
        columns = (first, first + WIDTH)
        values = area(data, pixeldq, (0, DETECTOR_SIZE), columns, at, xp=xp)
        drift = column_signal[..., None, first : first + WIDTH]
        return running_median(values - drift, length=smoothing_length, xp=xp)

    signal = mean_of_known(side(0), side(DETECTOR_SIZE - WIDTH), xp=xp)
    return xp.where(xp.isnan(signal), 0.0, signal)
