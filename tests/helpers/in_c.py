"""Kernels of the native library, for tests: those of a file run in each variant that this processor has."""

import numpy as np
import pytest

from gpipe.backends import native
from gpipe.kernels.native import library

in_every_variant = pytest.mark.usefixtures("variant")


def kernel(function):
    """The kernel in C of a portable function; skips the file of tests where portable functions are used."""
    if not library.is_used():
        pytest.skip("the native library is not used", allow_module_level=True)
    return native.find(function, native.CPU)


def unaligned(x):
    """The same values, one byte beside where they should be."""
    memory = np.empty(x.nbytes + 1, np.uint8)[1:]
    moved = memory.view(x.dtype).reshape(x.shape)
    moved[...] = x
    return moved
