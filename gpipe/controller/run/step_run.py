"""One step on a whole exposure, with what belongs to it: hooks, status, provenance, saving."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from gpipe.controller.declaration.results import Produced, References, Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.run.hooks import RunStep, apply_hooks
from gpipe.controller.run.record import COMPLETE, SKIPPED, RunRecord, warn_of_predecessors
from gpipe.datamodels import Superstripes
from gpipe.exceptions import GpipeError

log = logging.getLogger(__name__)


def through_step(step: StepBase, exposure: Any, record: RunRecord, run_step: RunStep) -> tuple[Any, ...]:
    """Return the results of a step; the exposure as it is where the step is skipped. ``run_step`` runs hooks."""
    if record.skips(step):
        log.info("Step %s skipped", step.name)
        record.add_step(step, [exposure], SKIPPED)
        return (exposure,)
    log.info("Step %s running", step.name)
    warn_of_predecessors(step, exposure.meta)
    exposure = apply_hooks(step, "pre_hooks", exposure, run_step)
    produced, status = _applied(step, exposure, record)
    del exposure
    results = tuple(apply_hooks(step, "post_hooks", result, run_step) for result in produced.results)
    record.add_step(step, results, status)
    for product in produced.side_products:
        record.add_step(step, [product.model], status)
        record.save_side_product(step, product)
    if record.saves(step):
        record.save(step, results)
    if status == COMPLETE:
        log.info("Step %s done", step.name)
    return results


def _applied(step: StepBase, exposure: Any, record: RunRecord) -> tuple[Produced, str]:
    """The step's results, or the exposure as it is when the step does not apply to it."""
    try:
        record.refuse(step, type(exposure), exposure.meta)
        outcome = _outcome(step, exposure, record.references(step))
    except Skip as skip:
        log.log(skip.level, "Step %s skipped: %s", step.name, skip.reason)
        return Produced((exposure,)), SKIPPED
    except GpipeError:
        raise
    except Exception as error:
        error.add_note(f"in step {step.name} of gpipe, on {exposure.meta.filename}")
        raise
    return (outcome if isinstance(outcome, Produced) else Produced((outcome,))), COMPLETE


def _outcome(step: StepBase, exposure: Any, references: References) -> Any:
    """What the step makes of the exposure; superstripes go through one by one unless the step wants them together."""
    if isinstance(exposure, Superstripes) and not step.takes_superstripes_whole:
        apply: Callable[[Any], Any] = partial(step.apply, references=references)
        return exposure.map(apply)
    return step.apply(exposure, references)
