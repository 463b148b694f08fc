"""Several steps on one exposure, part by part."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.results import Produced
from gpipe.controller.declaration.work import Work, mended, total
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Span, own, put_together, trim
from gpipe.datamodels.files.reading import moved

Found = Mapping[str, Any]
Surveys = Mapping[str, Callable[[Any], Found]]


@dataclass
class Stage:
    """One step of a section at work.

    Attributes
    ----------
    name : of the step.
    work : what it does.
    reach : rows around a part that it looks at.
    surveys : what is looked at before it, see `work_through`.
    mend : what is done with each part after it.
    counts, seconds : sums over the parts done so far; seconds of all threads together.
    """

    name: str
    work: Work
    reach: int
    surveys: "Surveys" = field(default_factory=dict)
    mend: Callable[[Any], Any] | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Done:
    """What came of one part."""

    span: Span
    counts: Sequence[Mapping[str, Any]]
    seconds: Sequence[float]
    surveyed: Mapping[str, Found]


def work_through(
    stages: Sequence[Stage],
    supply: Callable[[Span], Any],
    spans: Sequence[Span],
    assembly: Assembly,
    *,
    store: Backend,
    surveys: Surveys,
    threads: int = 1,
    tell: Callable[[int], None],
) -> dict[str, Found]:
    """Put every part through all stages, and into the whole.

    The result does not depend on how the exposure is cut, on the order of the parts, or on the number of threads.

    Parameters
    ----------
    supply : the part that a span covers.
    store : where the whole is kept.
    surveys : by name of a step that comes later, what it must know of the whole that comes of this. Those of a stage
        look at what comes to it.
    tell : called with the number of parts done, after each.

    Returns
    -------
    What the surveys found, by name of the step.
    """

    def one(span: Span) -> _Done:
        results, done = _through_stages(stages, supply(span), span, surveys)
        assembly.add(span, [moved(result, store) for result in results])
        return done

    found: list[_Done] = []
    for done in in_turn(one, spans, threads):
        for stage, counts, seconds in zip(stages, done.counts, done.seconds, strict=True):
            stage.seconds += seconds
            for name, number in counts.items():
                stage.counts[name] = stage.counts.get(name, 0) + number
        found.append(done)
        tell(len(found))
    return {name: joined([(done.span, done.surveyed[name]) for done in found]) for name in found[0].surveyed}


def in_turn(one: Callable[[Span], Any], spans: Sequence[Span], threads: int) -> Iterator[Any]:
    """What comes of each span, on several threads, as they are done."""
    if threads == 1 or len(spans) == 1:
        yield from map(one, spans)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for future in as_completed([pool.submit(one, span) for span in spans]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _through_stages(stages: Sequence[Stage], part: Any, span: Span, surveys: Surveys) -> tuple[Sequence[Any], _Done]:
    counts, seconds = [], []
    surveyed: dict[str, Found] = {}
    later = sum(stage.reach for stage in stages)
    results, core = _trimmed((part,), span.core, later if span.by_rows else None)
    del part
    for stage in stages:
        surveyed |= _seen_by(stage.surveys, results[0], core if span.by_rows else None)
        started = time.perf_counter()
        produced = through_stage(stage, results[0])
        counts.append({name: total(number, core, results[0]) for name, number in produced.counts.items()})
        later -= stage.reach
        results, core = _trimmed(produced.results, core, later if span.by_rows else None)
        seconds.append(time.perf_counter() - started)
    return results, _Done(span, counts, seconds, surveyed | _seen_by(surveys, results[0]))


def _seen_by(surveys: Surveys, part: Any, core: slice | None = None) -> dict[str, Found]:
    inside = trim(part, core) if surveys and core else part
    return {name: seen(survey, inside) for name, survey in surveys.items()}


def seen(survey: Callable[[Any], Found], part: Any) -> Found:
    """What a survey finds in a part: new arrays, since views would keep the part in memory until the section's end."""
    return {key: own(found) for key, found in survey(part).items()}


def through_stage(stage: Stage, part: Any) -> Produced:
    """What the step makes of a part."""
    try:
        outcome = stage.work.apply(part)
    except Exception as error:
        error.add_note(f"in step {stage.name} of gpipe")
        raise
    produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
    return replace(produced, results=mended(produced.results, stage.mend)) if stage.mend else produced


def _trimmed(results: Sequence[Any], core: slice, margin: int | None) -> tuple[tuple[Any, ...], slice]:
    """Results with no more rows around the core than later stages look at, and where the core is then."""
    if margin is None:
        return tuple(results), core
    rows = results[0].shape[-2]
    kept = slice(max(0, core.start - margin), min(rows, core.stop + margin))
    return tuple(trim(result, kept) for result in results), slice(core.start - kept.start, core.stop - kept.start)


def joined(parts: Sequence[tuple[Span, Found]]) -> Found:
    """What a survey found in all parts, together. A part that has nothing of a key does not name it."""
    keys = dict.fromkeys(key for _, found in parts for key in found)
    return {key: put_together([(span, found[key]) for span, found in parts if key in found]) for key in keys}
