"""Flags for samples of a ramp that have lost charge to their neighbours, or gained it from them."""

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.dilation import dilate_cross

WITHDRAWN = dq.CHARGELOSS | dq.DO_NOT_USE


def flag_charge_migration(data: Array, groupdq: Array, signal_threshold: float) -> Array:
    """Flag what a bright pixel and its four neighbours collect once its signal has passed a threshold.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, linear and without bias. NaN has not passed.
    groupdq : uint8, (integration, group, row, column).
    signal_threshold : DN. A sample passes when it is above; one whose only flag is DO_NOT_USE never does.

    Returns
    -------
    uint8, (integration, group, row, column): ``groupdq`` with CHARGELOSS and DO_NOT_USE in the pixel, and in the pixels
    that share a side with it, from the group that passes to the last one. Data and errors are not changed.

    Notes
    -----
    Goudfrooij et al. 2024, PASP 136, 014503 (https://doi.org/10.1088/1538-3873/ad147b);
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/charge_migration/description.html
    """
    xp = array_namespace(data, groupdq)
    flagged = xp.empty_like(groupdq)
    for integration in range(data.shape[0]):
        touched = xp.zeros_like(data[0, 0, ...], dtype=xp.bool)
        for group in range(data.shape[1]):
            flags = groupdq[integration, group, ...]
            passed = (data[integration, group, ...] > signal_threshold) & (flags != dq.DO_NOT_USE)
            touched |= dilate_cross(passed, xp=xp)
            flagged[integration, group, ...] = flags | xp.astype(touched, flags.dtype) * WITHDRAWN
    return flagged
