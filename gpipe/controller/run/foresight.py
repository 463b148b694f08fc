"""Facts of a plan that nobody needs to work on an exposure: collected for people who read it."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.plan.facts import ExposureFacts, Fewer, PlannedProduct, PlannedReference, PlannedStep
from gpipe.controller.plan.run_plan import RunPlan
from gpipe.controller.references.absent import absent_references
from gpipe.controller.run.record import RunRecord
from gpipe.datamodels import Header, Outline, Ramp
from gpipe.datamodels.exposures.planes import nbytes
from gpipe.datamodels.exposures.rate import Rate
from gpipe.exceptions import ParameterError

LIMITS = [digit * 10**power for power in (7, 8, 9, 10) for digit in (1, 2, 3, 4, 5, 6, 8)]
"""Limits of memory that a person would type."""
WORTH_IT = 0.7
"""A limit is worth a word if it is less than this part of what the arrays take without one."""


def exposure_facts(header: Header) -> ExposureFacts:
    """Collect what the header says of an exposure."""
    meta = header.meta
    return ExposureFacts(
        meta.instrument.name or "",
        meta.instrument.detector or "",
        meta.subarray.name or "",
        meta.exposure.readpatt or "",
        _size(header.name),
    )


def planned_steps(steps: Iterable[StepBase], outline: Outline, record: RunRecord) -> tuple[PlannedStep, ...]:
    """List the steps in order, with the reasons of those that will leave the exposure as it is."""
    return tuple(PlannedStep(step.name, _reason(step, outline, record)) for step in steps)


def _reason(step: StepBase, outline: Outline, record: RunRecord) -> str | None:
    meta = outline.meta
    if record.skips(step):
        origin = step.origin("skip")
        return "skipped by default" if str(origin) == "default" else f"skip=True, {origin}"
    if record.is_unwanted(step):
        return "nobody gets its product"
    if not step.is_for(meta):
        return f"for {' and '.join(step.instruments)} only"
    references = record.references(step)
    if absent := absent_references(step, references):
        return f"no {' and no '.join(absent)} reference"
    return step.reason_to_skip(outline, references)


def planned_products(
    top: StepBase, steps: Sequence[StepBase], header: Header, record: RunRecord
) -> tuple[PlannedProduct, ...]:
    """List the files that a run will write, with estimates of their sizes."""
    size_of = _sizes(steps, header, record)
    found = []
    for step in dict.fromkeys((top, *steps)):
        for path, suffix in record.expected_files(step, header):
            size = size_of(step, suffix) if "*" not in path.name else None
            found.append(PlannedProduct(path, size, _date(path)))
    return tuple(found)


def _sizes(steps: Sequence[StepBase], header: Header, record: RunRecord) -> Callable[[StepBase, str | None], int]:
    """Return the estimate of a product of a step: of a ramp before the fit, of rates after it."""
    if header.kind is not Ramp:
        return lambda step, suffix: header.nbytes
    fits = next((n for n, step in enumerate(steps) if step.makes and record.runs(step)), len(steps))
    frame, frames = (nbytes(Rate.planes, {axis: header.sizes[axis] for axis in axes}) for axes in ("yx", "iyx"))

    def size(step: StepBase, suffix: str | None) -> int:
        place = steps.index(step) if step in steps else len(steps) - (suffix != "ramp")
        if place < fits or suffix == "ramp":
            return header.nbytes
        return frames if (suffix or "").endswith("ints") else frame

    return size


def planned_references(steps: Iterable[StepBase], record: RunRecord) -> tuple[PlannedReference, ...]:
    """List the references that steps will use, each once."""
    users: dict[tuple[str, str], list[str]] = {}
    paths: dict[tuple[str, str], Path | None] = {}
    for step in (step for step in steps if not record.skips(step)):
        references = record.references(step)
        for reftype in references:
            if (reference := references.get(reftype)) is not None:
                key = (reftype, reference.name)
                users.setdefault(key, []).append(step.name)
                paths[key] = reference.path
    return tuple(
        PlannedReference(reftype, name, tuple(used), paths[reftype, name], _size(paths[reftype, name]))
        for (reftype, name), used in users.items()
    )


def fewer(plan: RunPlan, planned_with: Callable[[int], RunPlan]) -> Fewer | None:
    """Find the least limit that would do; None where the run takes little more than that, or is on a device."""
    if plan.backend != "numpy":
        return None
    for limit in LIMITS:
        if limit > WORTH_IT * plan.arrays:
            return None
        with suppress(ParameterError):
            found = planned_with(limit)
            return Fewer(limit, max(planned.count for planned in found.sections))
    return None


def _size(path: Any) -> int | None:
    try:
        return os.stat(path).st_size
    except (OSError, TypeError, ValueError):
        return None


def _date(path: Path) -> Any:
    with suppress(OSError):
        return datetime.fromtimestamp(os.stat(path).st_mtime, UTC).astimezone().date()
    return None
