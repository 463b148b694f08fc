"""Darks at the sampling of an exposure: ``gpipe.dark_current.dark_sub.average_dark``, each frame read once."""

from typing import Any

import numpy as np

from gpipe.backends.kernels.cpu.compiling import frozen, kernel
from gpipe.backends.kernels.cpu.tiles import F
from gpipe.dark_current.dark_sub import average_dark as portable

NOTHING = F(0)


def average_dark(*frames: Any) -> Any:
    """See ``gpipe.dark_current.dark_sub.average_dark``, which takes frames in several arrays."""
    if len(frames) > 1:
        return portable(*frames)
    mean = np.empty(frames[0].shape[1:], np.float32)
    _average(frozen(frames[0]), mean)
    return mean


@kernel
def _average(frames, mean):
    count = F(frames.shape[0])
    for row in range(mean.shape[0]):
        line = mean[row]
        line[:] = NOTHING
        for k in range(frames.shape[0]):
            frame = frames[k, row]
            for c in range(line.size):
                line[c] += NOTHING if np.isnan(frame[c]) else frame[c]
        for c in range(line.size):
            line[c] /= count
