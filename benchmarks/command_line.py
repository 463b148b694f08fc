"""Times of the command line: ``python -m benchmarks.command_line [FOLDER]`` prints a table."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import cases
from benchmarks.inputs import Inputs, prepared
from gpipe.simulate import ExposureConfig

RUNS = 5
COMMAND = "import sys; sys.argv[0] = 'gpipe'; from gpipe.cli import main; main()"
SCRIPT = "import sys; from gpipe import Detector1Pipeline; Detector1Pipeline.call(sys.argv[1], save_results=True)"
PLANS = """
import sys, time
from gpipe import Detector1Pipeline
for path in sys.argv[1:]:
    began = time.process_time()
    Detector1Pipeline.plan(path)
    print(time.process_time() - began)
"""
COMPLETION = {"_GPIPE_COMPLETE": "bash_complete", "COMP_WORDS": "gpipe ru", "COMP_CWORD": "1"}


def python(code: str, *arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run code in a new process, and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    variables = {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=True).stdout


def seconds(code: str, *arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> float:
    """Time code in a new process."""
    began = time.perf_counter()
    python(code, *arguments, folder=folder, environment=environment)
    return time.perf_counter() - began


def rows(inputs: Inputs, folder: Path, runs: int) -> Iterator[tuple[str, float, str]]:
    """Measure each figure, the least of some runs: what it is, seconds, and the goal."""
    yield "gpipe --help", min(seconds(COMMAND, "--help", folder=folder) for _ in range(runs)), "0.2"
    completions = (seconds(COMMAND, folder=folder, environment=COMPLETION) for _ in range(runs))
    yield "completion of a command", min(completions), "0.2"
    path, variables = str(inputs.paths[0]), dict(inputs.cache.environment)
    run, call, skip = [], [], []
    for _ in range(runs):  # in turns, so that other work on the machine meets both
        call.append(seconds(SCRIPT, path, folder=folder, environment=variables))
        run.append(seconds(COMMAND, "run", path, folder=folder, environment=variables))
        skip.append(seconds(COMMAND, "run", path, "--if-exists", "skip", folder=folder, environment=variables))
    yield "a script with Detector1Pipeline.call", min(call), ""
    yield "gpipe run", min(run), f"{min(call) + 0.1:.2f}"
    yield "gpipe run --if-exists skip, done before", min(skip), ""
    plans = [float(line) for line in python(PLANS, *[path] * 6, folder=folder, environment=variables).split()]
    yield "plan of the first file, CPU", plans[0], ""
    yield "plan of a later file, CPU", min(plans[1:]), "0.01"


def table(config: ExposureConfig, folder: Path, runs: int = RUNS, *, full_frame: bool = True) -> str:
    """Measure with an exposure, which is made in the folder."""
    inputs = prepared([config], folder, full_frame=full_frame)
    head: Sequence[str] = ("| | [s] | goal [s] |", "| --- | --- | --- |")
    return "\n".join(
        [*head, *(f"| {what} | {found:.3f} | {goal} |" for what, found, goal in rows(inputs, folder, runs))]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(table(cases.CASES[0].configs[0], Path(sys.argv[1] if len(sys.argv) > 1 else place)))
