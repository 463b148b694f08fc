"""Absent references: what it means for a step that CRDS, or a user, says N/A for a reference that it needs.

``missing_reference`` of the step decides: the step is skipped with a warning, or the run is refused. A reference that
should be there and cannot be found or read is an error in any case: see `resolution`.
"""

from collections.abc import Iterable

from gpipe.controller.declaration.results import References, Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.exceptions import ReferenceFileError


def absent_references(step: StepBase, references: References) -> list[str]:
    """References that do not apply to the exposure and that the step cannot do without."""
    return [t for t in references if references.get(t) is None and t not in step.optional_references]


def skip_without(step: StepBase, references: References) -> None:
    """Raise `Skip` for a step that lacks a reference."""
    if absent := absent_references(step, references):
        raise Skip(f"no {' and no '.join(absent)} reference applies to this exposure")


def refuse_without(needs: Iterable[tuple[StepBase, References]]) -> None:
    """Raise one ReferenceFileError for all steps that lack a reference and must not be skipped for it."""
    problems = []
    for step, references in needs:
        absent = absent_references(step, references)
        if absent and step.missing_reference == "error":
            problems.append(f"{step.name}: found N/A as {' and '.join(absent)} reference, expected a file")
    if problems:
        raise ReferenceFileError("\n".join(problems))
