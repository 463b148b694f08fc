"""The CUDA sources of this folder: their text, their compilation, once, and the start of their kernels."""

import functools
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from array_api_compat import array_namespace, device

from gpipe import dq

NAMES = ("fits", "saturation", "linearity", "jump", "ramp_fit", "drizzle")  # in the order in which steps need them
# Without --fmad=false a product and a sum would be rounded once: other flags than NumPy's where a comparison decides.
# CuPy adds -ftz=true: numbers below 1e-38 become 0.
OPTIONS = ("--std=c++17", "--fmad=false")
BLOCK = 128
REGISTERS = (8, 16, 32)
"""Values of a pixel up to which a kernel has a version that sorts them by a network in its own memory."""
SCRATCH_THREADS = 1 << 17
"""Threads that share a kernel's scratch memory, which so does not grow with the image."""


@functools.cache
def text(name: str) -> str:
    """Complete source of a module: flags, common functions, arithmetic shared with C if any, kernels.

    Nothing is included by the compiler, because CuPy's cache on disk would not see it change.
    """
    folder = Path(__file__).parent
    flags = ", ".join(f"{flag} = {bit}u" for flag, bit in vars(dq).items() if flag.isupper())
    shared = folder.parent / "shared" / f"{name}.cuh"
    paths = [folder / "common.cuh", *([shared] if shared.exists() else []), folder / f"{name}.cu"]
    return "\n".join((f"enum Flag : unsigned {{ {flags} }};", *(path.read_text() for path in paths)))


def compile_all() -> None:
    """Compile every module, or load it from CuPy's cache on disk."""
    for name in NAMES:
        _module(name)


def launch(name: str, kernel: str, threads: int, *arguments: Any) -> None:
    """Queue a kernel on the current stream.

    Parameters
    ----------
    name : the source, without ``.cu``.
    kernel : its name in the source.
    threads : how many share the work; kernels take any number.
    arguments : contiguous arrays become pointers, int ``int64``, float ``double``, None a null pointer.
    """
    function = _module(name).get_function(kernel)
    function((-(-threads // BLOCK),), (BLOCK,), tuple(0 if x is None else x for x in arguments))


def contiguous(x: Any) -> Any:
    """The same values in C order without gaps; copies only if they are not. None stays None."""
    return x if x is None or x.flags.c_contiguous else x.copy()


@dataclass(frozen=True)
class Version:
    """Version of a kernel that sorts, and its launch settings.

    Attributes
    ----------
    suffix : the capacity of a thread's local memory, or ``any``.
    threads : number of threads.
    scratch : float32, (value, thread), for ``any``; else None.
    """

    suffix: str
    threads: int
    scratch: Any


def version_for(values: int, pixels: int, *, like: Any) -> Version:
    """The version that sorts so many values of each pixel; ``like`` is an array of the device."""
    xp = array_namespace(like)
    for size in REGISTERS:
        if values <= size:
            return Version(str(size), pixels, None)
    threads = min(pixels, SCRATCH_THREADS)
    whole_blocks = -(-threads // BLOCK) * BLOCK
    return Version("any", threads, xp.empty((values, whole_blocks), dtype=xp.float32, device=device(like)))


_compiling = threading.Lock()


def _module(name: str) -> Any:
    """The module, compiled once, whichever thread asks first."""
    with _compiling:
        return _compiled(name)


@functools.cache
def _compiled(name: str) -> Any:
    import cupy

    module = cupy.RawModule(code=text(name), options=OPTIONS)
    module.compile()
    return module
