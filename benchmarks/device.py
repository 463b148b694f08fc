"""Benchmarks of a GPU: time of each function and the bytes that it must move, transfers, steps, files.

``python -m benchmarks.device`` on a machine with a GPU. Most of its time goes into simulated exposures.
"""

import argparse
import logging
import math
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

from benchmarks import cases, tables
from benchmarks.__main__ import chosen, machine, tell
from benchmarks.inputs import Inputs, prepared
from benchmarks.worker import Round, gpipe_watched, memory, replaced
from gpipe import backends
from gpipe.backends import Backend
from gpipe.exceptions import GpipeError
from gpipe.pipeline import Detector1Pipeline

USUAL = "NIRCam full frame, (8 groups|20 groups|expand)|MIRI full frame, 10"
LEAST = {"flag_saturation": 6, "correct_linearity": 9, "subtract_darks": 8, "flag_jumps": 6, "fit_ramps": 5}
"""Bytes that a function must move for each sample, see docs/gpu.md."""
TRANSFERS = ("from_fits", "to_device", "to_host")
CALLS = ("case", "figure", "value")
FUNCTIONS = ("case", "function", "calls", "kernel [ms]", "portable [ms]", "at least [MB]", "GB/s", "of a copy")
MOVED = ("case", "transfer", "calls", "[ms]", "[MB]", "GB/s")
STEPS = ("case", "step", "[ms]")
REPEATS = 5
COPIED = 1 << 26
"""Float32 values."""


@dataclass
class Spent:
    """Calls of one function: how many, their seconds, and the bytes that they had to move."""

    calls: int = 0
    seconds: float = 0.0
    moved: int = 0

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.moved / self.seconds if self.seconds else 0.0


@dataclass
class Watch:
    """Watch of a backend: waits for the device before and after each function, and records the times.

    Parameters
    ----------
    backend : the one that is watched.
    kernels : whether functions are replaced by kernels.
    """

    backend: Backend
    kernels: bool
    spent: dict[str, Spent] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch, inside the ``with`` block."""
        kind = type(self.backend)
        plainly_native = kind.native

        def native(this: Any, function: Callable[..., Any]) -> Callable[..., Any]:
            found = plainly_native(this, function) if self.kernels else function
            if found is function and function.__module__.endswith("_host"):
                return function  # who asks goes another way if there is no kernel
            name = function.__name__
            return self._timed(name, found, lambda given, _result: LEAST.get(name, 0) * _samples(given))

        transfers = {name: self._timed(name, getattr(kind, name), _host_bytes) for name in TRANSFERS}
        with replaced(kind, native=native, **transfers):
            yield

    def _timed(self, name: str, function: Callable[..., Any], moved: Callable[[Any, Any], int]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.backend.synchronize()
            started = time.perf_counter()
            result = function(*arguments, **options)
            self.backend.synchronize()
            seconds = time.perf_counter() - started
            with self._lock:
                entry = self.spent.setdefault(name, Spent())
                entry.calls += 1
                entry.seconds += seconds
                entry.moved += moved((*arguments, *options.values()), result)
            return result

        return call


def _host_bytes(given: Iterable[Any], result: Any) -> int:
    """Bytes of the array that a transfer takes from the host, or brings to it."""
    return max((x.nbytes for x in (*given, result) if isinstance(x, np.ndarray)), default=0)


def _samples(given: Iterable[Any]) -> int:
    """Number of samples of the largest array among arguments."""
    return max((math.prod(x.shape) for x in given if is_array_api_obj(x)), default=0)


@dataclass(frozen=True)
class Measured:
    """Cost of the calls of a case: seconds of the first and of a later one, by step, by function, and bytes taken."""

    first: float
    later: float
    steps: Mapping[str, float]
    kernels: Mapping[str, Spent]
    portable: Mapping[str, Spent]
    taken: int


def measure(case: cases.Case, inputs: Inputs, backend: Backend, folder: str) -> Measured:
    """Calibrate the exposures of a case again and again: as they come, step by step, and function by function."""

    def call(watched: AbstractContextManager[Any]) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as products, watched:
            started = time.perf_counter()
            for path in inputs.paths:
                Detector1Pipeline.call(
                    str(path),
                    steps=case.steps,
                    backend=backend,
                    save_results=True,
                    output_dir=products,
                    configure_log=False,
                )
            return time.perf_counter() - started

    steps, kernels, portable = Round(), Watch(backend, kernels=True), Watch(backend, kernels=False)
    with inputs.cache.activated():
        first, _second = call(nullcontext()), call(nullcontext())
        later = statistics.median(call(nullcontext()) for _ in range(REPEATS))
        taken = bytes_taken(backend)
        call(gpipe_watched(steps))
        call(kernels.on())
        call(Watch(backend, kernels=False).on())  # what it compiles is not measured
        call(portable.on())
    return Measured(first, later, steps.steps, kernels.spent, portable.spent, taken)


def bytes_taken(backend: Backend) -> int:
    """Peak of device memory of this process, with freed memory that it keeps; for NumPy, of resident memory."""
    if backend.name != "cupy":
        return memory("VmHWM")
    import cupy

    return int(cupy.get_default_memory_pool().total_bytes())


def copy_rate(backend: Backend) -> float:
    """Bytes a second that a copy in the backend's memory reads and writes."""
    x = backend.to_device(np.zeros(COPIED, np.float32))
    xp, times = array_namespace(x), []
    for _ in range(REPEATS):
        backend.synchronize()
        started = time.perf_counter()
        copied = xp.asarray(x, copy=True)
        backend.synchronize()
        times.append(time.perf_counter() - started)
        del copied
    return 2 * x.nbytes / min(times)


