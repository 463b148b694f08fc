"""Arrays in host memory."""

import os

import numpy as np

from gpipe.backends.interface import native


class NumpyBackend:
    """NumPy on the host; nothing is ever moved."""

    name = "numpy"

    def to_device(self, host: np.ndarray) -> np.ndarray:
        return native(host)

    def to_host(self, x: np.ndarray) -> np.ndarray:
        if not isinstance(x, np.ndarray):
            raise TypeError(f"expected a NumPy array, found {type(x).__module__}.{type(x).__qualname__}")
        return x

    def synchronize(self) -> None:
        """Nothing is ever queued."""

    def free_bytes(self) -> int:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
