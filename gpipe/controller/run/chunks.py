"""Several steps on one exposure, chunk by chunk."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.arrays.threads import ThreadPool
from gpipe.backends import Backend
from gpipe.controller.declaration.results import Produced, Skip
from gpipe.controller.declaration.work import Work, fixed, sum_counts
from gpipe.controller.run.tally import Tally
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, copied, join, trim
from gpipe.datamodels.files.reading import moved
from gpipe.exceptions import GpipeError

Summary = Mapping[str, Any]
Summarizers = Mapping[str, Callable[[Any], Summary]]


@dataclass(frozen=True)
class Stage:
    """One step of a section at work.

    Attributes
    ----------
    name : of the step.
    work : its work on the exposure.
    halo : rows around a chunk that it looks at.
    summarizers : summaries to take of what comes to it, by name of the step that needs them.
    fix : a last change of each chunk after it, see `Work.fix`.
    """

    name: str
    work: Work
    halo: int = 0
    summarizers: Summarizers = field(default_factory=dict)
    fix: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Passed:
    """Outcome of a pass: the results of the last stage; tallies and summaries by name of the step."""

    exposures: list[Any]
    tallies: dict[str, Tally]
    summaries: dict[str, Summary]

    def drop(self) -> None:
        """Let go of all arrays, whoever still has the pass: their memory is for those of the next one."""
        self.exposures.clear()
        self.tallies.clear()


@dataclass(frozen=True)
class Course:
    """The way of an exposure through a section, as often as it is gone.

    Attributes
    ----------
    chunks, read_chunk : its chunks, and the function that reads them.
    assembly : makes an empty one for the results.
    store : the backend that holds the results.
    threads : chunks at work at the same time.
    summarizers : by name of a step that comes later, the summary that it needs of the results.
    tell : called with the number of chunks done, after each.
    """

    chunks: Sequence[Chunk]
    read_chunk: Callable[[Chunk], Any]
    assembly: Callable[[], Assembly]
    store: Backend
    threads: int = 1
    summarizers: Summarizers = field(default_factory=dict)
    tell: Callable[[int], None] = lambda done: None

    def through(self, stages: Sequence[Stage]) -> Passed:
        """Put every chunk through all stages, and into the whole.

        The result does not depend on how the exposure is cut, on the order of the chunks, or on the number of threads.
        """
        assembly = self.assembly()
        tallies = {s.name: Tally(s.name, len(self.chunks), assembly.beside(), self.store) for s in stages}

        def one(chunk: Chunk) -> tuple[Chunk, Mapping[str, Summary]]:
            results, summaries = _through_stages(stages, self.read_chunk(chunk), chunk, tallies, self.summarizers)
            assembly.add(chunk, [moved(result, self.store) for result in results])
            return chunk, summaries

        found = []
        for summarized in in_turn(one, self.chunks, self.threads):
            found.append(summarized)
            self.tell(len(found))
        return Passed(assembly.whole(), tallies, joined(found))


def in_turn(one: Callable[[Chunk], Any], chunks: Sequence[Chunk], threads: int) -> Iterator[Any]:
    """Call a function for each chunk, on several threads; results come as they are done."""
    if threads == 1 or len(chunks) == 1:
        yield from map(one, chunks)
        return
    pool = ThreadPool(threads)
    try:
        for future in as_completed([pool.submit(one, chunk) for chunk in chunks]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _through_stages(
    stages: Sequence[Stage], ramp: Any, chunk: Chunk, tallies: Mapping[str, Tally], summarizers: Summarizers
) -> tuple[Sequence[Any], dict[str, Summary]]:
    """The results of a chunk, and its summaries. What it leaves beside them is added to the tallies."""
    summaries: dict[str, Summary] = {}
    later = sum(stage.halo for stage in stages)
    results, core = _trimmed((ramp,), chunk.core, later if chunk.by_rows else None)
    del ramp
    for stage in stages:
        summaries |= _summaries(stage.summarizers, results[0], core if chunk.by_rows else None)
        started = time.perf_counter()
        produced = through_stage(stage, results[0])
        rows = core if chunk.by_rows else slice(None)
        counts = {name: sum_counts(number, rows, results[0]) for name, number in produced.counts.items()}
        seconds = time.perf_counter() - started
        tallies[stage.name].add(chunk, core, counts, produced.side_products, seconds)
        later -= stage.halo
        results, core = _trimmed(produced.results, core, later if chunk.by_rows else None)
    return results, summaries | _summaries(summarizers, results[0])


def _summaries(summarizers: Summarizers, ramp: Any, core: slice | None = None) -> dict[str, Summary]:
    inside = trim(ramp, core) if summarizers and core else ramp
    return {name: summary_of(inside, summarize) for name, summarize in summarizers.items()}


def summary_of(ramp: Any, summarize: Callable[[Any], Summary]) -> Summary:
    """Summarize a chunk in new arrays, since views would keep the chunk in memory until the section's end."""
    return {key: copied(found) for key, found in summarize(ramp).items()}


def through_stage(stage: Stage, ramp: Any) -> Produced:
    """Apply the step to a chunk."""
    with named_in_errors(stage.name, ramp):
        produced = _applied(stage, ramp)
    return replace(produced, results=fixed(produced.results, stage.fix)) if stage.fix else produced


def _applied(stage: Stage, ramp: Any) -> Produced:
    """Return what the step makes of a chunk. GpipeError: it does what only the exposure as a whole can have."""
    try:
        outcome = stage.work.apply(ramp)
    except Skip as skip:
        raise GpipeError(
            f"step {stage.name}: found Skip for a chunk ({skip.reason}), expected begin to raise it"
        ) from None
    produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
    if produced.companions:
        raise GpipeError(f"step {stage.name}: found companions changed by a chunk, expected them in Work.companions")
    return produced


@contextmanager
def named_in_errors(name: str, exposure: Any) -> Iterator[None]:
    """Add the step of this name, and the file of the exposure, to errors; those of gpipe say by themselves."""
    try:
        yield
    except GpipeError:
        raise
    except Exception as error:
        error.add_note(f"in step {name} of gpipe, on {exposure.meta.filename}")
        raise


def _trimmed(results: Sequence[Any], core: slice, halo: int | None) -> tuple[tuple[Any, ...], slice]:
    """Results with no more rows around the core than later stages look at, and where the core is then."""
    if halo is None:
        return tuple(results), core
    rows = results[0].shape[-2]
    left = slice(max(0, core.start - halo), min(rows, core.stop + halo))
    return tuple(trim(result, left) for result in results), slice(core.start - left.start, core.stop - left.start)


def joined(summaries: Sequence[tuple[Chunk, Mapping[str, Summary]]]) -> dict[str, Summary]:
    """Join the summaries of all chunks, by name of the step."""
    return {name: _joined([(chunk, found[name]) for chunk, found in summaries]) for name in summaries[0][1]}


def _joined(summaries: Sequence[tuple[Chunk, Summary]]) -> Summary:
    """Join the summaries of all chunks. A chunk that has nothing of a key does not name it."""
    keys = dict.fromkeys(key for _, found in summaries for key in found)
    return {key: join([(chunk, found[key]) for chunk, found in summaries if key in found]) for key in keys}
