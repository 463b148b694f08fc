"""One run of a step or pipeline on one exposure. All of its state lives here; nothing of it stays on the steps."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe import backends
from gpipe.backends import Backend
from gpipe.controller import events, logs, provenance
from gpipe.controller.hooks import apply_hooks
from gpipe.controller.miri import is_miri
from gpipe.controller.naming import OutputSettings
from gpipe.controller.references import Resolution, resolve
from gpipe.controller.results import Produced, References, SideProduct, Skip
from gpipe.controller.saving import Saver, check_folder
from gpipe.controller.step import Step
from gpipe.datamodels import Header, InFlight, SuperstripeRamp, crds_parameters, open_exposure, read_header, to_model
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
        self.steps = top.plan(header.meta)
        self.saver = Saver(header.name if os.path.exists(header.name) else header.meta.filename)

    def run(self, backend: str | Backend | None) -> Any:
        """Refuse or do the work."""
        place = self.origin.backend if backend is None and self.origin else backends.get(backend)
        everyone = [self.top, *(step for step in self.steps if step is not self.top)]
        _log_parameters(everyone)
        if self.top.skip and self.top.substeps():
            log.warning("%s: skip has no effect on a pipeline", self.top.name)
        for step in everyone:
            if _levels(step)[0].saves and not self._skips(step):
                check_folder(_levels(step))
        self.resolution = self._resolve()
        self._check()
        return self._finish(self._through_all([open_exposure(self.header, place)]))

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

    def _through_all(self, exposures: list[Any]) -> list[Any]:
        # Lists are emptied as they are worked through, so that no array outlives the step that replaces it.
        if self.top.substeps():
            exposures = [apply_hooks(self.top, "pre_hooks", exposures.pop(0)) for _ in range(len(exposures))]
        for position, step in enumerate(self.steps, 1):
            events.emit(events.StepStarted(step.name, position, len(self.steps)))
            started = time.perf_counter()
            for product in self.top.products_before(step.name, exposures[0]):
                self._save_side_product(self.top, product)
            after: list[Any] = []
            while exposures:
                after += self._through(step, exposures.pop(0))
            exposures = after
            _tell(step, started, exposures[0])
        if self.top.substeps():
            exposures = [apply_hooks(self.top, "post_hooks", exposures.pop(0)) for _ in range(len(exposures))]
        return exposures

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
            if not isinstance(exposure, step.accepts):
                kinds = " or ".join(kind.__name__ for kind in step.accepts)
                raise Skip(f"found a {type(exposure).__name__}, expected a {kinds}", logging.INFO)
            if absent := self._absent(step):
                raise Skip(f"no {' and no '.join(absent)} reference applies to this exposure")
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
            if not model.hasattr("cal_logs"):
                model.cal_logs = {}
            setattr(model.cal_logs, alias, list(self.records))
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
    expected = step.expects if is_miri(meta) else (*step.expects, *step.expects_near_infrared)
    missing = [slot for slot in expected if getattr(meta.cal_step, slot, None) is None]
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
