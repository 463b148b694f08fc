"""Absent references: the consequence for a step if CRDS, or a user, says N/A for a reference that it needs.

``Ref.missing`` decides: the step is skipped with a warning, or the run is refused. A reference that should be there and
cannot be found or read is an error in any case: see `resolution`.
"""

from collections.abc import Iterable

from gpipe.controller.declaration.ref import Ref
from gpipe.controller.declaration.results import References, Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.references.problems import in_one_line
from gpipe.exceptions import ReferenceFileError


def absent_references(step: StepBase, references: References) -> list[str]:
    """List the references that do not apply to the exposure and that the step cannot do without."""
    return [ref.type for ref in step.references if ref.type in references and _lacks(references, ref)]


def must_not_lack(step: StepBase, references: References) -> list[str]:
    """List those of the absent references for which the run is refused."""
    absent = absent_references(step, references)
    return [ref.type for ref in step.references if ref.type in absent and ref.missing == "error"]


def skip_without(step: StepBase, references: References) -> None:
    """Raise `Skip` for a step that lacks a reference."""
    if absent := absent_references(step, references):
        raise Skip(f"no {' and no '.join(absent)} reference applies to this exposure")


def refuse_without(needs: Iterable[tuple[StepBase, References]]) -> None:
    """Raise one ReferenceFileError for all steps that lack a reference and must not be skipped for it."""
    problems = [
        f"{step.name}: found N/A as {' and '.join(absent)} reference, expected a file"
        for step, references in needs
        if (absent := must_not_lack(step, references))
    ]
    if problems:
        raise ReferenceFileError(in_one_line(problems))


def _lacks(references: References, ref: Ref) -> bool:
    return references.get(ref.type) is None and not ref.optional
