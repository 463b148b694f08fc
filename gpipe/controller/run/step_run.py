"""One step in one run: its life from the look at `skip` to its files, whether the exposure is cut or not."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.controller.declaration.companions import Companions
from gpipe.controller.declaration.results import Produced, References, SideProduct, Skip
from gpipe.controller.declaration.step_base import StepBase, work_of
from gpipe.controller.declaration.work import Work, with_separate_metadata
from gpipe.controller.run.chunks import Stage, Summary, named_in_errors, summary_of
from gpipe.controller.run.record import COMPLETE, SKIPPED, RunRecord
from gpipe.controller.run.tally import Tally
from gpipe.controller.run.user_code.hooks import RunStep, apply_hooks
from gpipe.controller.run.user_code.own_process import processed
from gpipe.datamodels import Described, Exposure, Ramp
from gpipe.datamodels.exposures.composite import Composite
from gpipe.exceptions import GpipeError

log = logging.getLogger(__name__)

NO_SUMMARY: Summary = {}


class StepRun:
    """One step on one exposure.

    Its life: `start` (skip? log, predecessors), on a whole exposure `before` (hooks) and `summarize`, then `begin`,
    chunks, and `close` (the end of the work, record, hooks, side products, results).

    Attributes
    ----------
    status : empty before it has started, COMPLETE while it works and after, else SKIPPED.
    stage : the step at work; None where it does not.
    found : numbers that the step has found, when it has ended.
    skipped : why the step skipped itself; None where it did not.
    """

    def __init__(
        self, step: StepBase, record: RunRecord, run_step: RunStep, halo: int = 0, kind: type[Exposure] = Ramp
    ) -> None:
        self.step, self._record, self._run_step, self._halo, self._kind = step, record, run_step, halo, kind
        self.status = ""
        self.stage: Stage | None = None
        self.found: Mapping[str, int] = {}
        self.skipped: Skip | None = None
        self._summary: Summary | None = None
        self._whole: type[Exposure] | None = None

    @property
    def is_off(self) -> bool:
        """True where a parameter skips the step; then nothing of it happens but its record."""
        return self._record.skips(self.step)

    def start(self, meta: Any) -> None:
        """Log that the step runs, and which steps should have run before."""
        self.status = SKIPPED
        if not self.is_off:
            log.debug("Step %s running", self.step.name)
        if not self.is_off and self.step.is_for(meta):
            self._record.warn_of_predecessors(self.step, meta)
        self._record.begun(self.step)

    def before(self, exposure: Any) -> Any:
        """The exposure, which the step gets whole, after the hooks before it."""
        exposure = self._hooked("pre_hooks", exposure)
        self._whole = type(exposure)
        return exposure

    def summarize(self, exposure: Any) -> Summary:
        """Summarize an exposure that is not cut, where the step can work on it and needs that."""
        is_summarized = self.step.cut.summary and not self._record.processes(self.step)
        if self.is_off or not is_summarized or not isinstance(exposure, self.step.kinds()):
            return NO_SUMMARY
        with named_in_errors(self.step.name, exposure):
            return summary_of(exposure, self.step.summarize)

    def begin(self, outline: Described, summary: Summary = NO_SUMMARY) -> None:
        """Prepare the work on an exposure; anew only where the summary is another one than before."""
        if self.is_off or self._summary is summary:
            return
        self._summary = summary
        try:
            with named_in_errors(self.step.name, outline):
                self._record.refuse(self.step, self._whole or self._kind, outline.meta)
                self.stage = self._begun(outline, summary)
        except Skip as skip:
            self._skip(skip)
        else:
            self.status, self.skipped = COMPLETE, None
            if self.stage.work.skipped:
                self._tell(self.stage.work.skipped)

    def close(self, results: Sequence[Any], tally: Tally | None) -> list[Any]:
        """End the work and give what comes of the hooks on its results; everything is recorded and saved.

        ``tally`` is what chunks leave beside the results, None where the step has not begun.
        """
        products = tally.side_products if tally else ()
        with named_in_errors(self.step.name, results[0]):
            self.end(tally.counts if tally else {})
        self.record((*results, *(product.model for product in products)))
        self.status = self._record.status_in(results[0].meta, self.step, self.status)
        results = [self._hooked("post_hooks", result) for result in with_separate_metadata(results)]
        self.save_side_products(products)
        self.save(results)
        return results

    def end(self, counts: Mapping[str, Any]) -> None:
        """End the work with the counts of the whole exposure."""
        if self.stage:
            self.found = self.stage.work.end(counts) or {}

    def record(self, products: Sequence[Any]) -> None:
        """Record in the metadata what the step did; this is before hooks, which see it."""
        self._record.add_step(self.step, products, self.status)

    def save_side_products(self, products: Sequence[SideProduct]) -> None:
        """Write the files that parameters ask for."""
        for product in products:
            self._record.save_side_product(self.step, product)

    def save(self, results: Sequence[Any]) -> None:
        """Write the results, if the step is one of a pipeline and they are asked for."""
        lacks_product = self.status == SKIPPED and self._record.top.makes_own_product(self.step.name)
        if self._record.saves(self.step) and not lacks_product:
            self._record.save(self.step, results)

    def _begun(self, outline: Described, summary: Summary) -> Stage:
        references, companions = self._record.references(self.step), self._record.with_companions(self.step)
        if self._record.processes(self.step):
            work = Work(partial(processed, self.step))
        elif self._whole and issubclass(self._whole, Composite) and not issubclass(self._whole, self.step.kinds()):
            work = on_pieces(self.step, references, **companions)
        else:
            work = work_of(self.step, outline, references, summary, **companions)
        self._record.change_companions(work.companions)
        apply = partial(self._on_whole, work.apply) if self._whole else work.apply
        return Stage(self.step.name, replace(work, apply=apply), self._halo)

    def _on_whole(self, apply: Callable[[Any], Any], exposure: Any) -> Any:
        """Apply the step to an exposure that is not cut: it may skip itself still, or change companions."""
        try:
            outcome = apply(exposure)
        except Skip as skip:
            self._skip(skip)
            return exposure
        if isinstance(outcome, Produced) and outcome.companions:
            self._record.change_companions(outcome.companions)
            return replace(outcome, companions={})
        return outcome

    def _skip(self, skip: Skip) -> None:
        self._tell(skip)
        self.stage = None

    def _tell(self, skip: Skip) -> None:
        # What is no warning stands in the line of the step's end.
        level = skip.level if skip.level > logging.INFO else logging.DEBUG
        log.log(level, "Step %s skipped: %s", self.step.name, skip.reason)
        self.status, self.skipped = SKIPPED, skip

    def _hooked(self, parameter: str, exposure: Any) -> Any:
        if self.is_off or (self._record.inner and self.step is self._record.top):
            return exposure
        return apply_hooks(self.step, parameter, exposure, self._run_step)


def on_pieces(step: Any, references: References, **companions: Companions) -> Work:
    """Work of a step on each piece of a composite; it has found what it found in all of them."""
    found: Counter[str] = Counter()

    def one(piece: Any) -> Any:
        work = work_of(step, piece, references, step.summarize(piece), **companions)
        adding = replace(work, end=lambda counts: found.update(work.end(counts) or {}))
        return _only(adding.whole(piece), step)

    return Work(lambda composite: composite.map(one), end=lambda _: found)


def _only(outcome: Any, step: StepBase) -> Any:
    """Return the result of a step on a piece. GpipeError: it made something else, which a composite cannot hold."""
    produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
    if len(produced.results) > 1 or produced.side_products or produced.companions:
        raise GpipeError(f"step {step.name}: found several products of a piece of an exposure, expected one exposure")
    return produced.results[0]
