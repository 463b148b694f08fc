"""One run of a step or pipeline on one exposure. All of its state lives here; nothing of it stays on the steps."""

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe import backends
from gpipe.backends import Backend
from gpipe.controller import events, logs, provenance, workers
from gpipe.controller.by_parts import Stage, work_through
from gpipe.controller.hooks import apply_hooks
from gpipe.controller.naming import OutputSettings
from gpipe.controller.references import Resolution, resolve
from gpipe.controller.results import Produced, References, SideProduct, Skip
from gpipe.controller.saving import Saver, check_folder
from gpipe.controller.sections import Section, cuttable, in_sections, part_length, reach
from gpipe.controller.step import Step
from gpipe.controller.work import Block, apart
from gpipe.datamodels import (
    Header,
    InFlight,
    Outline,
    Ramp,
    SuperstripeRamp,
    crds_parameters,
    open_exposure,
    read_header,
    to_model,
)
from gpipe.datamodels.parts import Assembly, Span, cut, put_together, spans, trim
from gpipe.datamodels.ramp import RAMP_ARRAYS
from gpipe.exceptions import GpipeError, ReferenceFileError

log = logging.getLogger(__name__)

COMPLETE, SKIPPED = "COMPLETE", "SKIPPED"
Exposures = tuple[Any, ...]


def execute(top: Step, source: Any, backend: str | Backend | None = None) -> Any:
    """Run a step or pipeline whose parameters are settled.

    Whatever can be refused is refused before a pixel is read: the kind of exposure, output folders, references that
    are missing or do not fit, and what the steps cannot do.

    Parameters
    ----------
    top : the step or pipeline that is called.
    source : path, open model, exposure in flight, or the ``Header`` of one of them that has been read already.
    backend : None leaves an exposure in flight where it is, and chooses as ``backends.get`` for everything else.

    Returns
    -------
    What went in decides: an exposure in flight for an exposure in flight, else a ``stdatamodels`` model with NumPy
    arrays; a tuple where a step has several results.
    """
    with logs.recorded() as records:
        return _Run(top, read_header(source, expects=top.accepts), records).run(backend)


