"""Darks at the sampling of an exposure: ``gpipe.dark_current.dark_sub.average_darks``, each frame read once."""

from typing import Any

import numpy as np

from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import kernel
from gpipe.kernels.cpu.tiles import F

NOTHING = F(0)


def average_darks(frames: Any, groups: int) -> Any:
    """See ``gpipe.dark_current.dark_sub.average_darks``."""
    means = np.empty((groups, *frames.shape[1:]), np.float32)
    _average(frozen(frames), means)
    return means


@kernel
def _average(frames, means):
    each = frames.shape[0] // means.shape[0]
    count = F(each)
    for group in range(means.shape[0]):
        for row in range(means.shape[1]):
            line = means[group, row]
            line[:] = NOTHING
            for k in range(group * each, (group + 1) * each):
                frame = frames[k, row]
                for c in range(line.size):
                    line[c] += NOTHING if np.isnan(frame[c]) else frame[c]
            for c in range(line.size):
                line[c] /= count
