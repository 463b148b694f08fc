"""Compilation and start of kernels by the CuPy backend, with a stand-in for CuPy."""

import logging
import sys
import threading
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import cuda_on_host

from gpipe.backends.cupy import CupyBackend
from gpipe.kernels.cuda import sources


class Module:
    """Stands in for ``cupy.RawModule``."""

    def __init__(self, code, options):
        self.code, self.options, self.compiled, self.started = code, options, 0, []

    def compile(self):
        self.compiled += 1

    def get_function(self, name):
        return lambda *how: self.started.append((name, *how))


class Broken(Module):
    def compile(self):
        raise RuntimeError("no compiler")


@pytest.fixture
def cupy(monkeypatch):
    """A stand-in whose arrays are NumPy's; sources are compiled anew for it."""
    modules = []

    def raw_module(**how):
        modules.append(stand_in.module(**how))
        return modules[-1]

    cuda = SimpleNamespace(
        runtime=SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=RuntimeError), Device=nullcontext
    )
    stand_in = SimpleNamespace(
        RawModule=raw_module, cuda=cuda, asarray=np.array, ndarray=np.ndarray, modules=modules, module=Module
    )
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    sources._compiled.cache_clear()
    yield stand_in
    sources._compiled.cache_clear()


def test_a_source_is_compiled_once_whichever_threads_ask(cupy):
    threads = [threading.Thread(target=sources.launch, args=("jump", "spread_jumps", 5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (module,) = cupy.modules
    assert module.compiled == 1
    assert len(module.started) == 4
    assert module.code == sources.text("jump")
    assert module.options == sources.OPTIONS


@pytest.mark.parametrize(("threads", "blocks"), [(1, 1), (128, 1), (129, 2), (1 << 22, 1 << 15)])
def test_there_is_a_thread_for_each_pixel_and_nothing_is_a_null_pointer(cupy, threads, blocks):
    array = np.zeros(3)
    sources.launch("fits", "swapped_32", threads, array, None, 7, 0.5)
    ((name, grid, block, arguments),) = cupy.modules[0].started
    assert (name, grid, block) == ("swapped_32", (blocks,), (sources.BLOCK,))
    assert arguments[0] is array
    assert arguments[1:] == (0, 7, 0.5)
    assert [type(x) for x in arguments[1:]] == [int, int, float]


def test_all_are_compiled_in_the_order_of_the_steps(cupy):
    sources.compile_all()
    assert [module.code for module in cupy.modules] == [sources.text(name) for name in sources.NAMES]


def warm_up_and_wait(backend):
    before = set(threading.enumerate())
    assert backend.warm_up() is None
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_warming_up_compiles_all(cupy):
    warm_up_and_wait(CupyBackend())
    assert [module.compiled for module in cupy.modules] == [1] * len(sources.NAMES)


def test_a_failure_to_warm_up_is_left_to_who_needs_the_kernel(cupy, caplog):
    cupy.module = Broken
    with caplog.at_level(logging.DEBUG, logger="gpipe"):
        warm_up_and_wait(CupyBackend())
    assert "kernels could not be compiled ahead of their use: no compiler" in caplog.messages
    with pytest.raises(RuntimeError, match="no compiler"):
        sources.launch("fits", "swapped_32", 1)


@cuda_on_host.needs_compiler
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("stored", "wanted", "scale", "zero"),
    [(">i2", "f4", 1, 32768), (">f4", "f4", 1, 0), (">i4", "u4", 1, 1 << 31), (">u1", "u1", 1, 0), (">i2", "f4", 2, 1)],
)
def test_pixels_of_a_file(cupy, monkeypatch, stored, wanted, scale, zero, order):
    monkeypatch.setattr(sources, "launch", cuda_on_host.launch)
    pixels = np.arange(60).astype(stored).reshape(3, 4, 5, order=order)
    for part in (pixels, pixels[:, ::2, 1:]):
        found = CupyBackend().from_fits(part, np.dtype(wanted), scale=scale, zero=zero)
        np.testing.assert_array_equal(found, (scale * part.astype(float) + zero).astype(wanted))
    assert found.dtype == wanted
