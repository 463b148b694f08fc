"""Connected groups of pixels: labels need SciPy, or its version in CuPy."""

import logging
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.jump.groups import pixels_of_groups

log = logging.getLogger(__name__)

FindGroups = Callable[[Array, float], tuple[np.ndarray, np.ndarray]]
"""`large_groups` of an array of any backend."""


def large_groups(flagged: Array, least_area: float) -> tuple[Array, Array]:
    """Connected groups of pixels, diagonals included, of some size, in NumPy arrays; see `pixels_of_groups`."""
    return pixels_of_groups(flagged, least_area, label=ndimage.label)


def group_finder(backend: Backend, what: str) -> FindGroups:
    """Finds groups where the pixels are, if the backend can, and else on the host; ``what`` they are is for the log."""
    native = backend.native(large_groups)

    def on_device(flagged: Array, least_area: float) -> tuple[np.ndarray, np.ndarray]:
        place, group = native(flagged, least_area)
        return backend.to_host(place), backend.to_host(group)

    if native is not large_groups:
        return on_device
    if backend.name != "numpy":
        log.info("%s are looked for on the host", what)
    return lambda flagged, least_area: large_groups(backend.to_host(flagged), least_area)
