"""Drifts of the four readout amplifiers, from the reference pixels at the bottom and the top."""

from dataclasses import replace

from gpipe.arrays import Array, Namespace
from gpipe.arrays.detector import DETECTOR_SIZE, EDGE
from gpipe.refpix.border import Border
from gpipe.refpix.clipped_mean import clipped_mean
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.reference_areas import area
from gpipe.refpix.settings import DriftSettings

AMPLIFIERS = 4
COLUMNS = DETECTOR_SIZE // AMPLIFIERS


def amplifier_signal(
    border: Border, flags: Border, at: Orientation, settings: DriftSettings, *, xp: Namespace
) -> Array:
    """Reference signal of every detector column.

    For each amplifier (512 columns), or separately for its odd and even columns, the sigma-clipped means of the bottom
    four and the top four rows are averaged; if one has no usable pixel, only the other is used. An amplifier
    for which a mean is missing gets 0, for its odd and even columns together.

    Parameters
    ----------
    border : of data, (integration, group, row, column), DN, detector frame.
    flags : of pixeldq, (row, column), detector frame.

    Returns
    -------
    (integration, group, 2048), DN, in the accumulation dtype.
    """
    everywhere = (0, DETECTOR_SIZE)
    highest = replace(at, first_row=at.first_row + border.shape[-2] - border.top.shape[-2])
    bottom = area(border.bottom, flags.bottom, (0, EDGE), everywhere, at, xp=xp)
    top = area(border.top, flags.top, (DETECTOR_SIZE - EDGE, DETECTOR_SIZE), everywhere, highest, xp=xp)
    parities = 2 if settings.odd_even_columns else 1
    edges = xp.stack([_by_amplifier(bottom, parities, xp=xp), _by_amplifier(top, parities, xp=xp)], axis=0)
    means = clipped_mean(edges, limit=settings.siglimit, xp=xp)
    signal = mean_of_known(means[0, ...], means[1, ...], xp=xp)
    complete = xp.all(~xp.isnan(signal), axis=-1, keepdims=True)
    signal = xp.where(complete, signal, 0.0)
    return xp.reshape(xp.tile(signal, (1, 1, 1, COLUMNS // parities)), (*border.shape[:2], DETECTOR_SIZE))


def _by_amplifier(edge: Array, parities: int, *, xp: Namespace) -> Array:
    """(integration, group, 4, 2048) to (integration, group, amplifier, parity, pixel)."""
    lead = edge.shape[:2]
    split = xp.reshape(edge, (*lead, EDGE, AMPLIFIERS, COLUMNS // parities, parities))
    return xp.reshape(xp.permute_dims(split, (0, 1, 3, 5, 2, 4)), (*lead, AMPLIFIERS, parities, -1))


def mean_of_known(a: Array, b: Array, *, xp: Namespace) -> Array:
    """The average of two arrays; where one is NaN, the other."""
    a, b = xp.where(xp.isnan(a), b, a), xp.where(xp.isnan(b), a, b)
    return 0.5 * (a + b)
