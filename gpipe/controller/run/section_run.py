"""The steps of a section on one exposure, chunk by chunk."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

from gpipe.backends import Backend, host_memory
from gpipe.controller.declaration.blocks import Preview
from gpipe.controller.declaration.results import Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.declaration.work import with_separate_metadata
from gpipe.controller.plan.run_plan import PlannedSection, replanned
from gpipe.controller.plan.sections import Section, rows_around
from gpipe.controller.reporting import events
from gpipe.controller.run.chunks import Stage, Summary, work_through
from gpipe.controller.run.previews import EARLY, LOOKED_AT, border, brightness, has_misled, preview, sample
from gpipe.controller.run.record import COMPLETE, SKIPPED, RunRecord, warn_of_predecessors
from gpipe.datamodels import Exposure, Header, Outline, Ramp, open_exposure
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, chunks_of, columns_with_halo, cut
from gpipe.datamodels.exposures.ramp import RAMP_ARRAYS
from gpipe.datamodels.exposures.scratch import Storage, forget
from gpipe.datamodels.files.reading import moved

log = logging.getLogger(__name__)

Summarize = Callable[[Any], Any]


@dataclass(frozen=True)
class _Course:
    """A section on its way through an exposure.

    Attributes
    ----------
    stored : the exposure, where it is kept; None before anybody has read it.
    chunks, read_chunk : the chunks that the exposure goes through in, and the function that reads them.
    """

    planned: PlannedSection
    following: Section | None
    outline: Outline
    stored: Any
    chunks: Sequence[Chunk]
    read_chunk: Callable[[Chunk], Any]

    @property
    def section(self) -> Section:
        """The section."""
        return self.planned.section

    @property
    def summarizing(self) -> list[StepBase]:
        """The steps that need a summary, taken from a preview."""
        return [s for s in self.section.steps[self.section.previewed :] if s in self.section.working and s.cut.summary]


class SectionRun:
    """Takes an exposure through sections that work on chunks.

    Parameters
    ----------
    header : of the exposure; it is read in chunks if nobody has opened it yet.
    backend : the backend that steps work on.
    storage : where the exposure is kept between sections.
    """

    def __init__(self, header: Header, record: RunRecord, backend: Backend, storage: Storage) -> None:
        self._header, self._record, self._backend, self._storage = header, record, backend, storage
        self._summaries: dict[str, Any] = {}

    def through(self, planned: PlannedSection, stored: Any, following: Section | None) -> list[Any]:
        """The results of a section. ``stored`` is None before the exposure was read."""
        shape = stored.shape if stored else self._header.shape
        outline = Outline(stored.header if stored else self._header.model, self._backend, shape)
        planned = planned if shape == self._header.shape else replanned(planned, outline)
        section = planned.section
        chunks = chunks_of(planned.total, planned.length, halo=planned.halo, by_rows=section.by_rows)
        course = _Course(planned, following, outline, stored, chunks, self._reader(stored, chunks))
        host_memory.keep_workspace()
        try:
            stages, exposures = self._passes(course)
        finally:
            if following is None or not following.is_cut:
                host_memory.release_workspace()
        return self._ended(section, stages, exposures)

    def _passes(self, course: _Course) -> tuple[list[Stage], list[Any]]:
        """The stages and the results, of a second pass where the first one shows that it went by what is not so."""
        section, outline = course.section, course.outline
        early = self._stages(section.steps[: section.previewed], outline)
        known = self._preview(course, early) if section.previewed else self._summarize_first(course)
        doubtful = {
            s.name: s.summarize for s in course.summarizing if section.previewed and _preview(s) is Preview.SAMPLE
        }
        fixes: dict[str, Any] = {}
        while True:
            self._summaries |= known
            late = self._stages(section.steps[section.previewed :], outline)
            late[:1] = [replace(stage, summarizers=doubtful) for stage in late[:1]]
            fresh = (replace(stage, counts={}, seconds=0.0) for stage in early)
            stages = [replace(stage, fix=fixes.get(stage.name)) for stage in (*fresh, *late)]
            exposures = self._pass(course, stages)
            summaries = {name: self._summaries.pop(name) for name in doubtful if late}
            misled = [name for name in summaries if has_misled(known[name], summaries[name], self._backend)]
            found = {stage.name: fix for stage in stages if (fix := stage.work.fix(stage.counts))}
            if not misled and found.keys() <= fixes.keys():
                return stages, exposures
            if misled:
                log.info("Repeating the pass: the sampled pixels were not representative for %s", ", ".join(misled))
            else:
                log.info("Repeating the pass: counts of the whole exposure change results of %s", ", ".join(found))
            known, fixes = known | summaries, {} if misled else found
            del exposures  # their memory is for those of the next pass

    def _pass(self, course: _Course, stages: Sequence[Stage]) -> list[Any]:
        """Join the results of all chunks; summaries taken on the way are held for the steps that need them."""
        planned, section, stored = course.planned, course.section, course.stored
        assembly = Assembly(
            planned.total,
            by_rows=section.by_rows,
            stored=stored,
            unchanged=[name for name in RAMP_ARRAYS if name not in section.changes],
            on_disk=self._storage is Storage.DISK,
        )
        name, total = section.steps[-1].name, len(course.chunks)
        self._summaries |= work_through(
            stages,
            course.read_chunk,
            course.chunks,
            assembly,
            store=self._storage.backend(self._backend),
            summarizers=self._summarizers_of(course.following),
            threads=planned.threads,
            tell=lambda done: events.emit(events.ChunkDone(name, done, total)),
        )
        return assembly.whole()

    def _preview(self, course: _Course, early: Sequence[Stage]) -> dict[str, Summary]:
        """Take the summaries that steps need from a preview."""
        found: dict[str, Summary] = {}
        for kind in dict.fromkeys(_preview(step) for step in course.summarizing):
            summarizers = {step.name: step.summarize for step in course.summarizing if _preview(step) is kind}
            pixels = self._border(course, early) if kind is Preview.BORDER else self._sample(course)
            found |= preview(early, course.read_chunk, pixels, summarizers, threads=course.planned.threads)
        return found

    def _border(self, course: _Course, early: Sequence[Stage]) -> list[Chunk]:
        return border(course.outline.shape, sum(stage.halo for stage in early))

    def _sample(self, course: _Course) -> list[Chunk]:
        source = course.stored or self._header.source
        group = min(EARLY, course.outline.shape[1] - 1)
        if isinstance(source, Exposure):
            return sample(brightness(source.data[0, group, ...]))
        rows = course.outline.shape[2]
        # Some rows at a time, which all use the same memory.
        pieces = [
            brightness(source.load("data", self._backend, (0, group), slice(start, min(start + LOOKED_AT, rows))))
            for start in range(0, rows, LOOKED_AT)
        ]
        return sample(array_namespace(*pieces).concat(pieces))

    def summarize_whole(self, exposure: Any, following: Section | None) -> None:
        """Summarize an exposure for the section that comes next."""
        self._summaries |= {name: summarize(exposure) for name, summarize in self._summarizers_of(following).items()}

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

    def _stages(self, steps: Sequence[StepBase], outline: Outline) -> list[Stage]:
        """The steps at work, without those that are skipped."""
        return [stage for step in steps for stage in self._stage(step, outline)]

    def _stage(self, step: StepBase, outline: Outline) -> list[Stage]:
        """The step at work; nothing where it is skipped."""
        events.started(step.name)
        if self._record.skips(step):
            log.info("Step %s skipped", step.name)
            self._record.add_step(step, [outline], SKIPPED)
            return []
        log.info("Step %s running", step.name)
        warn_of_predecessors(step, outline.meta)
        try:
            self._record.refuse(step, Ramp, outline.meta)
            summary, companions = self._summaries.pop(step.name, {}), self._record.with_companions(step)
            work = step.begin(outline, self._record.references(step), summary, **companions)
            self._record.change_companions(work.companions)
        except Skip as skip:
            log.log(skip.level, "Step %s skipped: %s", step.name, skip.reason)
            self._record.add_step(step, [outline], SKIPPED)
            return []
        self._record.add_step(step, [outline], COMPLETE)
        return [Stage(step.name, work, rows_around(step, outline))]

    def _ended(self, section: Section, stages: Sequence[Stage], exposures: list[Any]) -> list[Any]:
        for stage in stages:
            stage.work.end(stage.counts)
            log.info("Step %s done", stage.name)
        exposures = with_separate_metadata(exposures)
        last = section.steps[-1]
        if self._record.saves(last):
            self._record.save(last, exposures)
        seconds = {stage.name: stage.seconds for stage in stages}
        for step in section.steps:
            status = getattr(exposures[0].meta.cal_step, step.cal_step)
            result = exposures[0] if step is last else None
            events.emit(events.StepDone(step.name, seconds.get(step.name, 0.0), status, result))
        return exposures

    def _summarizers_of(self, section: Section | None) -> dict[str, Summarize]:
        steps = section.working if section is not None and section.is_cut else ()
        return {step.name: step.summarize for step in steps if step.cut.summary}

    def _summarize_first(self, course: _Course) -> dict[str, Summary]:
        """The summaries that the steps of a section need, where need be from an exposure that nobody has read yet."""
        summarizers = self._summarizers_of(course.section)
        absent = {name: summarize for name, summarize in summarizers.items() if name not in self._summaries}
        found = preview((), course.read_chunk, course.chunks, absent) if absent else {}
        return {name: found[name] if name in found else self._summaries[name] for name in summarizers}


def _preview(step: StepBase) -> Preview | None:
    return step.cut.summary.preview if step.cut.summary else None
