"""Several steps on one exposure, chunk by chunk."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.results import Produced
from gpipe.controller.declaration.work import Work, fixed, sum_counts
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, copied, join, trim
from gpipe.datamodels.files.reading import moved

Summary = Mapping[str, Any]
Summarizers = Mapping[str, Callable[[Any], Summary]]


@dataclass
class Stage:
    """One step of a section at work.

    Attributes
    ----------
    name : of the step.
    work : its work on the exposure.
    halo : rows around a chunk that it looks at.
    summarizers : summaries to take of what comes to it, see `work_through`.
    fix : a last change of each chunk after it, see `Work.fix`.
    counts, seconds : sums over the chunks done so far; seconds of all threads together.
    """

    name: str
    work: Work
    halo: int
    summarizers: Summarizers = field(default_factory=dict)
    fix: Callable[[Any], Any] | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Done:
    """The small results of one chunk."""

    chunk: Chunk
    counts: Sequence[Mapping[str, Any]]
    seconds: Sequence[float]
    summaries: Mapping[str, Summary]


def work_through(
    stages: Sequence[Stage],
    read_chunk: Callable[[Chunk], Any],
    chunks: Sequence[Chunk],
    assembly: Assembly,
    *,
    store: Backend,
    summarizers: Summarizers,
    threads: int = 1,
    tell: Callable[[int], None],
) -> dict[str, Summary]:
    """Put every chunk through all stages, and into the whole.

    The result does not depend on how the exposure is cut, on the order of the chunks, or on the number of threads.

    Parameters
    ----------
    read_chunk : gives the ramps of a chunk.
    store : the backend that holds the whole.
    summarizers : by name of a step that comes later, the summary that it needs of the whole result. Those of a stage
        look at what comes to it.
    tell : called with the number of chunks done, after each.

    Returns
    -------
    The summaries, by name of the step.
    """

    def one(chunk: Chunk) -> _Done:
        results, done = _through_stages(stages, read_chunk(chunk), chunk, summarizers)
        assembly.add(chunk, [moved(result, store) for result in results])
        return done

    found: list[_Done] = []
    for done in in_turn(one, chunks, threads):
        for stage, counts, seconds in zip(stages, done.counts, done.seconds, strict=True):
            stage.seconds += seconds
            for name, number in counts.items():
                stage.counts[name] = stage.counts.get(name, 0) + number
        found.append(done)
        tell(len(found))
    return {name: joined([(done.chunk, done.summaries[name]) for done in found]) for name in found[0].summaries}


def in_turn(one: Callable[[Chunk], Any], chunks: Sequence[Chunk], threads: int) -> Iterator[Any]:
    """Call a function for each chunk, on several threads; results come as they are done."""
    if threads == 1 or len(chunks) == 1:
        yield from map(one, chunks)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for future in as_completed([pool.submit(one, chunk) for chunk in chunks]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _through_stages(
    stages: Sequence[Stage], ramp: Any, chunk: Chunk, summarizers: Summarizers
) -> tuple[Sequence[Any], _Done]:
    counts, seconds = [], []
    summaries: dict[str, Summary] = {}
    later = sum(stage.halo for stage in stages)
    results, core = _trimmed((ramp,), chunk.core, later if chunk.by_rows else None)
    del ramp
    for stage in stages:
        summaries |= _summaries(stage.summarizers, results[0], core if chunk.by_rows else None)
        started = time.perf_counter()
        produced = through_stage(stage, results[0])
        counts.append({name: sum_counts(number, core, results[0]) for name, number in produced.counts.items()})
        later -= stage.halo
        results, core = _trimmed(produced.results, core, later if chunk.by_rows else None)
        seconds.append(time.perf_counter() - started)
    return results, _Done(chunk, counts, seconds, summaries | _summaries(summarizers, results[0]))


def _summaries(summarizers: Summarizers, ramp: Any, core: slice | None = None) -> dict[str, Summary]:
    inside = trim(ramp, core) if summarizers and core else ramp
    return {name: summary_of(inside, summarize) for name, summarize in summarizers.items()}


def summary_of(ramp: Any, summarize: Callable[[Any], Summary]) -> Summary:
    """Summarize a chunk in new arrays, since views would keep the chunk in memory until the section's end."""
    return {key: copied(found) for key, found in summarize(ramp).items()}


def through_stage(stage: Stage, ramp: Any) -> Produced:
    """Apply the step to a chunk."""
    try:
        outcome = stage.work.apply(ramp)
    except Exception as error:
        error.add_note(f"in step {stage.name} of gpipe")
        raise
    produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
    return replace(produced, results=fixed(produced.results, stage.fix)) if stage.fix else produced


def _trimmed(results: Sequence[Any], core: slice, halo: int | None) -> tuple[tuple[Any, ...], slice]:
    """Results with no more rows around the core than later stages look at, and where the core is then."""
    if halo is None:
        return tuple(results), core
    rows = results[0].shape[-2]
    left = slice(max(0, core.start - halo), min(rows, core.stop + halo))
    return tuple(trim(result, left) for result in results), slice(core.start - left.start, core.stop - left.start)


def joined(summaries: Sequence[tuple[Chunk, Summary]]) -> Summary:
    """Join the summaries of all chunks. A chunk that has nothing of a key does not name it."""
    keys = dict.fromkeys(key for _, found in summaries for key in found)
    return {key: join([(chunk, found[key]) for chunk, found in summaries if key in found]) for key in keys}
