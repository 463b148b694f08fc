"""Growth of the cost of gpipe with the content of an exposure, and of its memory with the number of exposures."""

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases import Axis, Loop
from benchmarks.inputs import prepared
from benchmarks.processes import run
from benchmarks.worker import Job

Row = tuple[str, ...]
TIME = ("growth", "", "samples [million]", "call [s]", "samples / first", "call / first")
MEMORY = ("growth", "exposures", "resident after the third [MB]", "at the end [MB]", "more for each [MB]")
_SETTLED = 3
"""Exposures after which the caches of a process are full."""


def along(axis: Axis, folder: Path, scratch: str, runs: int) -> Iterator[Row]:
    """Seconds of warm calls, all in one process."""
    inputs = prepared(tuple(axis.configs.values()), folder, full_frame=False)
    done = run(_job(inputs.paths, axis.steps, 1 + runs, scratch), inputs)
    seconds = [statistics.median(calls) for calls in zip(*(r.seconds for r in done.report.rounds[1:]), strict=True)]
    samples = [c.nints * c.ngroups * c.window.xsize * c.window.ysize for c in axis.configs.values()]
    for value, count, took in zip(axis.configs, samples, seconds, strict=True):
        ratios = f"{count / samples[0]:.3g}", f"{took / seconds[0]:.3g}"
        yield (axis.name, value, f"{count / 1e6:.3g}", f"{took:.3g}", *ratios)


def over(loop: Loop, folder: Path, scratch: str) -> Iterator[Row]:
    """Memory of a process that calibrates exposures, each from a file of its own."""
    inputs = prepared((loop.config,), folder, full_frame=False)
    paths = _copies(inputs.paths[0], loop.exposures, Path(scratch))
    resident = run(_job(paths, {}, 1, scratch), inputs).last.resident
    first, last, more = resident[_SETTLED - 1], resident[-1], max(len(resident) - _SETTLED, 1)
    yield loop.name, str(len(paths)), f"{first / 1e6:.1f}", f"{last / 1e6:.1f}", f"{(last - first) / more / 1e6:.2f}"


def _copies(path: Path, count: int, folder: Path) -> list[Path]:
    return [Path(shutil.copy(path, folder / path.name.replace("_00001_", f"_{n:05d}_"))) for n in range(1, 1 + count)]


def _job(paths: list[Path], steps: dict, rounds: int, scratch: str) -> Job:
    return Job(
        package="gpipe",
        paths=[str(path) for path in paths],
        steps=dict(steps),
        rounds=rounds,
        patience=float("inf"),
        folder=scratch,
    )
