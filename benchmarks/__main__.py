"""Time gpipe and jwst on the same simulated exposures: seconds, memory, bytes read, and how they grow."""

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import cases, growth, tables
from benchmarks.floor import floor
from benchmarks.inputs import Inputs, prepared
from benchmarks.processes import Measured, ProcessError, Settings, compare


class Bench:
    """Measures one thing after the other, and keeps the rows of the tables."""

    def __init__(self, settings: Settings, folder: Path, scratch: str) -> None:
        self._settings, self._folder, self._scratch = settings, folder, scratch
        self.failed = False
        self._figures: list[tables.Row] = []
        self._steps: list[tables.Row] = []
        self._growth: list[tables.Row] = []
        self._loops: list[tables.Row] = []

    def warm_up(self) -> None:
        """Have modules in the cache of the operating system, which the first process would pay."""
        for case in cases.TINY_CASES:
            inputs = prepared(case.configs, self._folder, full_frame=False)
            compare(case, inputs, replace(self._settings, runs=1), self._scratch, tell)

    def measure(self, thing: cases.Case | cases.Axis | cases.Loop) -> None:
        """The packages on a case; gpipe along an axis, or in a loop."""
        if not isinstance(thing, cases.Case) and "gpipe" not in self._settings.packages:
            return
        tell(thing.name)
        try:
            if isinstance(thing, cases.Case):
                self._compare(thing)
            elif isinstance(thing, cases.Axis):
                self._growth += growth.along(thing, self._folder, self._scratch, self._settings.runs)
            else:
                self._loops += growth.over(thing, self._folder, self._scratch)
        except ProcessError as problem:
            tell(f"{thing.name}: {problem}")
            self.failed = True

    def _compare(self, case: cases.Case) -> None:
        inputs = prepared(case.configs, self._folder)
        outcomes = compare(case, inputs, self._settings, self._scratch, tell)
        ours = outcomes.get("gpipe")
        least = floor(inputs, ours, self._scratch) if isinstance(ours, Measured) else None
        plan = planned_peak(case, inputs) if isinstance(ours, Measured) else None
        self._figures += tables.figure_rows(case.name, outcomes, least, plan)
        self._steps += tables.step_rows(case.name, outcomes)
        self.failed |= any(isinstance(found, ProcessError) and not found.is_slow for found in outcomes.values())

    def show(self, *, markdown: bool) -> None:
        """Print what there is."""
        runs = f"medians of up to {self._settings.runs} processes"
        marked = f"{tables.COLD} the first call of a process, which no other followed"
        shown = (
            (f"File to file ({runs}; {marked})", tables.FIGURES, self._figures),
            ("Seconds by step (gpipe: sums over threads)", tables.STEPS, self._steps),
            ("Growth of time, gpipe in a running process", growth.TIME, self._growth),
            ("Growth of memory, gpipe", growth.MEMORY, self._loops),
        )
        print(machine(), end="\n\n")
        for title, header, rows in shown:
            tables.show(title, header, rows, markdown=markdown)


def planned_peak(case: cases.Case, inputs: Inputs) -> int:
    """The memory that gpipe's plan of a first run says."""
    from gpipe.pipeline import Detector1Pipeline

    with inputs.cache.activated():
        return Detector1Pipeline.plan(inputs.paths[0], steps=case.steps).peak


def tell(text: str) -> None:
    """A line for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--case", default="", metavar="REGEX", help="only what has a name that matches")
    parser.add_argument("--runs", type=int, default=3, help="processes of each package on a case; medians are shown")
    parser.add_argument("--packages", nargs="+", default=tables.PACKAGES, choices=tables.PACKAGES)
    parser.add_argument(
        "--patience",
        type=float,
        default=40.0,
        metavar="SECONDS",
        help="a package whose first call took longer makes no other on a case",
    )
    parser.add_argument(
        "--no-jwst-above", type=float, default=600.0, metavar="SECONDS", help="stop a process of jwst after that"
    )
    parser.add_argument("--folder", type=Path, help="keep simulated exposures and references there, and use them again")
    parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    parser.add_argument("--tiny", action="store_true", help="small exposures, to see that it works")
    return parser.parse_args(arguments)


def chosen(pattern: str, things: Iterable[Any]) -> list[Any]:
    """Choose the things whose names match; no match is an error."""
    everything = list(things)
    found = [thing for thing in everything if re.search(pattern, thing.name, re.IGNORECASE)]
    if not found:
        raise SystemExit(f"--case: found {pattern!r}; expected a part of: {', '.join(t.name for t in everything)}")
    return found


def machine() -> str:
    """Describe the packages and the machine that are measured."""
    installed = {dist.name: dist.version for dist in metadata.distributions()}
    versions = [f"{name} {installed[name]}" for name in ("gpipe", "numpy", "jwst", "stcal") if name in installed]
    return f"{', '.join(versions)}, Python {platform.python_version()}, {os.cpu_count()} CPU cores"


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a process failed, else 0."""
    options = parsed(arguments)
    things = chosen(options.case, cases.TINY if options.tiny else cases.ALL)
    settings = Settings(
        packages=options.packages,
        runs=options.runs,
        patience=options.patience,
        jwst_limit=options.no_jwst_above,
    )
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(settings, options.folder or Path(scratch) / "inputs", scratch)
        try:
            if not options.tiny:
                bench.warm_up()
            for thing in things:
                bench.measure(thing)
        finally:  # whoever loses patience sees what there is
            bench.show(markdown=options.markdown)
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
