"""Compile all kernels: ``python -m gpipe.kernels.cpu.compile``.

Each is called with a tiny example. Of the types of arguments there is one for each kernel, whatever the exposure, so
that nothing is compiled afterwards.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gpipe.jump.detection import JumpSettings
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method
from gpipe.kernels.cpu import (
    compiling,
    dark,
    fits_pixels,
    fourier,
    irs2,
    irs2_streams,
    jump,
    kept,
    linearity,
    ramp_fit,
    rscd,
    saturation,
)
from gpipe.ramp_fitting.fit import FitOptions
from gpipe.ramp_fitting.timing import Timing
from gpipe.refpix.orientation import Orientation
from gpipe.rscd.group_skips import GroupSkips

LOWEST_PRIORITY = 19


def _examples() -> dict[str, Callable[[], Any]]:
    shape = (1, 3, 2, 4)
    data, groupdq = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    plane, pixeldq = np.ones(shape[2:], np.float32), np.zeros(shape[2:], np.uint32)
    coeffs = np.ones((3, *shape[2:]), np.float32)
    pixels = (pixeldq, coeffs, pixeldq)
    thresholds = Thresholds(four_or_more=4, three=5, two=6)
    by = {method: JumpSettings(method=method, thresholds=thresholds, frames=1) for method in Method}
    fit = FitOptions(timing=Timing(frame_time=1.0, group_time=1.0, frames=1))
    block, mean = np.zeros((20, 4), np.float32), np.zeros((20, 4))
    output = {"output": 0, "orientation": Orientation(2, 1)}
    return {
        "files": lambda: fits_pixels.fetch(-1, np.zeros((1, 2), np.int64), np.zeros(0, np.uint8)),
        "counts": lambda: fits_pixels.decode(data[0].astype(">i2"), data[0].copy(), scale=1, zero=1 << 15),
        "references": lambda: fits_pixels.decode(data[0].astype(">f4"), data[0].copy(), scale=1, zero=0),
        "saturation": lambda: saturation.flag_saturation(data, groupdq, pixeldq, plane, pixeldq),
        "Fourier transforms": lambda: fourier.twisted(data[0, :1], plane[:1], plane[:1]),
        "Fourier transforms, back": lambda: fourier.untwisted(plane[:1] + 0j, plane[:1], plane[:1]),
        "means of IRS2 readout": lambda: irs2.rise_to_mean(block[None]),
        "refpix of IRS2 readout": lambda: irs2.samples_in_time(block, block, mean, **output),
        "refpix of IRS2 readout, back": lambda: irs2.normal_counts(block.T, block, mean, **output),
        "lines in IRS2 readout": lambda: irs2_streams.subtract_line(block.T, block.T),
        "reference pixels of IRS2 readout": lambda: irs2_streams.reference_stream(block.T),
        "noise of IRS2 readout": lambda: irs2_streams.without_noise(block.T, np.zeros(4 * 30, np.float32)),
        "rscd": lambda: rscd.flag_decay(groupdq, pixeldq, GroupSkips(0, 0)),
        "dark_current": lambda: dark.average_darks(data[0], 3),
        "linearity": lambda: linearity.correct_linearity(data, groupdq, *pixels),
        "linearity of averaged frames": lambda: linearity.correct_linearity(
            data, groupdq, *pixels, inverse=coeffs, nframes=2
        ),
        "jump": lambda: jump.flag_jumps(data, groupdq, plane, plane, settings=by[Method.ITERATIVE]),
        "jump in a single pass": lambda: jump.flag_jumps(data, groupdq, plane, plane, settings=by[Method.SINGLE_PASS]),
        "jump by sigma clipping": lambda: jump.flag_jumps(data, groupdq, plane, plane, settings=by[Method.SIGMA_CLIP]),
        "ramp_fit": lambda: ramp_fit.fit_ramps(data, groupdq, pixeldq, plane, plane, options=fit),
    }


def compile_kernels(tell: Callable[[int, int], None] = lambda done, total: None, *, processes: int = 1) -> None:
    """Compile what is not compiled yet, in so many processes; ``tell`` gets how many kernels of how many are done."""
    names = [*reversed(_examples())]  # the longest first, so that none is waited for in the end
    with _alone():
        several = processes > 1 and folder() and not all(map(compiling.are_compiled, compiling.KERNELS))
        compiled = _on_processes(names, processes) if several else map(_compile, names)
        for done, _ in enumerate(compiled, 1):
            tell(done, len(names))


def _on_processes(names: Iterable[str], processes: int) -> Iterator[None]:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_compile, name) for name in names]):
            yield future.result()


def _compile(name: str) -> None:
    with np.errstate(all="ignore"):
        _examples()[name]()


def folder() -> Path | None:
    """Where kernels are kept; None if no folder can be written to."""
    return kept.folder(_examples)


@contextmanager
def _alone() -> Any:
    """Of several processes one compiles and the others wait; the lock goes with the process."""
    place = folder()
    try:
        import fcntl
    except ImportError:  # no POSIX: each compiles
        place = None
    if place is None:
        yield
        return
    with open(place / "compiling.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(LOWEST_PRIORITY)
    compile_kernels()
