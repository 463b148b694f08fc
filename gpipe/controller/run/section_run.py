"""An exposure on its way through the sections of a plan."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gpipe.backends import Backend, host_memory
from gpipe.controller.declaration.results import Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.plan.run_plan import PlannedSection, suited
from gpipe.controller.plan.sections import Section
from gpipe.controller.reporting import events
from gpipe.controller.run.chunks import Course, Passed, Summarizers, Summary
from gpipe.controller.run.passes import Summaries, certain, speculative
from gpipe.controller.run.previews import preview
from gpipe.controller.run.record import RunRecord
from gpipe.controller.run.step_run import StepRun
from gpipe.controller.run.user_code.hooks import RunStep
from gpipe.datamodels import Exposure, Header, Outline, open_exposure
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, chunks_of, columns_with_halo, cut
from gpipe.datamodels.exposures.groups.scratch import Storage, forget
from gpipe.datamodels.files.products import with_own_metadata
from gpipe.datamodels.files.reading import moved

log = logging.getLogger(__name__)


class SectionRun:
    """Takes an exposure through sections, in chunks or whole.

    Parameters
    ----------
    header : of the exposure; it is read in chunks if nobody has opened it yet.
    backend : the backend that steps work on.
    storage : where the exposure is kept between sections.
    run_step : runs hooks that are steps.
    """

    def __init__(
        self, header: Header, record: RunRecord, backend: Backend, storage: Storage, run_step: RunStep
    ) -> None:
        self._header, self._record, self._backend, self._storage = header, record, backend, storage
        self._run_step = run_step
        self._handed_over = False

    def through(
        self, planned: PlannedSection, exposures: list[Any], following: Section | None, summaries: Summaries
    ) -> tuple[list[Any], Summaries]:
        """The results of a section, and the summaries of them that the next one needs.

        Parameters
        ----------
        exposures : what comes to it; empty before the exposure was read. The list is emptied on the way, so that no
            array outlives the step that replaces it.
        summaries : of what comes to it.
        """
        if planned.section.is_cut and self._is_one(exposures):
            return self._in_chunks(planned, exposures.pop() if exposures else None, following, summaries)
        overwritable = self._handed_over and planned.section.overwrites(self._header.meta)
        self._handed_over = False
        exposures = exposures or [open_exposure(self._header, self._backend)]
        for number, step in enumerate(planned.section.steps):
            exposures = self._whole(step, exposures, overwritable=overwritable and number == 0)
        wanted = _summarizers_of(following) if self._is_one(exposures) else {}
        return exposures, {name: summarize(exposures[0]) for name, summarize in wanted.items()}

    def _is_one(self, exposures: Sequence[Any]) -> bool:
        """Tell whether there is one exposure, of a kind that chunks are cut out of."""
        kind = type(exposures[0]) if exposures else self._header.kind
        return kind.in_chunks and len(exposures) < 2

    def _whole(self, step: StepBase, exposures: list[Any], *, overwritable: bool) -> list[Any]:
        """One step on all of each exposure."""
        events.started(step.name)
        started = time.perf_counter()
        runs, after = [], []
        while exposures:
            runs.append(StepRun(step, self._record, self._run_step))
            after += on_whole(runs[-1], exposures.pop(0), overwritable=overwritable)
        tell_done(step, started, runs[0].status, after[0], added(run.found for run in runs), runs[0].skipped)
        return after

    def _in_chunks(
        self, planned: PlannedSection, stored: Any, following: Section | None, summaries: Summaries
    ) -> tuple[list[Any], Summaries]:
        shape = stored.shape if stored else self._header.shape
        outline = Outline(stored.header if stored else self._header.model, self._backend, shape)
        planned = suited(planned, outline)
        course = self._course(planned, stored, following)
        section, self._handed_over = planned.section, planned.hands_over
        kind = type(stored) if stored else self._header.kind
        halos = [section.rows_around(step, outline) for step in section.steps]
        runs = [StepRun(s, self._record, self._run_step, n, kind) for s, n in zip(section.steps, halos, strict=True)]
        host_memory.keep_workspace()
        try:
            known = {**summaries, **_absent(course, section, summaries)}
            if section.previewed:
                source = stored or self._header.source
                passed = speculative(course, runs, outline, known, section, source)
            else:
                passed = certain(course, runs, outline, known)
        finally:
            if following is None or not following.is_cut:
                host_memory.release_workspace()
        return _closed(runs, passed, min(planned.threads, len(planned.chunks))), passed.summaries

    def _course(self, planned: PlannedSection, stored: Any, following: Section | None) -> Course:
        section, chunks = planned.section, planned.chunks
        planes = stored.planes if stored else ()
        shared = {"stored": stored, "unchanged": [name for name in planes if name not in section.changes]}
        on_disk, name = self._storage is Storage.DISK, section.steps[-1].name
        return Course(
            chunks,
            self._reader(stored, chunks),
            lambda: Assembly(planned.total, by_rows=section.by_rows, on_disk=on_disk, **shared),
            self._storage.backend(self._backend),
            planned.threads,
            _summarizers_of(following),
            lambda done: events.emit(events.ChunkDone(name, done, len(chunks))),
        )

    def _reader(self, stored: Any, chunks: Sequence[Chunk]) -> Callable[[Chunk], Any]:
        header, backend = self._header, self._backend
        is_cut = len(chunks) > 1
        if stored is None and is_cut and chunks[0].by_rows and not isinstance(header.source, Exposure):
            return lambda chunk: open_exposure(header, backend, rows=chunk.with_halo, columns=columns_with_halo(chunk))
        whole = stored or open_exposure(header, backend)

        def read_chunk(chunk: Chunk) -> Any:
            ramp = moved(cut(whole, chunk) if is_cut else whole, backend)
            if self._storage is Storage.DISK:
                forget(whole)
            return ramp

        return read_chunk


def branch(run: StepRun, exposure: Any) -> None:
    """Let a step make a product of its own of an exposure, which stays as it is."""
    events.started(run.step.name)
    started = time.perf_counter()
    results = on_whole(run, with_own_metadata(exposure))
    tell_done(run.step, started, run.status, results[0], run.found, run.skipped)


def tell_done(
    step: StepBase, started: float, status: str, result: Any, found: Mapping[str, int], skipped: Skip | None = None
) -> None:
    """Tell the log and watchers that a step on whole exposures has ended. For watchers the device is waited for."""
    if events.is_watched():
        result.backend.synchronize()
    _tell(events.StepDone(step.name, time.perf_counter() - started, status, result, found, _reason(skipped)), skipped)


def added(found: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """Add up what a step has found in several exposures."""
    total: Counter[str] = Counter()
    for one in found:
        total.update(one)
    return total


def _tell(done: events.StepDone, skipped: Skip | None) -> None:
    """Tell of the end of a step, in the log by one line: a warning has been logged already."""
    if skipped is None or skipped.level <= logging.INFO:
        log.info("%s", done)
    events.emit(done)


def _reason(skipped: Skip | None) -> str:
    return skipped.reason if skipped else ""


def on_whole(run: StepRun, exposure: Any, *, overwritable: bool = False) -> list[Any]:
    """The results of a step on an exposure, which is one chunk; ``overwritable`` as of an `Exposure`."""
    run.start(exposure.meta)
    given = [run.before(exposure)]
    if overwritable:
        given = [replace(given[0], overwritable=True)]
    del exposure
    summaries = {run.step.name: run.summarize(given[0])}
    outline = Outline(given[0].header, given[0].backend, given[0].shape)
    length = outline.shape[0]
    whole = chunks_of(length, length, by_rows=False)
    course = Course(whole, lambda _: given.pop(), lambda: Assembly(length, by_rows=False), outline.backend)
    passed = certain(course, [run], outline, summaries)
    return run.close(passed.exposures, passed.tallies.get(run.step.name))


def _closed(runs: Sequence[StepRun], passed: Passed, threads: int) -> list[Any]:
    """The results of a section when its steps have ended. Chunks of all steps have the metadata of its first result."""
    tallies = [passed.tallies.get(run.step.name) for run in runs]
    for run, tally in zip(runs[:-1], tallies, strict=False):
        run.close(passed.exposures[:1], tally)
    exposures = runs[-1].close(passed.exposures, tallies[-1])
    for run, tally in zip(runs, tallies, strict=True):
        result = exposures[0] if run is runs[-1] else None
        seconds = tally.seconds / threads if tally else 0.0
        done = events.StepDone(run.step.name, seconds, run.status, result, run.found, _reason(run.skipped))
        _tell(done, run.skipped)
    return exposures


def _summarizers_of(section: Section | None) -> Summarizers:
    return section.summarizers(section.steps) if section is not None and section.is_cut else {}


def _absent(course: Course, section: Section, summaries: Summaries) -> dict[str, Summary]:
    """The summaries that steps need of an exposure that nobody has read yet."""
    early = section.steps[: section.previewed or None]
    absent = section.summarizers(step for step in early if step.name not in summaries)
    return preview((), course.read_chunk, course.chunks, absent) if absent else {}
