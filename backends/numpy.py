"""Arrays in host memory."""

import functools
import os
from typing import Any

import numpy as np

from gpipe.backends import host_memory, native
from gpipe.backends.fits_pixels import decode
from gpipe.backends.interface import F, native_order
from gpipe.imports import deferred

with deferred("numpy.ctypeslib", "numpy.f2py", "numpy.polynomial", "numpy.random", "numpy.testing"):
    import array_api_compat.numpy  # noqa: F401 - it looks up every name of NumPy

PLANES_SHARE = 16
"""Planes may take one part in so many of the machine's memory."""


class NumpyBackend:
    """NumPy on the host; nothing is ever moved.

    Parameters
    ----------
    use_kernels : whether portable functions are replaced by their native versions.
    keeps_planes : whether planes of references may stay in memory between exposures.
    """

    name = "numpy"

    def __init__(self, *, use_kernels: bool = True, keeps_planes: bool = True) -> None:
        self._use_kernels, self._keeps_planes = use_kernels, keeps_planes

    def to_device(self, host: np.ndarray) -> np.ndarray:
        return native_order(host)

    def from_fits(self, stored: np.ndarray, dtype: Any, *, scale: float = 1, zero: float = 0) -> np.ndarray:
        values = np.empty(stored.shape, dtype)
        decode(stored, values, scale=scale, zero=zero)
        return values

    def to_host(self, x: np.ndarray) -> np.ndarray:
        if not isinstance(x, np.ndarray):
            raise TypeError(f"expected a NumPy array, found {type(x).__module__}.{type(x).__qualname__}")
        return x

    def synchronize(self) -> None:
        """Nothing is ever queued."""

    def free_bytes(self) -> int:
        known = "SC_AVPHYS_PAGES" in os.sysconf_names  # macOS does not tell what is free
        return os.sysconf("SC_AVPHYS_PAGES" if known else "SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    def plane_bytes(self, held: int) -> int:
        return _whole_memory() // PLANES_SHARE if self._keeps_planes else 0

    def native(self, function: F) -> F:
        return native.in_library(function) if self._use_kernels else function

    def warm_up(self) -> None:
        """Have the C library hold on to freed memory; kernels need no preparation."""
        host_memory.keep_blocks()

    def suited_to(self, *, keeps_planes: bool) -> "NumpyBackend":
        return NumpyBackend(use_kernels=self._use_kernels, keeps_planes=keeps_planes)


@functools.cache
def _whole_memory() -> int:
    """Bytes of this machine; asking takes longer than looking up a plane."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
