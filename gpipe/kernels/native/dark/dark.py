"""Darks at the sampling of an exposure: ``gpipe.dark_current.dark_sub.average_darks``, each frame read once."""

from typing import Any

import numpy as np

from gpipe.dark_current import dark_sub
from gpipe.kernels.native.arguments import Function, array, contiguous, output

_average = Function(
    "dark_average",
    frames=array(np.float32, "number rows columns"),
    means=output(np.float32, "planes rows columns"),
)


def average_darks(frames: Any, groups: int) -> Any:
    """See ``gpipe.dark_current.dark_sub.average_darks``."""
    if frames.dtype != np.float32 or not len(frames) or len(frames) % groups:
        return dark_sub.average_darks(frames, groups)
    means = np.empty((groups + 1, *frames.shape[1:]), np.float32)
    _average(contiguous(frames), means)
    return means
