"""Classes to derive steps and pipelines from, and the status of steps, under the names that jwst has for them."""

from collections.abc import Iterable
from typing import Any

from gpipe.controller import Pipeline, Step
from gpipe.exceptions import ParameterError

__all__ = ["Pipeline", "Step", "query_step_status", "record_step_status"]

STATUSES = ("COMPLETE", "SKIPPED", "FAILED")
NOT_SET = "NOT SET"


def record_step_status(model: Any, cal_step: str, success: bool = True, status: str | None = None) -> None:
    """Record in ``meta.cal_step`` of a model, or of each in a list, what a step did.

    Parameters
    ----------
    cal_step : place of the step in ``meta.cal_step``.
    success : False for FAILED, where ``status`` is not given.
    status : COMPLETE, SKIPPED or FAILED. ParameterError: another one.
    """
    found = status or ("COMPLETE" if success else "FAILED")
    if found not in STATUSES:
        raise ParameterError.at("status", repr(found), ", ".join(STATUSES))
    for one in _models(model):
        one.meta.cal_step.instance[cal_step] = found


def query_step_status(model: Any, cal_step: str) -> str:
    """Return the status of a step in a model, or in the first of a list; ``NOT SET`` where it has none."""
    first = next(iter(_models(model)))
    return str(getattr(first.meta.cal_step, cal_step, None) or NOT_SET)


def _models(model: Any) -> Iterable[Any]:
    return model if isinstance(model, list | tuple) else (model,)
