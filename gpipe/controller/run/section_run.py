"""The steps of a section on one exposure, part by part."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

from gpipe.backends import Backend, host_memory
from gpipe.controller.declaration.blocks import Glance
from gpipe.controller.declaration.results import Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.declaration.work import apart
from gpipe.controller.plan.run_plan import PlannedSection, Storage, replanned
from gpipe.controller.plan.sections import Section, rows_around
from gpipe.controller.reporting import events
from gpipe.controller.run.chunks import Found, Stage, work_through
from gpipe.controller.run.previews import EARLY, LOOKED_AT, border, brightness, has_misled, look, sample
from gpipe.controller.run.record import COMPLETE, SKIPPED, Books, warn_of_predecessors
from gpipe.datamodels import Header, InFlight, Outline, Ramp, open_exposure
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Span, cut, outer_columns, spans
from gpipe.datamodels.exposures.ramp import RAMP_ARRAYS
from gpipe.datamodels.exposures.scratch import forget
from gpipe.datamodels.files.reading import moved

log = logging.getLogger(__name__)

Survey = Callable[[Any], Any]


@dataclass(frozen=True)
class _Course:
    """A section on its way through an exposure.

    Attributes
    ----------
    stored : the exposure, where it is kept; None before anybody has read it.
    pieces, supply : the parts that the exposure goes through in, and what gives them.
    """

    planned: PlannedSection
    following: Section | None
    outline: Outline
    stored: Any
    pieces: Sequence[Span]
    supply: Callable[[Span], Any]

    @property
    def section(self) -> Section:
        """The section."""
        return self.planned.section

    @property
    def surveying(self) -> list[StepBase]:
        """The steps of which it takes a glance to know what they must."""
        return [s for s in self.section.steps[self.section.ahead :] if s in self.section.working and s.surveys]


class PartSteps:
    """Takes an exposure through sections that work on parts.

    Parameters
    ----------
    header : of the exposure; it is read in parts if nobody has opened it yet.
    place : where steps work.
    storage : where the exposure is kept between sections.
    """

    def __init__(self, header: Header, books: Books, place: Backend, storage: Storage) -> None:
        self._header, self._books, self._place, self._storage = header, books, place, storage
        self._surveyed: dict[str, Any] = {}

    def through(self, planned: PlannedSection, stored: Any, following: Section | None) -> list[Any]:
        """The results of a section. ``stored`` is None before the exposure was read."""
        shape = stored.shape if stored else self._header.shape
        outline = Outline(stored.header if stored else self._header.model, self._place, shape)
        planned = planned if shape == self._header.shape else replanned(planned, outline)
        section = planned.section
        pieces = spans(planned.total, planned.length, reach=planned.reach, by_rows=section.by_rows)
        course = _Course(planned, following, outline, stored, pieces, self._supply(stored, pieces))
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
        early = self._stages(section.steps[: section.ahead], outline)
        known = self._glimpsed(course, early) if section.ahead else self._survey_first(course)
        doubtful = {s.name: s.survey for s in course.surveying if section.ahead and s.glance is Glance.SAMPLE}
        mends: dict[str, Any] = {}
        while True:
            self._surveyed |= known
            late = self._stages(section.steps[section.ahead :], outline)
            late[:1] = [replace(stage, surveys=doubtful) for stage in late[:1]]
            fresh = (replace(stage, counts={}, seconds=0.0) for stage in early)
            stages = [replace(stage, mend=mends.get(stage.name)) for stage in (*fresh, *late)]
            exposures = self._pass(course, stages)
            surveyed = {name: self._surveyed.pop(name) for name in doubtful if late}
            misled = [name for name in surveyed if has_misled(known[name], surveyed[name], self._place)]
            found = {stage.name: mend for stage in stages if (mend := stage.work.mend(stage.counts))}
            if not misled and found.keys() <= mends.keys():
                return stages, exposures
            log.info("The exposure is gone through again: all of it tells %s more", ", ".join(misled or found))
            known, mends = known | surveyed, {} if misled else found
            del exposures  # their memory is for those of the next pass

    def _pass(self, course: _Course, stages: Sequence[Stage]) -> list[Any]:
        """The results of all parts together; what is surveyed on the way is kept for the steps that need it."""
        planned, section, stored = course.planned, course.section, course.stored
        assembly = Assembly(
            planned.total,
            by_rows=section.by_rows,
            stored=stored,
            kept=[name for name in RAMP_ARRAYS if name not in section.changes],
            on_disk=self._storage is Storage.DISK,
        )
        name, parts = section.steps[-1].name, len(course.pieces)
        self._surveyed |= work_through(
            stages,
            course.supply,
            course.pieces,
            assembly,
            store=self._storage.backend(self._place),
            surveys=self._surveys_of(course.following),
            threads=planned.threads,
            tell=lambda done: events.emit(events.PartDone(name, done, parts)),
        )
        return assembly.whole()

    def _glimpsed(self, course: _Course, early: Sequence[Stage]) -> dict[str, Found]:
        """What a glance tells the steps that survey."""
        found: dict[str, Found] = {}
        for glance in dict.fromkeys(step.glance for step in course.surveying):
            surveys = {step.name: step.survey for step in course.surveying if step.glance is glance}
            pixels = self._border(course, early) if glance is Glance.BORDER else self._sample(course)
            found |= look(early, course.supply, pixels, surveys, threads=course.planned.threads)
        return found

    def _border(self, course: _Course, early: Sequence[Stage]) -> list[Span]:
        return border(course.outline.shape, sum(stage.reach for stage in early))

    def _sample(self, course: _Course) -> list[Span]:
        source = course.stored or self._header.source
        group = min(EARLY, course.outline.shape[1] - 1)
        if isinstance(source, InFlight):
            return sample(brightness(source.data[0, group, ...]))
        rows = course.outline.shape[2]
        # Some rows at a time, which all use the same memory.
        pieces = [
            brightness(source.load("data", self._place, slice(start, min(start + LOOKED_AT, rows)), first=(0, group)))
            for start in range(0, rows, LOOKED_AT)
        ]
        return sample(array_namespace(*pieces).concat(pieces))

    def survey_whole(self, exposure: Any, following: Section | None) -> None:
        """Look at an exposure for the section that comes next."""
        self._surveyed |= {name: survey(exposure) for name, survey in self._surveys_of(following).items()}

    def _supply(self, stored: Any, pieces: Sequence[Span]) -> Callable[[Span], Any]:
        header, place = self._header, self._place
        in_parts = len(pieces) > 1
        if stored is None and in_parts and pieces[0].by_rows and not isinstance(header.source, InFlight):
            return lambda span: open_exposure(header, place, rows=span.outer, columns=outer_columns(span))
        whole = stored or open_exposure(header, place)

        def supply(span: Span) -> Any:
            part = moved(cut(whole, span) if in_parts else whole, place)
            if self._storage is Storage.DISK:
                forget(whole)
            return part

        return supply

    def _stages(self, steps: Sequence[StepBase], outline: Outline) -> list[Stage]:
        """The steps at work, without those that are skipped."""
        return [stage for step in steps for stage in self._stage(step, outline)]

    def _stage(self, step: StepBase, outline: Outline) -> list[Stage]:
        """The step at work; nothing where it is skipped."""
        events.started(step.name)
        if self._books.skips(step):
            log.info("Step %s skipped", step.name)
            self._books.record(step, [outline], SKIPPED)
            return []
        log.info("Step %s running", step.name)
        warn_of_predecessors(step, outline.meta)
        try:
            self._books.refuse(step, Ramp, outline.meta)
            work = step.begin(outline, self._books.references(step), self._surveyed.pop(step.name, {}))
        except Skip as skip:
            log.log(skip.level, "Step %s skipped: %s", step.name, skip.reason)
            self._books.record(step, [outline], SKIPPED)
            return []
        self._books.record(step, [outline], COMPLETE)
        return [Stage(step.name, work, rows_around(step, outline))]

    def _ended(self, section: Section, stages: Sequence[Stage], exposures: list[Any]) -> list[Any]:
        for stage in stages:
            stage.work.end(stage.counts)
            log.info("Step %s done", stage.name)
        exposures = apart(exposures)
        last = section.steps[-1]
        if self._books.saves(last):
            self._books.save(last, exposures)
        seconds = {stage.name: stage.seconds for stage in stages}
        for step in section.steps:
            status = getattr(exposures[0].meta.cal_step, step.cal_step)
            result = exposures[0] if step is last else None
            events.emit(events.StepDone(step.name, seconds.get(step.name, 0.0), status, result))
        return exposures

    def _surveys_of(self, section: Section | None) -> dict[str, Survey]:
        steps = section.working if section is not None and section.is_cut else ()
        return {step.name: step.survey for step in steps if step.surveys}

    def _survey_first(self, course: _Course) -> dict[str, Found]:
        """What the steps of a section must know: from an exposure that nobody has had in hands yet if need be."""
        surveys = self._surveys_of(course.section)
        absent = {name: survey for name, survey in surveys.items() if name not in self._surveyed}
        seen = look((), course.supply, course.pieces, absent) if absent else {}
        return {name: seen[name] if name in seen else self._surveyed[name] for name in surveys}