class _Run:
    """What a run knows beside the parameters of its steps."""

    def __init__(self, top: Step, header: Header, records: list[str]) -> None:
        self.top, self.header, self.records = top, header, records
        self.origin = header.source if isinstance(header.source, InFlight) else None
        self.steps = top.sequence(header.meta)
        self.saver = Saver(header.name if os.path.exists(header.name) else header.meta.filename)
        self.surveyed: dict[str, Any] = {}
        self.owns_arrays = False

    def run(self, backend: str | Backend | None) -> Any:
        """Refuse or do the work."""
        place = self.origin.backend if backend is None and self.origin else backends.get(backend)
        self.place = place.suited_to(math.prod(self.header.shape))
        everyone = [self.top, *(step for step in self.steps if step is not self.top)]
        _log_parameters(everyone)
        if self.top.skip and self.top.substeps():
            log.warning("%s: skip has no effect on a pipeline", self.top.name)
        for step in everyone:
            if _levels(step)[0].saves and not self._skips(step):
                check_folder(_levels(step))
        self.resolution = self._resolve()
        self._check()
        return self._finish(self._through_all())

    def _skips(self, step: Step) -> bool:
        """Whether a parameter says so. A step that is called by itself is skipped only if the user said so."""
        return step.skip and (step is not self.top or step.origin("skip").by_user) and not step.substeps()

    def _resolve(self) -> Resolution:
        running = [step for step in self.steps if not self._skips(step)]
        overrides = {s.name: {t: getattr(s, f"override_{t}") for t in s.reference_file_types} for s in running}
        wanted = {s.name: s.wanted_references(self.header.meta) for s in running}
        return resolve(wanted, crds_parameters(self.header), overrides, self.header.meta)

    def _check(self) -> None:
        problems = []
        for step in self.steps:
            if not self._skips(step):
                absent = self._absent(step)
                if absent and step.missing_reference == "error":
                    problems.append(f"{step.name}: found N/A as {' and '.join(absent)} reference, expected a file")
                else:
                    step.check(self.header.meta, self.resolution.steps[step.name])
        if problems:
            raise ReferenceFileError("\n".join(problems))

    def _absent(self, step: Step) -> list[str]:
        """References that do not apply to the exposure and that the step cannot do without."""
        references = self.resolution.steps[step.name]
        return [t for t in references if getattr(references, t) is None and t not in step.optional_references]

    def _through_all(self) -> list[Any]:
        # Lists are emptied as they are worked through, so that no array outlives the step that replaces it.
        exposures: list[Any] = []
        if self.top.substeps() and self.top.pre_hooks:
            exposures = [apply_hooks(self.top, "pre_hooks", self._open())]
        sections = self._sections()
        for section, following in zip(sections, [*sections[1:], None], strict=True):
            self._save_products_before(section.steps[0], exposures)
            if section.is_cut and self._may_cut(exposures):
                exposures = self._through_parts(section, exposures, following)
            else:
                exposures = self._through_whole(section, exposures or [self._open()])
                self._survey(exposures, following)
        if self.top.substeps():
            exposures = [apply_hooks(self.top, "post_hooks", exposures.pop(0)) for _ in range(len(exposures))]
        return exposures

    def _open(self) -> Any:
        return open_exposure(self.header, self.place)

    def _sections(self) -> list[Section]:
        return in_sections(self.steps, self._block, starts=self._needs_whole_before, ends=self._needs_whole_after)

    def _block(self, step: Step) -> Block:
        return Block.PIXELS if self._skips(step) else step.block(self.header.meta)

    def _needs_whole_before(self, step: Step) -> bool:
        return bool(step.pre_hooks or self.top.products_before(step.name, self.header))

    def _needs_whole_after(self, step: Step) -> bool:
        return bool(step.post_hooks or (step is not self.top and _levels(step)[0].saves and not self._skips(step)))

    def _may_cut(self, exposures: Sequence[Any]) -> bool:
        kind = type(exposures[0]) if exposures else self.header.kind
        return kind is Ramp and len(exposures) <= 1

    def _save_products_before(self, step: Step, exposures: list[Any]) -> None:
        if self.top.products_before(step.name, self.header):
            exposures = exposures or [self._open()]
            for product in self.top.products_before(step.name, exposures[0]):
                self._save_side_product(self.top, product)

    def _through_whole(self, section: Section, exposures: list[Any]) -> list[Any]:
        for step in section.steps:
            self._started(step)
            started = time.perf_counter()
            after: list[Any] = []
            while exposures:
                after += self._through(step, exposures.pop(0))
            exposures = after
            _tell(step, started, exposures[0])
        return exposures

    def _through_parts(self, section: Section, exposures: list[Any], following: Section | None) -> list[Any]:
        """All steps of a section on one exposure, part by part; it is read in parts if it has not been read yet."""
        stored = exposures.pop() if exposures else None
        outline = stored or Outline(self.header.model, self.place, self.header.shape)
        pieces = self._spans(section, outline)
        supply = self._supply(stored, outline, pieces)
        self._survey_parts(section, supply, pieces)
        stages = [stage for step in section.steps for stage in self._stages(step, outline)]
        by_name = {step.name: step for step in section.steps}
        changed = {name for stage in stages for name in by_name[stage.name].changes}
        assembly = Assembly(
            outline.shape[-2] if section.by_rows else outline.shape[0],
            by_rows=section.by_rows,
            stored=stored,
            kept=[name for name in RAMP_ARRAYS if name not in changed],
            overwrite=self.owns_arrays and not reach(section.steps),
        )
        working = [by_name[stage.name] for stage in stages]
        found = work_through(
            stages,
            supply,
            pieces,
            assembly,
            surveys=self._surveys_of(following),
            threads=workers.of_steps(working),
            tell=lambda done: events.emit(events.PartDone(section.steps[-1].name, done, len(pieces))),
        )
        self.surveyed |= found
        self.owns_arrays = self.owns_arrays or (stored is None and self.origin is None)
        return self._ended(section, stages, assembly.whole())

    def _stages(self, step: Step, outline: Any) -> list[Stage]:
        """The step at work; nothing where it is skipped."""
        self._started(step)
        if self._skips(step):
            log.info("Step %s skipped", step.name)
            self._record(step, [outline], SKIPPED, {})
            return []
        log.info("Step %s running", step.name)
        references = self.resolution.steps[step.name]
        _warn_of_predecessors(step, outline.meta)
        try:
            self._refuse_other_kinds(step, Ramp)
            self._refuse_without_references(step)
            work = step.begin(outline, references, self.surveyed.pop(step.name, {}))
        except Skip as skip:
            log.log(skip.level, "Step %s skipped: %s", step.name, skip.reason)
            self._record(step, [outline], SKIPPED, references.names)
            return []
        self._record(step, [outline], COMPLETE, references.names)
        return [Stage(step.name, work, step.reach())]

    def _ended(self, section: Section, stages: Sequence[Stage], exposures: list[Any]) -> list[Any]:
        seconds = {stage.name: stage.seconds for stage in stages}
        for stage in stages:
            stage.work.end(stage.counts)
            log.info("Step %s done", stage.name)
        exposures = apart(exposures)
        last = section.steps[-1]
        if last.post_hooks and not self._skips(last):
            exposures = [apply_hooks(last, "post_hooks", exposure) for exposure in exposures]
        if self._needs_whole_after(last) and _levels(last)[0].saves:
            self._save(last, exposures)
        for step in section.steps:
            result = exposures[0] if step is last else None
            status = getattr(exposures[0].meta.cal_step, step.cal_step)
            events.emit(events.StepDone(step.name, seconds.get(step.name, 0.0), status, result))
        return exposures

    def _spans(self, section: Section, outline: Any) -> list[Span]:
        total = outline.shape[-2] if section.by_rows else outline.shape[0]
        if section.by_rows and not cuttable(outline):
            return spans(total, total)
        length = part_length(outline.shape, by_rows=section.by_rows, on_host=self.place.name == "numpy")
        return spans(total, length, reach=reach(section.steps), by_rows=section.by_rows)

    def _supply(self, stored: Any, outline: Any, pieces: Sequence[Span]) -> Callable[[Span], Any]:
        if stored is None and not isinstance(self.header.source, InFlight) and pieces[0].by_rows and len(pieces) > 1:
            return lambda span: open_exposure(self.header, self.place, rows=span.outer)
        whole = stored or self._open()
        return (lambda span: cut(whole, span)) if len(pieces) > 1 else lambda span: whole

    def _surveys_of(self, section: Section | None) -> dict[str, Callable[[Any], Any]]:
        steps = section.steps if section is not None and section.is_cut else ()
        return {step.name: step.survey for step in steps if step.surveys and not self._skips(step)}

    def _survey(self, exposures: Sequence[Any], following: Section | None) -> None:
        if self._may_cut(exposures):
            self.surveyed |= {name: survey(exposures[0]) for name, survey in self._surveys_of(following).items()}

    def _survey_parts(self, section: Section, supply: Callable[[Span], Any], pieces: Sequence[Span]) -> None:
        """Look through the exposure before the first section: it has not been in anybody's hands yet."""
        for name, survey in self._surveys_of(section).items():
            if name not in self.surveyed:
                seen = [(piece, survey(trim(supply(piece), piece.core))) for piece in pieces]
                self.surveyed[name] = {key: put_together([(p, s[key]) for p, s in seen]) for key in seen[0][1]}

    def _started(self, step: Step) -> None:
        events.emit(events.StepStarted(step.name, self.steps.index(step) + 1, len(self.steps)))

    def _through(self, step: Step, exposure: Any) -> Exposures:
        """One step on one exposure, with what belongs to it: hooks, status, provenance, saving."""
        if self._skips(step):
            log.info("Step %s skipped", step.name)
            self._record(step, [exposure], SKIPPED, {})
            return (exposure,)
        log.info("Step %s running", step.name)
        references = self.resolution.steps[step.name]
        _warn_of_predecessors(step, exposure.meta)
        exposure = apply_hooks(step, "pre_hooks", exposure)
        produced, status = self._applied(step, exposure, references)
        del exposure
        results = tuple(apply_hooks(step, "post_hooks", result) for result in produced.results)
        self._record(step, results, status, references.names)
        for product in produced.side_products:
            self._record(step, [product.model], status, references.names)
            self._save_side_product(step, product)
        if step is not self.top and _levels(step)[0].saves:
            self._save(step, results)
        if status == COMPLETE:
            log.info("Step %s done", step.name)
        return results

    def _applied(self, step: Step, exposure: Any, references: References) -> tuple[Produced, str]:
        """The step's results, or the exposure as it is when the step does not apply to it."""
        try:
            self._refuse_other_kinds(step, type(exposure))
            self._refuse_without_references(step)
            outcome = _outcome(step, exposure, references)
        except Skip as skip:
            log.log(skip.level, "Step %s skipped: %s", step.name, skip.reason)
            return Produced((exposure,)), SKIPPED
        except GpipeError:
            raise
        except Exception as error:
            error.add_note(f"in step {step.name} of gpipe, on {self.header.name}")
            raise
        return (outcome if isinstance(outcome, Produced) else Produced((outcome,))), COMPLETE

    def _refuse_other_kinds(self, step: Step, kind: type) -> None:
        if not issubclass(kind, step.accepts):
            kinds = " or ".join(accepted.__name__ for accepted in step.accepts)
            raise Skip(f"found a {kind.__name__}, expected a {kinds}", logging.INFO)

    def _refuse_without_references(self, step: Step) -> None:
        if absent := self._absent(step):
            raise Skip(f"no {' and no '.join(absent)} reference applies to this exposure")

    def _record(self, step: Step, products: Iterable[Any], status: str, references: dict[str, str]) -> None:
        """Say in the metadata what the step did, and with what."""
        asked = {"context": self.resolution.context, "crds_version": self.resolution.crds_version}
        for product in products:
            if not hasattr(product.meta, "cal_step"):
                continue  # a reference file that a step made
            setattr(product.meta.cal_step, step.cal_step, status)
            provenance.record(product.meta, references, **(asked if references else {}))

    def _finish(self, exposures: list[Any]) -> Any:
        """Save and return what the run was asked for."""
        saves = _levels(self.top)[0].saves and not self._skips(self.top)
        if self.resolution.context:
            log.info("Results used CRDS context %s", self.resolution.context)
        kept = exposures if saves else self.top.returned(exposures)
        models = kept if self.origin else [self._model(exposure) for exposure in kept]
        if saves:
            self._save(self.top, models)
        results = tuple(self.top.returned(models))
        return results[0] if len(results) == 1 else results

    def _model(self, product: Any) -> Any:
        """A product as a model; that of an exposure has the log of the run so far."""
        if not isinstance(product, InFlight):
            return product
        model = to_model(product)
        alias = self.top.class_alias
        if alias:
            model.instance.setdefault("cal_logs", {})[alias] = list(self.records)
        return model

    def _save(self, step: Step, results: Sequence[Any]) -> None:
        for index, result in enumerate(results):
            suffix = self.top.suffix_of(result, None if step is self.top else step.name)
            model = self._model(result)
            self.saver.save(
                model,
                _levels(step),
                default_suffix=step.name,
                suffix=suffix,
                index=index if suffix is None and len(results) > 1 else None,
            )
            if result is not model:
                result.meta.filename = model.meta.filename

    def _save_side_product(self, step: Step, product: SideProduct) -> None:
        own, *outer = _levels(step)
        self.saver.save(
            self._model(product.model),
            [replace(own, output_ext=product.output_ext or own.output_ext), *outer],
            default_suffix=step.name,
            suffix=product.suffix,
            output_file=product.output_file,
        )


