"""Rows of which a group is of no use, each looked at as far as its first usable pixel: ``unusable_rows`` of
``gpipe.jump.method`` and ``dead_rows`` of ``gpipe.ramp_fitting.dead_ends``."""

import numpy as np

from gpipe import dq
from gpipe.backends.kernels.cpu.compiling import frozen, kernel

DO_NOT_USE = dq.DO_NOT_USE


def unusable_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.jump.method.unusable_rows``."""
    found = np.empty(groupdq.shape[:-1], np.bool_)
    _look(frozen(groupdq), found)
    return found


def dead_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.ramp_fitting.dead_ends.dead_rows``."""
    return np.all(unusable_rows(groupdq), axis=0)


@kernel
def _look(groupdq, found):
    integrations, groups, rows, columns = groupdq.shape
    for i in range(integrations):
        for g in range(groups):
            for r in range(rows):
                c = 0
                while c < columns and groupdq[i, g, r, c] & DO_NOT_USE:
                    c += 1
                found[i, g, r] = c == columns
