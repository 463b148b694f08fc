"""Rows of which a group is of no use: ``unusable_rows`` of ``gpipe.jump.method`` and ``dead_rows`` of
``gpipe.ramp_fitting.dead_ends``. Nearly all rows are told by their first pixel."""

import numpy as np

from gpipe import dq


def unusable_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.jump.method.unusable_rows``."""
    found = (groupdq[..., 0] & dq.DO_NOT_USE) != 0
    found[found] = np.all(groupdq[found] & dq.DO_NOT_USE, axis=-1)
    return found


def dead_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.ramp_fitting.dead_ends.dead_rows``."""
    return np.all(unusable_rows(groupdq), axis=0)
