"""The last group of an integration is read while the detector is being reset."""

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array


def flag_last_group(groupdq: Array) -> Array:
    """Flag the last group of every integration DO_NOT_USE.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).

    Returns
    -------
    A new array. Data and errors are unaffected by this step.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/lastframe/description.html
    """
    xp = array_namespace(groupdq)
    return xp.concat((groupdq[:, :-1, ...], groupdq[:, -1:, ...] | dq.DO_NOT_USE), axis=1)
