"""Fixtures for kernels: C in each variant of the library that this processor has, CUDA always on the processor
(``cuda_on_host``) and on a GPU if one answers."""

import dataclasses
import os

import numpy as np
import pytest
from helpers import cuda_on_host, recorded

import gpipe.backends
from gpipe.exceptions import BackendError
from gpipe.kernels.native import arguments, library

if "RECORD_KERNELS" in os.environ:
    recorder = recorded.Recorder(os.environ["RECORD_KERNELS"])
    arguments.Function.__call__ = recorder.wrap(arguments.Function.__call__)

VARIANTS = library.load().variants if library.is_used() else ()


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    """An instruction set, of which all kernels in C are called."""
    choose(request.param)
    yield request.param
    choose(VARIANTS[-1])


def choose(name):
    for function in arguments.FUNCTIONS:
        function.choose(name)


@pytest.fixture(autouse=True, scope="module")
def _memory_that_was_used():
    """Fresh memory is full of ones, as memory that was used may be: a kernel that reads it before it writes is seen."""
    plain = np.empty

    def poisoned(*arguments, **named):
        made = plain(*arguments, **named)
        if not made.dtype.hasobject:
            made.ravel(order="K").view(np.uint8)[...] = 0xFF
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "empty", poisoned)
        yield


@pytest.fixture(
    scope="module",
    params=[pytest.param("processor", marks=cuda_on_host.needs_compiler), pytest.param("gpu", marks=pytest.mark.gpu)],
)
def cuda(request):
    """Call a kernel with NumPy arrays; its results are NumPy arrays, too."""
    if request.param == "processor":
        with pytest.MonkeyPatch.context() as patch:
            cuda_on_host.stand_in(patch)
            yield lambda kernel, *arguments, **options: kernel(*arguments, **options)
        return
    try:
        backend = gpipe.backends.get("cupy")
    except BackendError as error:
        pytest.skip(str(error))

    def call(kernel, *arguments, **options):
        there = moved((arguments, options), backend.to_device)
        return moved(kernel(*there[0], **there[1]), backend.to_host)

    yield call


def moved(value, move):
    """The same with every array moved."""
    if hasattr(value, "dtype"):
        return move(value)
    if isinstance(value, (list, tuple)):
        return type(value)(moved(x, move) for x in value)
    if isinstance(value, dict):
        return {name: moved(x, move) for name, x in value.items()}
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(
            value, **{f.name: moved(getattr(value, f.name), move) for f in dataclasses.fields(value)}
        )
    return value
