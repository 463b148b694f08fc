"""The demonstration: simulate an exposure, calibrate it, compare with the truth."""

import shlex
import time
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
from gpipe.quicklook import pulls, save_rate_picture
from gpipe.quicklook.canvas import new_figure


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
    """Simulate, calibrate and report; everything is written below ``folder``."""
    console = Console()
    on = backends.get(backend)
    new_figure(1, 1)  # a missing matplotlib is told now, not after all work
    _make(folder)
    started = time.perf_counter()
    config = simulate.ExposureConfig(
        instrument="NIRCAM", detector="NRCALONG", readpatt="SHALLOW4", subarray=subarray, ngroups=8, seed=seed
    )
    console.print(f"simulating a NIRCam exposure ({subarray}, 8 groups) and its references")
    exposure = simulate.write_exposure(config, folder)
    cache = simulate.write_cache([config], folder / "crds_cache", full_frame=False)
    console.print(f"simulated {exposure.path} and its references in {time.perf_counter() - started:.1f} s")

    table = StepTable()
    started = time.perf_counter()
    with cache.activated(), watch(table):
        rate = Detector1Pipeline.call(exposure.path, output_dir=str(folder), backend=on, configure_log=False)
    seconds = time.perf_counter() - started
    console.print(table.render())
    console.print(f"file to file: {seconds:.1f} s")
    report_truth(console, rate, exposure.truth.rate)
    picture = save_rate_picture(rate, folder / "quicklook.png", truth=exposure.truth.rate)
    for path in [*sorted(folder.glob("*_rate*.fits")), picture]:
        console.print(f"wrote {path}")
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in cache.environment.items())
    again = f"{settings} gpipe run {shlex.quote(str(exposure.path))} -o cal -s jump.rejection_threshold=5"
    console.print(f"Calibrate it with other parameters: {again}", soft_wrap=True, markup=False, highlight=False)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--folder {folder}: cannot be made ({error.strerror}); expected a writable folder") from None


def report_truth(console: Console, rate: Any, truth: np.ndarray) -> None:
    """Recovered rates against the truth, of the pixels without flags."""
    values = pulls(rate, truth)
    median = float(np.median(values))
    width = 1.4826 * float(np.median(np.abs(values - median)))
    good = (rate.dq == 0) & np.isfinite(rate.data)
    console.print(
        f"recovered rate: median {np.median(rate.data[good]):.4f} DN/s, true {np.median(truth[good]):.4f} DN/s; "
        f"(recovered - true) / error: median {median:+.3f}, width {width:.3f} over {values.size:,} pixels"
    )
