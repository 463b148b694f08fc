"""Memory for vectors: one that is not aligned lies in two lines of the cache."""

import math
from typing import Any

import numpy as np

CACHE_LINE = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Memory that begins with a line of the cache; nothing has been written to it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)
