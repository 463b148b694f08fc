"""Passes of an exposure through the steps of a section: one, or another where the first went by what is not so."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gpipe.controller.declaration.blocks import Preview
from gpipe.controller.declaration.work import fixed
from gpipe.controller.plan.sections import Section
from gpipe.controller.reporting import events
from gpipe.controller.run.chunks import Course, Passed, Stage, Summarizers, Summary
from gpipe.controller.run.previews import border, brightness_of_rows, has_misled, preview, sample
from gpipe.controller.run.step_run import NO_SUMMARY, StepRun
from gpipe.datamodels import Outline

log = logging.getLogger(__name__)

Summaries = Mapping[str, Summary]


def certain(course: Course, runs: Sequence[StepRun], outline: Outline, summaries: Summaries) -> Passed:
    """Take an exposure through steps whose summaries are known, in one pass."""
    _begin(runs, outline, summaries)
    stages = [run.stage for run in runs if run.stage]
    return _with_fixes(course, stages, course.through(stages))


def speculative(
    course: Course, runs: Sequence[StepRun], outline: Outline, summaries: Summaries, section: Section, source: Any
) -> Passed:
    """Take an exposure through steps of which the later ones go by a preview.

    Summaries from a sample are compared with those that are taken on the way. Where a sample has misled, the pass is
    repeated; the steps that it did not mislead go on with their work.
    """
    early, late = runs[: section.previewed], runs[section.previewed :]
    _begin(early, outline, summaries)
    stages = [run.stage for run in early if run.stage]
    known = {**summaries, **_preview(course, stages, outline, section, source)}
    _begin(late, outline, known)
    sampled = _summarizers(section, Preview.SAMPLE)
    later = [run.stage for run in late if run.stage]
    stages += [replace(stage, summarizers={} if k else sampled) for k, stage in enumerate(later)]
    passed = course.through(stages)
    found = {name: passed.summaries[name] for name in sampled if later}
    misled = {name: true for name, true in found.items() if has_misled(known[name], true, outline.backend)}
    if not misled:
        return _with_fixes(course, stages, passed)
    log.info("Repeating the pass: the sampled pixels were not representative for %s", ", ".join(misled))
    passed.drop()
    return certain(course, runs, outline, known | misled)


def _begin(runs: Sequence[StepRun], outline: Outline, summaries: Summaries) -> None:
    """Begin those of the steps that have not begun, or have with other summaries."""
    for run in runs:
        if not run.status:
            events.started(run.step.name)
            run.start(outline.meta)
        run.begin(outline, summaries.get(run.step.name, NO_SUMMARY))


def _with_fixes(course: Course, stages: Sequence[Stage], passed: Passed) -> Passed:
    """The pass, or another one with the last changes that its counts ask for, see `Work.fix`."""
    if len(course.chunks) == len(stages) == 1 and not course.summarizers:
        return _fixed_at_once(stages[0], passed)
    fixes: dict[str, Callable[[Any], Any]] = {}
    while (found := _fixes(stages, passed)).keys() - fixes.keys():
        log.info("Repeating the pass: counts of the whole exposure change results of %s", ", ".join(found))
        passed.drop()
        fixes = found
        passed = course.through([replace(stage, summarizers={}, fix=fixes.get(stage.name)) for stage in stages])
    return passed


def _fixed_at_once(stage: Stage, passed: Passed) -> Passed:
    """The pass of one step on one chunk: nothing has gone on with it."""
    fix = _fixes([stage], passed).get(stage.name)
    return replace(passed, exposures=list(fixed(passed.exposures, fix))) if fix else passed


def _fixes(stages: Sequence[Stage], passed: Passed) -> dict[str, Callable[[Any], Any]]:
    found = ((stage.name, stage.work.fix(passed.tallies[stage.name].counts)) for stage in stages)
    return {name: fix for name, fix in found if fix}


def _summarizers(section: Section, kind: Preview) -> Summarizers:
    """The summaries that steps of a section take from pixels of this kind."""
    return section.summarizers(s for s in section.steps[section.previewed :] if s.preview is kind)


def _preview(
    course: Course, early: Sequence[Stage], outline: Outline, section: Section, source: Any
) -> dict[str, Summary]:
    """The summaries that steps need from some pixels, which the early stages have done."""
    found: dict[str, Summary] = {}
    for kind in Preview:
        if summarizers := _summarizers(section, kind):
            pixels = (
                border(outline.shape, sum(stage.halo for stage in early))
                if kind is Preview.BORDER
                else sample(brightness_of_rows(source, outline.backend, outline.shape))
            )
            found |= preview(early, course.read_chunk, pixels, summarizers, threads=course.threads)
    return found
