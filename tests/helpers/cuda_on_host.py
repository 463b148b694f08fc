"""CUDA kernels without a GPU: a C++ compiler builds the same sources for the processor, and NumPy replaces CuPy.

This runs the arithmetic and indexing of kernels, thread after thread, but nothing that only a GPU does.
"""

import ctypes
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from gpipe.backends import native
from gpipe.backends.numpy import NumpyBackend
from gpipe.kernels.cuda import sources

SHIM = Path(__file__).with_suffix(".h")
# The processor's compiler must not fuse products and sums either.
FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wno-unknown-pragmas", "-Werror", "-fPIC", "-shared")
BLOCKS, THREADS = 2, 3

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no g++ to build CUDA sources for the processor"
)


def stand_in(patch):
    """Run kernels on the processor; SciPy replaces the functions that CuPy took from SciPy."""
    patch.setattr(sources, "launch", launch)
    patch.setitem(sys.modules, "cupyx", SimpleNamespace())
    patch.setitem(sys.modules, "cupyx.scipy", SimpleNamespace(ndimage=ndimage))


def launch(name, kernel, threads, *arguments):
    """Replace ``sources.launch``: always a few threads."""
    assert threads >= 1
    library = build(name)
    values = [pass_on(x) for x in arguments]
    for block, thread in np.ndindex(BLOCKS, THREADS):
        library.become_thread(BLOCKS, THREADS, block, thread)
        getattr(library, kernel)(*values)


def pass_on(value):
    if value is None:
        return ctypes.c_void_p(0)
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    assert type(value) in (int, float), f"a kernel cannot take {value!r}"
    return ctypes.c_int64(value) if type(value) is int else ctypes.c_double(value)


class OnTheProcessor(NumpyBackend):
    """NumPy arrays, but the kernels of the GPU; ``used`` are the names of the functions that they were taken for."""

    def __init__(self):
        super().__init__()
        self.used = set()

    def native(self, function):
        kernel = native.find(function, native.CUDA)
        if kernel is not None:
            self.used.add(f"{function.__module__}.{function.__qualname__}")
        return kernel or function

    def suited_to(self, *, keeps_planes):
        return self


@functools.cache
def build(name):
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, f"{name}.cpp"), Path(folder, f"{name}.so")
        source.write_text(f'#include "{SHIM}"\n{sources.text(name)}')
        done = subprocess.run(["g++", *FLAGS, "-o", library, source], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return ctypes.CDLL(str(library))