def call_rows(name: str, found: Measured) -> Iterator[tables.Row]:
    """Whole calls, file to file."""
    yield name, "first call, with what it compiles [s]", tables.number(found.first)
    yield name, f"call in a running process, median of {REPEATS} [s]", tables.number(found.later)
    yield name, "memory taken [MB]", tables.megabytes(found.taken)


def function_rows(name: str, found: Measured, copied: float) -> Iterator[tables.Row]:
    """Functions that have a kernel, or that the backend could have one for."""
    for function, spent in found.kernels.items():
        if function in TRANSFERS:
            continue
        portable = found.portable.get(function)
        rate = (tables.number(spent.rate / 1e9), f"{spent.rate / copied:.0%}") if spent.moved else ("-", "-")
        took = "-" if portable is None else tables.number(1e3 * portable.seconds)
        moved = tables.megabytes(spent.moved) if spent.moved else "-"
        yield name, function, str(spent.calls), tables.number(1e3 * spent.seconds), took, moved, *rate


def transfer_rows(name: str, found: Measured) -> Iterator[tables.Row]:
    """Rows of transfers to the device and back."""
    for kind in TRANSFERS:
        spent = found.kernels.get(kind, Spent())
        figures = tables.number(1e3 * spent.seconds), tables.megabytes(spent.moved), tables.number(spent.rate / 1e9)
        yield name, kind, str(spent.calls), *figures


def step_rows(name: str, found: Measured) -> Iterator[tables.Row]:
    """Steps, each waited for."""
    return ((name, step, tables.number(1e3 * seconds)) for step, seconds in found.steps.items() if seconds >= 1e-4)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--backend", default="cupy", choices=("cupy", "numpy"))
    parser.add_argument("--case", default=USUAL, metavar="REGEX", help="only what has a name that matches")
    parser.add_argument("--folder", type=Path, help="keep simulated exposures and references there, and use them again")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    parser.add_argument("--tiny", action="store_true", help="a small exposure, to see that it works")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print tables."""
    options = parsed(arguments)
    try:
        backend = backends.get(options.backend)
    except GpipeError as error:
        raise SystemExit(f"benchmarks.device: {error}") from None
    logging.disable(logging.CRITICAL)
    rows: dict[tuple[str, tables.Row], list[tables.Row]] = {
        ("File to file", CALLS): [],
        ("Functions, kernels beside portable functions", FUNCTIONS): [],
        ("Transfers", MOVED): [],
        ("Steps, with what they read", STEPS): [],
    }
    copied = copy_rate(backend)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "inputs"
        for case in cases.TINY_CASES if options.tiny else chosen(options.case, cases.CASES):
            tell(case.name)
            inputs = prepared(case.configs, folder, full_frame=not options.tiny)
            found = measure(case, inputs, backend, scratch)
            of_case = (
                call_rows(case.name, found),
                function_rows(case.name, found, copied),
                transfer_rows(case.name, found),
                step_rows(case.name, found),
            )
            for kept, more in zip(rows.values(), of_case, strict=True):
                kept += more
    print(f"{machine()}; backend {backend.name}, a copy moves {tables.number(copied / 1e9)} GB/s", end="\n\n")
    for (title, header), kept in rows.items():
        tables.show(title, header, kept, markdown=options.markdown)


if __name__ == "__main__":
    main()