def _outcome(step: Step, exposure: Any, references: References) -> Any:
    """What the step makes of the exposure; superstripes go through one by one unless the step wants them together."""
    if isinstance(exposure, SuperstripeRamp) and not step.takes_superstripes_whole:
        apply: Callable[[Any], Any] = partial(step.apply, references=references)
        return exposure.by_stripe(apply)
    return step.apply(exposure, references)


def _levels(step: Step | None) -> list[OutputSettings]:
    """Output settings of a step, then of the pipeline that it belongs to."""
    levels = []
    while step is not None:
        levels.append(OutputSettings.of(step))
        step = step.parent
    return levels


def _tell(step: Step, started: float, exposure: Any) -> None:
    """Tell watchers that a step has ended; only they are worth waiting for the device."""
    if events.is_watched():
        exposure.backend.synchronize()
        status = getattr(exposure.meta.cal_step, step.cal_step)
        events.emit(events.StepDone(step.name, time.perf_counter() - started, status, exposure))


def _warn_of_predecessors(step: Step, meta: Any) -> None:
    missing = [slot for slot in step.expects if getattr(meta.cal_step, slot, None) is None]
    if missing:
        log.warning("Step %s expects that %s ran before it; it did not", step.name, " and ".join(missing))


def _log_parameters(steps: Iterable[Step]) -> None:
    """One short line for each step that has values other than its defaults."""
    for step in steps:
        changed = [
            f"{name}={getattr(step, name)!r} ({step.origin(name)})"
            for name, declared in step.parameters().items()
            if getattr(step, name) != declared.default()
        ]
        if changed:
            log.info("Parameters of %s: %s", step.name, ", ".join(changed))
