"""The cost of syncing a product to the disk: ``python -m benchmarks.durability [FOLDER]`` prints a table."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.datamodels import write
from gpipe.datamodels.files.disk.durability import VARIABLE

SIZES, RUNS = (64, 512, 2048), 15


def rate(size: int) -> Any:
    """A rate product of so many rows and columns, with all of its planes."""
    planes = {name: np.ones((size, size), np.float32) for name in ("err", "var_poisson", "var_rnoise")}
    return datamodels.ImageModel(np.ones((size, size), np.float32), dq=np.zeros((size, size), np.uint32), **planes)


def seconds(model: Any, path: Path, *, syncs: bool) -> float:
    """Time the writing of a product."""
    os.environ[VARIABLE] = "1" if syncs else "0"
    started = time.perf_counter()
    write(model, path)
    return time.perf_counter() - started


def row(size: int, folder: Path, runs: int) -> str:
    """A row of the table: medians of runs with and without, in turns, each on a disk that has nothing else to write."""
    model, path = rate(size), folder / "x_rate.fits"
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(runs):
        for syncs, found in times.items():
            os.sync()
            found.append(seconds(model, path, syncs=syncs))
    without, with_sync = (1000 * statistics.median(found) for found in times.values())
    differences = [1000 * (b - a) for a, b in zip(*times.values(), strict=True)]
    cost, megabytes = statistics.median(differences), path.stat().st_size / 1e6
    return f"| {size} x {size} | {megabytes:.1f} | {without:.0f} | {with_sync:.0f} | {cost:.0f} |"


def table(folder: Path, sizes: Sequence[int] = SIZES, runs: int = RUNS) -> str:
    """Measure products of several sizes."""
    head = (
        "| product | [MB] | not synced [ms] | synced [ms] | difference, median [ms] |\n| --- | --- | --- | --- | --- |"
    )
    return "\n".join([head, *(row(size, folder, runs) for size in sizes)])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        print(table(Path(place)))
