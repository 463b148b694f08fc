"""Arrays on one CUDA GPU."""

import importlib
import logging
import threading
from typing import Any

import numpy as np

from gpipe.backends import native
from gpipe.backends.fits_pixels import decode
from gpipe.backends.interface import F, native_order
from gpipe.exceptions import BackendError

log = logging.getLogger(__name__)

PLANES_SHARE = 2
"""Planes may take one part in so many of the memory that is free, and that they take already."""


class CupyBackend:
    """CuPy on the current CUDA device.

    Constructing it answers whether a GPU can be used; importing this module does not touch CUDA.
    """

    name = "cupy"

    def __init__(self) -> None:
        try:
            import cupy
        except ImportError as error:
            raise BackendError(
                f"backend 'cupy': CuPy cannot be imported ({error}); install cupy-cuda12x[ctk] or cupy-cuda13x[ctk]"
            ) from None
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise BackendError(f"backend 'cupy': CuPy is installed but no GPU answers ({error})") from None
        if count == 0:
            raise BackendError("backend 'cupy': CuPy is installed but no GPU answers (0 devices)")
        self._cupy = cupy

    def to_device(self, host: np.ndarray) -> Any:
        # CuPy takes big-endian memory for native without an error, so the order is settled on the host.
        return self._cupy.asarray(native_order(host))

    def from_fits(self, stored: np.ndarray, dtype: Any, *, scale: float = 1, zero: float = 0) -> Any:
        fits = _cuda("fits")
        types = stored.dtype.str[1:], np.dtype(dtype).str[1:]
        if not fits.is_covered(*types, scale=scale, zero=zero):
            values = np.empty(stored.shape, dtype)
            decode(stored, values, scale=scale, zero=zero)
            return self._cupy.asarray(values)
        # CuPy sends arrays through page-locked buffers that it keeps for the next ones.
        return fits.decode(self._cupy.asarray(stored.view(f"u{stored.itemsize}")), types[1], zero=zero)

    def to_host(self, x: Any) -> np.ndarray:
        if not isinstance(x, self._cupy.ndarray):
            raise TypeError(f"expected a CuPy array, found {type(x).__module__}.{type(x).__qualname__}")
        host: np.ndarray = x.get()
        return host

    def synchronize(self) -> None:
        self._cupy.cuda.get_current_stream().synchronize()

    def free_bytes(self) -> int:
        free, _total = self._cupy.cuda.runtime.memGetInfo()
        return int(free) + int(self._cupy.get_default_memory_pool().free_bytes())

    def plane_bytes(self, held: int) -> int:
        return (self.free_bytes() + held) // PLANES_SHARE

    def native(self, function: F) -> F:
        return native.find(function, native.CUDA) or function  # type: ignore[return-value]

    def warm_up(self) -> None:
        threading.Thread(target=self._compile, args=(self._cupy.cuda.Device(),), daemon=True).start()

    def _compile(self, device: Any) -> None:
        try:
            with device:
                _cuda("sources").compile_all()
        except Exception as error:  # the first step that needs the kernel meets it again, and tells it to the caller
            log.debug("kernels could not be compiled ahead of their use: %s", error)

    def suited_to(self, *, keeps_planes: bool) -> "CupyBackend":
        return self


def _cuda(module: str) -> Any:
    """A module of the kernels, which stand above this package: they know the functions that they replace."""
    return importlib.import_module(f"gpipe.kernels.cuda.{module}")
