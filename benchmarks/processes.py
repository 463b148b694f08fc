"""Processes of both packages on the same files."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.inputs import Inputs, read_through
from benchmarks.worker import Job, Report, Round

Tell = Callable[[str], None]
ROUNDS = 3
"""Calls of a process: gpipe keeps planes of references from the second exposure on that uses them."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the processes.

    Attributes
    ----------
    packages : gpipe, jwst or both, in turns.
    runs : processes of each on a case.
    patience : seconds; a package with a longer first call makes no other call on the case.
    jwst_limit : seconds after which a process of jwst is stopped.
    """

    packages: Sequence[str]
    runs: int
    patience: float
    jwst_limit: float


@dataclass(frozen=True)
class Process:
    """A process that has ended, and the wall seconds that it took."""

    wall: float
    report: Report

    @property
    def first(self) -> Round:
        """Its first call, which reads all that is kept for later ones."""
        return self.report.rounds[0]

    @property
    def last(self) -> Round:
        """Its last call."""
        return self.report.rounds[-1]

    @property
    def once(self) -> float:
        """Wall seconds without the calls after the first."""
        return self.wall - sum(later.whole for later in self.report.rounds[1:])


@dataclass(frozen=True)
class Measured:
    """The processes of a package on a case."""

    processes: Sequence[Process]

    @property
    def is_warm(self) -> bool:
        """Tell whether the calls that are shown had another call before them."""
        return all(len(process.report.rounds) > 1 for process in self.processes)

    @property
    def steps(self) -> dict[str, float]:
        """Seconds by step in a call."""
        return {name: self.median(lambda p, n=name: p.last.steps.get(n, 0.0)) for name in self.processes[0].last.steps}

    def median(self, figure: Callable[[Process], float]) -> float:
        """Median of a figure over all processes."""
        return statistics.median(map(figure, self.processes))


class ProcessError(Exception):
    """A process has no figures; the text says why, in a word or two. ``is_slow``: it was stopped."""

    def __init__(self, text: str, *, is_slow: bool = False) -> None:
        super().__init__(text)
        self.is_slow = is_slow


Outcome = Measured | ProcessError


def run(job: Job, inputs: Inputs, limit: float | None = None) -> Process:
    """Start a process and wait for it; `ProcessError` after ``limit`` seconds, or if it ends with an error."""
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(dataclasses.asdict(job))]
    environment = {**os.environ, **inputs.cache.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what pip compiles of jwst, the first run compiles of gpipe
    started = time.perf_counter()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise ProcessError(f"> {limit:.0f} s", is_slow=True) from None
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr)
        raise ProcessError("failed") from None
    wall = time.perf_counter() - started
    said = json.loads(done.stdout.splitlines()[-1])
    return Process(wall, Report(**(said | {"rounds": [Round(**each) for each in said["rounds"]]})))


def compare(case: Case, inputs: Inputs, settings: Settings, folder: str, tell: Tell) -> dict[str, Outcome]:
    """Measure each package on a case; the packages take turns."""
    processes: dict[str, list[Process]] = {package: [] for package in settings.packages}
    failed: dict[str, Outcome] = {}
    read_through([*inputs.paths, *inputs.references])  # so that not the first one waits for the disk
    for _ in range(settings.runs):
        for package, done in processes.items():
            if package in failed or any(process.report.rounds[0].total > settings.patience for process in done):
                continue
            job = Job(
                package=package,
                paths=[str(path) for path in inputs.paths],
                steps=dict(case.steps),
                rounds=ROUNDS,
                patience=settings.patience,
                folder=folder,
            )
            try:
                done.append(run(job, inputs, settings.jwst_limit if package == "jwst" else None))
                tell(f"{case.name}: {package} {done[-1].once:.1f} s")
            except ProcessError as problem:
                failed[package] = problem
                tell(f"{case.name}: {package} {problem}")
    return {package: Measured(done) for package, done in processes.items() if package not in failed} | failed
