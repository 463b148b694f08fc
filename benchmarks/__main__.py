"""Time both packages on the same simulated exposures and print seconds, peak memory and ratios."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES, TINY
from gpipe import simulate


def whole_process(package, path, folder, repeats, environment):
    """Wall seconds of a process that makes ``repeats`` calls, and what it says of itself."""
    command = [sys.executable, "-m", "benchmarks.worker", package, str(path), str(folder / package), str(repeats)]
    (folder / package).mkdir(exist_ok=True)
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    return wall, json.loads(done.stdout.splitlines()[-1])


def measure(config, packages, runs):
    """For each package the median wall time of a process with one call, warm seconds of a call, and peak bytes."""
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exposure = simulate.write_exposure(config, folder)
        environment = simulate.write_cache([config], folder / "crds_cache").environment
        for package in packages:
            once = [whole_process(package, exposure.path, folder, 1, environment) for _ in range(runs)]
            _, warm = whole_process(package, exposure.path, folder, 1 + runs, environment)
            figures[package] = {
                "process": statistics.median(wall for wall, _ in once),
                "warm": statistics.median(warm["calls"][1:]),
                "peak": statistics.median(said["peak"] for _, said in once),
            }
    return figures


def raw_bytes(config):
    """Bytes of the uncalibrated cube, two a sample."""
    return 2 * config.nints * config.ngroups * config.window.xsize * config.window.ysize


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="one small exposure, to see that it works")
    parser.add_argument("--runs", type=int, default=3, help="processes per figure; medians are shown")
    parser.add_argument("--packages", nargs="+", default=["gpipe", "jwst"], choices=["gpipe", "jwst"])
    options = parser.parse_args(arguments)
    table = Table(
        "case", "package", "process [s]", "warm call [s]", "peak [MB]", "peak / raw cube", title="file to file"
    )
    for name, config in (TINY if options.tiny else CASES).items():
        figures = measure(config, options.packages, options.runs)
        for package, found in figures.items():
            times = [f"{found[key]:.2f}" for key in ("process", "warm")]
            table.add_row(
                name, package, *times, f"{found['peak'] / 1e6:.0f}", f"{found['peak'] / raw_bytes(config):.1f}"
            )
        if len(figures) == 2:
            ratios = [figures["jwst"][key] / figures["gpipe"][key] for key in ("process", "warm", "peak")]
            table.add_row(name, "jwst / gpipe", *(f"{ratio:.1f}x" for ratio in ratios), "")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
