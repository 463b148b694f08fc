"""The table of kernels: native versions of single portable functions, found by name.

Kernels are in ``gpipe.kernels``, a floor above the functions that they speed up; this module imports a kernel only when
it is needed. Kernels for the processor are in the library of C functions, which may be missing.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gpipe.exceptions import BackendError

Function = TypeVar("Function", bound=Callable[..., Any])

CPU: Mapping[str, str] = {
    "gpipe.backends.fits_pixels.decode": "native.fits.fits_pixels",
    "gpipe.backends.fits_pixels.fetch": "native.fits.fits_pixels",
    "gpipe.arrays.fourier.twisted": "native.fourier.fourier",
    "gpipe.arrays.fourier.untwisted": "native.fourier.fourier",
    "gpipe.arrays.unusable.unusable_rows": "native.unusable.unusable",
    "gpipe.dark_current.dark_sub.average_darks": "native.dark.dark",
    "gpipe.dark_current.dark_sub.subtract_darks": "native.planes.planes",
    "gpipe.ipc.ipc.correct_interleaved": "native.ipc.ipc",
    "gpipe.ipc.ipc.correct_ipc": "native.ipc.ipc",
    "gpipe.jump.detection.flag_jumps": "native.jump.jump",
    "gpipe.saturation.saturation.flag_saturation": "native.saturation.saturation",
    "gpipe.refpix.irs2.lines.subtract_line": "native.irs2.streams",
    "gpipe.refpix.irs2.streams.reference_stream": "native.irs2.streams",
    "gpipe.refpix.irs2.streams.without_noise": "native.irs2.streams",
    "gpipe.refpix.irs2.samples.rise_to_mean": "native.irs2.samples",
    "gpipe.refpix.irs2.samples.samples_in_time": "native.irs2.samples",
    "gpipe.refpix.irs2.samples.normal_counts": "native.irs2.samples",
    "gpipe.linearity.linearity.correct_linearity": "native.linearity.linearity",
    "gpipe.ramp_fitting.fit.fit_ramps": "native.ramp_fit.ramp_fit",
    "gpipe.resample.drizzle.drizzle": "native.drizzle.drizzle",
    "gpipe.resample.variances.add_exposure": "native.drizzle.combination",
    "gpipe.resample.variances.combine": "native.drizzle.combination",
    "gpipe.reset.reset_sub.subtract_reset": "native.planes.planes",
    "gpipe.rscd.flagging.flag_decay": "native.rscd.rscd",
}
"""Portable function and the module under ``gpipe.kernels`` that holds its kernel, under the same name."""

CUDA: Mapping[str, str] = {
    "gpipe.dark_current.dark_sub.subtract_darks": "cuda.dark",
    "gpipe.jump.detection.flag_jumps": "cuda.jump",
    "gpipe.jump.groups_host.large_groups": "cuda.groups",
    "gpipe.linearity.linearity.correct_linearity": "cuda.linearity",
    "gpipe.ramp_fitting.fit.fit_ramps": "cuda.ramp_fit",
    "gpipe.resample.drizzle.drizzle": "cuda.drizzle",
    "gpipe.saturation.saturation.flag_saturation": "cuda.saturation",
}

LIBRARY = "gpipe.kernels.native.library"


def find(function: Callable[..., Any], table: Mapping[str, str]) -> Callable[..., Any] | None:
    """The kernel of a portable function in ``CPU`` or ``CUDA``; imported when first asked for."""
    module = table.get(f"{function.__module__}.{function.__qualname__}")
    return None if module is None else _imported(f"gpipe.kernels.{module}", function.__qualname__)


@functools.cache
def _imported(module: str, name: str) -> Callable[..., Any]:
    kernel: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return kernel


@functools.cache
def _library() -> Any:
    return importlib.import_module(LIBRARY)


def find_in_library(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Find the kernel of a portable function in C; None if no kernel or no library exists (``GPIPE_NATIVE``)."""
    library = _library()
    if not library.is_used():
        return None
    try:
        return find(function, CPU)
    except BackendError as error:  # the library has another version of this kernel
        library.refuse(error)
        return None


def in_library(function: Function) -> Function:
    """Find the kernel of a portable function in C, or give the function itself."""
    return find_in_library(function) or function  # type: ignore[return-value]
