"""The demonstration: simulate an exposure, calibrate it, compare with the truth."""

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from gpipe import backends, dq, simulate
from gpipe.controller import StepDone, watch
from gpipe.datamodels import Ramp, Rate
from gpipe.exceptions import OutputError
from gpipe.pipeline import Detector1Pipeline
from gpipe.quicklook import pulls, save_rate_picture, unflagged
from gpipe.quicklook.canvas import new_figure

BRIGHTNESS = {"sky": (0.0, 1.0), "faint": (1.0, 10.0), "bright": (10.0, np.inf)}
"""Pixels of the comparison, by their true rate, DN/s."""
JWST_SECONDS, JWST_MEMORY = "18.4 s", "2.4 GB"
"""Needs of `jwst` 3.0.0 for a full frame of 8 groups, in a new process on two cores: docs/benchmarks.md."""


class StepTable:
    """Collect the time and the flags of each step."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []
        self._flagged: dict[str, int] = {}

    def __call__(self, event: Any) -> None:
        if isinstance(event, StepDone):
            # Steps that share chunks have a result together, that of the last one.
            news = self._news(event.result) if isinstance(event.result, Ramp | Rate) else ""
            self.rows.append((event.name, event.status, f"{event.seconds:.2f}", news))

    def _news(self, exposure: Ramp | Rate) -> str:
        """Report the numbers of groups or pixels with each flag that changed."""
        flags = exposure.groupdq if isinstance(exposure, Ramp) else exposure.dq
        found = {}
        host = exposure.backend.to_host(flags)
        for name in ("SATURATED", "JUMP_DET", "DO_NOT_USE"):
            found[name] = int(np.count_nonzero(host & getattr(dq, name)))
        news = [f"{count:,} {name}" for name, count in found.items() if count != self._flagged.get(name, 0)]
        self._flagged = found
        return ", ".join(news)

    def render(self) -> Table:
        table = Table("step", "status", "seconds (all threads)", "flagged so far", title="Detector1Pipeline")
        for row in self.rows:
            table.add_row(*row)
        return table


def run_demo(folder: Path, *, subarray: str, seed: int, backend: str | None) -> None:
    """Simulate, calibrate and report; everything is written below ``folder``.

    Raises
    ------
    BackendError, OutputError, ParameterError
        The backend cannot be used; matplotlib is missing or the folder cannot be made; the detector has no such
        subarray.
    """
    console = Console()
    on = backends.get(backend)
    new_figure(1, 1)  # a missing matplotlib is reported now, not after all work
    _make(folder)
    config = simulate.ExposureConfig(
        instrument="NIRCAM", detector="NRCALONG", readpatt="BRIGHT1", subarray=subarray, ngroups=8, seed=seed
    )
    with _timed(console, f"1/4 simulate a NIRCam exposure ({subarray}, 8 groups)"):
        exposure = simulate.write_exposure(config, folder)
    with _timed(console, "2/4 write its reference files"):
        cache = simulate.write_cache([config], folder / "crds_cache", full_frame=False)
    steps = StepTable()
    with _timed(console, "3/4 calibrate it, from file to file"), cache.activated(), watch(steps):
        rate = Detector1Pipeline.call(exposure.path, output_dir=str(folder), backend=on, configure_log=False)
    with _timed(console, "4/4 draw a picture"):
        picture = save_rate_picture(rate, folder / "quicklook.png", truth=exposure.truth.rate)
    console.print(steps.render(), compared_with_truth(rate, exposure.truth.rate))
    if subarray == "FULL":
        console.print(f"jwst 3.0.0 takes {JWST_SECONDS} and {JWST_MEMORY} for a full frame of 8 groups on two cores.")
    for kind, path in [("product", path) for path in sorted(folder.glob("*_rate*.fits"))] + [("picture", picture)]:
        _print_line(console, f"{kind}: {path}")
    _print_commands(console, exposure.path, cache.environment)


def compared_with_truth(rate: Any, truth: np.ndarray) -> Table:
    """Compare recovered rates with the truth (DN/s), for pixels without flags, by brightness."""
    table = Table(title="Recovered rates and the truth (pixels without flags)")
    for heading in ("pixels", "number", "true rate", "found rate", "(found - true) / error: median", "width"):
        table.add_column(heading, justify="left" if heading == "pixels" else "right")
    good = unflagged(rate)
    values, true, found = pulls(rate, truth), truth[good], np.asarray(rate.data)[good]
    for name, (low, high) in BRIGHTNESS.items():
        chosen = (true >= low) & (true < high)
        if chosen.any():
            rates = [f"{np.median(some[chosen]):.4g} DN/s" for some in (true, found)]
            table.add_row(name, f"{np.count_nonzero(chosen):,}", *rates, *_spread(values[chosen]))
    return table


def _spread(values: np.ndarray) -> tuple[str, str]:
    """Median, and the width of a normal distribution with the same median deviation."""
    median = float(np.median(values))
    return f"{median:+.3f}", f"{1.4826 * float(np.median(np.abs(values - median))):.3f}"


@contextmanager
def _timed(console: Console, task: str) -> Iterator[None]:
    console.print(f"{task} …", end=" ", highlight=False)
    started = time.perf_counter()
    yield
    console.print(f"{time.perf_counter() - started:.1f} s", highlight=False)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--folder {folder}: cannot be made ({error.strerror}); expected a writable folder") from None


def _print_commands(console: Console, path: Path, environment: dict[str, str]) -> None:
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    run = f"{command_of_this_program()} run"
    _print_line(console, f"with other parameters: {settings} {run} {shlex.quote(str(path))} -o cal")
    _print_line(console, "your own file, with CRDS_PATH and CRDS_SERVER_URL set as for jwst:")
    _print_line(console, f"    {run} jw…_uncal.fits -o cal")


def command_of_this_program() -> str:
    """Return how this program is called in a shell: by its path if the name finds no program or another one."""
    script, found = Path(sys.argv[0]), shutil.which("gpipe")
    if script.name != "gpipe" or (found and Path(found).samefile(script)):
        return "gpipe"
    return shlex.quote(str(script))


def _print_line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)
