"""Records: digests by section, run and part of a product."""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import metadata
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.digests.runs import Run

Section = dict[str, dict[str, str]]
Tell = Callable[[str], None]
ROOT = Path(__file__).parents[2]
SECTIONS = {"kernels": "1", "portable": "0"}
"""Values of GPIPE_NATIVE by section. The process of the first one also makes the exposures."""
PACKAGES = ("numpy", "scipy", "astropy", "asdf", "stdatamodels", "jwst")


class Worker:
    """A process that answers one question after the other."""

    def __init__(self, native: str) -> None:
        environment = {"GPIPE_NATIVE": native, "GPIPE_BACKEND": "numpy"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.digests.worker"],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: str) -> dict[str, Any]:
        """The answer, or what failed."""
        print(json.dumps(question), file=self._process.stdin, flush=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{question['name']}: the process ended with status {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


@contextmanager
def workers() -> Iterator[dict[str, Worker]]:
    """One for each section."""
    with ExitStack() as stack:
        made = {section: Worker(compiling) for section, compiling in SECTIONS.items()}
        for worker in made.values():
            stack.callback(worker.close)
        yield made


def record(runs: Sequence[Run], folder: Path, jobs: int, tell: Tell) -> dict[str, Any]:
    """Record digests of all runs. ``folder`` holds files of as many groups of runs as there are jobs."""
    groups = [list(group) for _, group in groupby(runs, key=lambda run: run.inputs)]
    sections: dict[str, Section] = {section: {} for section in SECTIONS}
    with ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        crews: SimpleQueue[dict[str, Worker]] = SimpleQueue()
        for _ in range(min(jobs, len(groups))):
            crews.put(stack.enter_context(workers()))

        def work(numbered: tuple[int, list[Run]]) -> list[tuple[Run, float, dict[str, dict[str, str]]]]:
            crew = crews.get()
            try:
                return list(_of_group(numbered[1], folder.resolve() / str(numbered[0]), crew))
            finally:
                crews.put(crew)

        number = 0
        for done in pool.map(work, enumerate(groups)):
            for run, seconds, found in done:
                number += 1
                tell(f"{number} of {len(runs)}  {run.name}  {seconds:.1f} s")
                for section, digests in found.items():
                    sections[section][run.name] = digests
    return {"made with": made_with(), **sections}


def _of_group(
    group: Sequence[Run], place: Path, crew: dict[str, Worker]
) -> Iterator[tuple[Run, float, dict[str, dict[str, str]]]]:
    """Yield runs of the same files, with seconds and digests by section. The first takes the time to make the files."""
    started = time.perf_counter()
    made = crew["kernels"].ask(wanted="make", name=group[0].name, place=str(place))
    for run in group:
        found = {}
        for section, worker in crew.items():
            if section != "portable" or run.is_small:
                asked = {"wanted": "digests", "name": run.name, "place": str(place), "folder": f"{place}.{section}"}
                told = made if "failed" in made else worker.ask(**asked)
                found[section] = {"failed": told["failed"]} if "failed" in told else told["answer"]
        yield run, time.perf_counter() - started, found
        started = time.perf_counter()
    shutil.rmtree(place, ignore_errors=True)


def made_with() -> dict[str, str]:
    """List the versions on which digests depend."""
    installed = {dist.name: dist.version for dist in metadata.distributions()}
    return {"python": platform.python_version(), "machine": platform.machine()} | {
        name: installed[name] for name in PACKAGES if name in installed
    }


def flat(record: dict[str, Any]) -> dict[str, str]:
    """Name each digest by one line: section, run and part of a product."""
    return {
        f"{section}: {run}: {part}": digest
        for section in SECTIONS
        for run, digests in record.get(section, {}).items()
        for part, digest in digests.items()
    }


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[int, list[str]]:
    """Count the digests that are equal, and write a line for every other one."""
    before, after = flat(old), flat(new)
    lines = [f"missing: {name}" for name in before if name not in after]
    lines += [f"additional: {name}" for name in after if name not in before]
    lines += [f"differs: {name}" for name in before if name in after and before[name] != after[name]]
    return sum(before[name] == after.get(name) for name in before), lines
