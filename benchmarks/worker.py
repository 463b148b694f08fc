"""One process that calibrates exposures with one package: ``python -m benchmarks.worker JOB``.

``JOB`` is JSON, the fields of `Job`. Prints a line of JSON, the fields of `Report`.
"""

import dataclasses
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Job:
    """Job of a process.

    Attributes
    ----------
    package : gpipe or jwst.
    paths : the exposures of a call, one after the other.
    rounds : calls.
    patience : seconds; after a longer first call there is no other.
    folder : products go to new folders in it.
    """

    package: str
    paths: list[str]
    steps: dict[str, dict[str, Any]]
    rounds: int
    patience: float
    folder: str


@dataclass(kw_only=True)
class Round:
    """A call. ``steps`` are seconds by step; gpipe's add up those of threads.

    Attributes
    ----------
    whole : wall seconds of the call and of what measuring it takes: products are deleted.
    seconds, resident : for each exposure wall time, and resident memory at its end.
    read, written : bytes of read calls, and of the products.
    planes : bytes of all parts of references that gpipe has read.
    """

    whole: float = 0.0
    seconds: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    read: int = 0
    written: int = 0
    planes: int = 0

    @property
    def total(self) -> float:
        """Wall seconds."""
        return sum(self.seconds)

    def add(self, step: str, seconds: float) -> None:
        """Count time of a step."""
        self.steps[step] = self.steps.get(step, 0.0) + seconds


@dataclass(frozen=True, kw_only=True)
class Report:
    """Report of a process: memory after imports, its peak until the end of the first call and of all, the calls.

    Attributes
    ----------
    imported, peak, highest : bytes.
    """

    imported: int
    peak: int
    highest: int
    rounds: list[Round]


def work(job: Job) -> Report:
    """Do it in this process."""
    if job.package == "gpipe":
        from gpipe.pipeline import Detector1Pipeline
    else:
        from jwst.pipeline import Detector1Pipeline
    logging.disable(logging.CRITICAL)
    imported = memory("VmRSS")
    rounds = [one_round(job, Detector1Pipeline)]
    peak = memory("VmHWM")
    while len(rounds) < job.rounds and rounds[0].total <= job.patience:
        rounds.append(one_round(job, Detector1Pipeline))
    return Report(imported=imported, peak=peak, highest=memory("VmHWM"), rounds=rounds)


def one_round(job: Job, pipeline: Any) -> Round:
    """Calibrate all exposures once."""
    done, begun = Round(), time.perf_counter()
    # A fresh folder each time: replacing a file makes some file systems wait for the disk.
    with tempfile.TemporaryDirectory(dir=job.folder) as folder, WATCHERS[job.package](done):
        before = bytes_read()
        for path in job.paths:
            started = time.perf_counter()
            pipeline.call(path, steps=job.steps, save_results=True, output_dir=folder, configure_log=False)
            done.seconds.append(time.perf_counter() - started)
            done.resident.append(memory("VmRSS"))
        done.read = bytes_read() - before
        done.written = sum(product.stat().st_size for product in Path(folder).iterdir())
    done.whole = time.perf_counter() - begun
    return done


@contextmanager
def gpipe_watched(done: Round) -> Iterator[None]:
    """Count what events and references tell."""
    from gpipe.controller.reporting import events
    from gpipe.datamodels.references.reference import Reference

    sizes: dict[tuple[str, ...], int] = {}

    def note(reference: Any, array: str, window: Any, first: Any, found: Any) -> Any:
        sizes[reference.name, array, repr(window), repr(first)] = found.nbytes
        return found

    def read(self: Any, array: str, *, window: Any = None, first: Any = None) -> Any:
        return note(self, array, window, first, plainly_read(self, array, window=window, first=first))

    def load(self: Any, array: str, exposure: Any, *, first: Any = None) -> Any:
        return note(self, array, exposure.window, first, plainly_loaded(self, array, exposure, first=first))

    def tell(event: events.Event) -> None:
        if isinstance(event, events.StepDone):
            done.add(event.name, event.seconds)

    plainly_read, plainly_loaded = Reference.read, Reference.load
    with replaced(Reference, read=read, load=load), events.watch(tell):
        yield
    done.planes = sum(sizes.values())


@contextmanager
def jwst_watched(done: Round) -> Iterator[None]:
    """Time the steps of pipelines."""
    from jwst.stpipe import Step

    plainly_run = Step.run

    def run(self: Any, *args: Any) -> Any:
        started = time.perf_counter()
        result = plainly_run(self, *args)
        if self.parent is not None:
            done.add(self.name, time.perf_counter() - started)
        return result

    with replaced(Step, run=run):
        yield


@contextmanager
def replaced(place: type, **methods: Callable[..., Any]) -> Iterator[None]:
    """Methods of a class within the block. ``unittest.mock`` would import asyncio on the time of the process."""
    before = {name: getattr(place, name) for name in methods}
    for name, method in methods.items():
        setattr(place, name, method)
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(place, name, method)


WATCHERS: dict[str, Callable[[Round], Any]] = {"gpipe": gpipe_watched, "jwst": jwst_watched}


def memory(fact: str) -> int:
    """Bytes of this process: resident (VmRSS), the most so far (VmHWM).

    ``ru_maxrss`` would count the process that started this one, too.
    """
    return _number("/proc/self/status", fact) * 1024


def bytes_read() -> int:
    """Bytes of all read calls of this process, from any source. Mapped files are not counted."""
    return _number("/proc/self/io", "rchar")


def _number(file: str, fact: str) -> int:
    for line in Path(file).read_text().splitlines():
        if line.startswith(f"{fact}:"):
            return int(line.split()[1])
    raise RuntimeError(f"{file} has no {fact}")


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(work(Job(**json.loads(sys.argv[1]))))))
