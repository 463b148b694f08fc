"""Parameters on the command line: ``-s jump.rejection_threshold=5``, ``--jump.rejection_threshold 5``,
``--steps.jump.rejection_threshold=5``, and short forms for the commonest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from gpipe.controller import Step
from gpipe.controller.parameters import List
from gpipe.controller.parameters.types import unknown_name
from gpipe.exceptions import ParameterError


@dataclass
class Given:
    """Values that a command line gives to a pipeline or step, and to its steps by name; texts, or lists of texts."""

    parameters: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, step: str | None, name: str, value: Any) -> None:
        """Set a parameter of a step, or of the whole."""
        (self.parameters if step is None else self.steps.setdefault(step, {}))[name] = value


def given(
    cls: type[Step],
    assignments: Iterable[str],
    *,
    skipped: Iterable[str] = (),
    saved: Iterable[str] = (),
    overrides: Iterable[str] = (),
) -> Given:
    """Collect the values of a command line. The declared parameter of each name says what its text means.

    Parameters
    ----------
    assignments : texts like ``jump.rejection_threshold=5``, for the whole without the step.
    skipped, saved : names of steps.
    overrides : texts like ``gain=my_gain.fits``; every step that uses the type gets the file.

    Raises
    ------
    ParameterError
        A text is no assignment, the whole has no such parameter, or no step uses a reference type.
    """
    found = Given()
    for text in assignments:
        path, value = _halves(text, "STEP.PARAMETER=VALUE")
        step, _, name = path.removeprefix("steps.").rpartition(".")
        if not step and name not in cls.parameters():
            raise ParameterError(unknown_name(cls.__name__, name, cls.parameters()))
        found.put(step or None, name, _value(cls, step, name, value))
    for step in skipped:
        found.put(step, "skip", True)
    for step in saved:
        found.put(step, "save_results", True)
    for text in overrides:
        reftype, file = _halves(text, "TYPE=FILE")
        for step_name in _users(cls, reftype):
            found.put(step_name, f"override_{reftype}", file)
    return found


def assignments_in(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split arguments into assignments (``--jump.skip true``, ``--jump.skip=true``) and the others, in order.

    An option with a point in its name is a parameter of a step. UsageError: its value is missing.
    """
    assignments, others = [], []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not (name.startswith("--") and "." in name):
            others.append(argument)
            continue
        if not equals:
            value = next(rest, "")
            if not value or value.startswith("--"):
                raise click.UsageError(f"{name}: found no value, expected one")
        assignments.append(f"{name[2:]}={value}")
    return assignments, others


def _halves(text: str, expected: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip()):
        raise ParameterError(f"found {text!r}, expected {expected}")
    return name.strip(), value


def _value(cls: type[Step], step: str, name: str, text: str) -> Any:
    owner = _substeps(cls).get(step) if step else cls
    declared = owner.parameters().get(name) if owner else None
    if text == "None":
        return None
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(declared, List) else text


def _users(cls: type[Step], reftype: str) -> list[str | None]:
    """The names of the steps that use a reference type; None for the step itself."""
    substeps = _substeps(cls)
    users: list[str | None] = [name for name, step in substeps.items() if reftype in step.reference_file_types]
    if reftype in cls.reference_file_types:
        users.append(None)
    if not users:
        known = {known for step in (cls, *substeps.values()) for known in step.reference_file_types}
        raise ParameterError(unknown_name("--override", reftype, known))
    return users


def _substeps(cls: type[Step]) -> Mapping[str, Any]:
    found = dict(cls.substeps())
    return {**found, **{synonym: found[name] for synonym, name in cls.step_synonyms.items()}}
