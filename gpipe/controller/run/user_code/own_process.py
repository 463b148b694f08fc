"""Subclasses with a ``process`` of their own, as scripts for jwst write them: it works on models, within a usual run.

The run around it does all else: parameters, references that the class declares, log, hooks, status, products. Steps of
a pipeline that ``process`` runs (``self.jump.run(model)``) take from it the backend, the limits and the names of
products.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.results import Produced
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.products.background_writer import written_at_once
from gpipe.controller.products.saving import Saver
from gpipe.datamodels import open_exposure, to_model
from gpipe.exceptions import GpipeError, InputError


@dataclass(frozen=True)
class Surroundings:
    """Facts of a run for those that are made within its ``process``.

    Attributes
    ----------
    top : the step or pipeline whose ``process`` it is.
    backend, max_memory : where and within which limits it works.
    saver : gives the names of its products.
    records : lines of its log so far; they grow.
    """

    top: StepBase
    backend: Backend
    max_memory: Any
    saver: Saver
    records: Sequence[str]


_around: ContextVar[Surroundings | None] = ContextVar("around", default=None)


def surroundings_of(step: StepBase) -> Surroundings | None:
    """Find the run in whose ``process`` a step is now: its own, or that of its pipeline; None outside of one."""
    found = _around.get()
    return found if found and found.top in (step, step.parent) else None


@contextmanager
def surrounded(found: Surroundings) -> Iterator[None]:
    """Within the block runs of the same step, or of steps of the same pipeline, find these surroundings."""
    token = _around.set(found)
    try:
        yield
    finally:
        _around.reset(token)


def processed(step: StepBase, exposure: Any) -> Produced:
    """Give an exposure to the ``process`` of a step, as a model that it may change.

    GpipeError: it returns something else than a model of an exposure, or several.
    """
    model = to_model(exposure).copy()
    _forget_failure(model, step)
    with written_at_once(), step.at_work():
        returned = step.process(model)
    results = returned if isinstance(returned, list | tuple) else (returned,)
    return Produced(tuple(_exposure(step, result, exposure.backend) for result in results))


def _forget_failure(model: Any, step: StepBase) -> None:
    """Take out a SKIPPED or FAILED of an earlier run: one that is there after ``process`` is then its own."""
    statuses = getattr(model.meta, "cal_step", None)
    if getattr(statuses, step.cal_step, None) in ("SKIPPED", "FAILED"):
        setattr(statuses, step.cal_step, None)


def _exposure(step: StepBase, result: Any, backend: Backend) -> Any:
    try:
        return open_exposure(result, backend)
    except InputError as error:
        raise GpipeError(f"{step.label}.process: wrong result: {error}") from None
