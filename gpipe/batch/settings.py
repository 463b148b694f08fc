"""Parameters that a pipeline would use for a file, with the origin of each value."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gpipe.controller import Step
from gpipe.controller import call as calling
from gpipe.controller.call import CallOptions
from gpipe.controller.parameters.origins import DEFAULT, Origin, Settings
from gpipe.controller.parameters.types import unknown_name
from gpipe.exceptions import ParameterError


@dataclass(frozen=True)
class Row:
    """A parameter.

    Attributes
    ----------
    name : with its step (``"jump.rejection_threshold"``), of the whole without.
    unit, meaning, allowed : as declared.
    """

    name: str
    value: Any
    origin: Origin
    unit: str
    meaning: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value!r}{f' {self.unit}' if self.unit else ''} ({self.origin}): {self.meaning}"


class SettledParameters:
    """Parameters of a pipeline or step for one file, or without a file.

    Parameters
    ----------
    cls : the pipeline or step.
    source : what it calibrates, so that parameter files of CRDS count; None leaves them out.
    options : what a user gives.
    """

    def __init__(self, cls: type[Step], source: str | os.PathLike[str] | None, options: CallOptions) -> None:
        self.step, self._layers = calling.settled(cls, source, options)

    def rows(self, *, changed: bool = False) -> list[Row]:
        """List the parameters in the order of steps; ``changed`` leaves out those with their default."""
        found = [row for step in (self.step, *self.step.substeps()) for row in self._rows_of(step)]
        return [row for row in found if not (changed and row.origin == DEFAULT)]

    def row(self, name: str) -> Row:
        """Find a parameter by its name with the step. ParameterError: there is none."""
        rows = {row.name: row for row in self.rows()}
        if name not in rows:
            of_the_step = [known for known in rows if known.rpartition(".")[0] == name.rpartition(".")[0]]
            raise ParameterError(unknown_name(type(self.step).__name__, name, of_the_step or self.step.substeps()))
        return rows[name]

    def chain(self, name: str) -> list[tuple[Origin, Any]]:
        """List all values that something says for a parameter, the one that counts first, its default last."""
        step, _, parameter = name.rpartition(".")
        self.row(name)
        said = [(layer.origin, layer.values[parameter]) for layer in self._of_step(step) if parameter in layer.values]
        owner = self.step if not step else self.step.steps[step]
        return [*reversed(said), (DEFAULT, type(owner).parameters()[parameter].default())]

    def _rows_of(self, name: Any) -> Iterator[Row]:
        step = self.step if name is self.step else self.step.steps[name]
        for parameter, declared in type(step).parameters().items():
            yield Row(
                name=parameter if step is self.step else f"{name}.{parameter}",
                value=getattr(step, parameter),
                origin=step.origin(parameter),
                unit=declared.unit,
                meaning=declared.help,
                allowed=declared.allowed(),
            )

    def _of_step(self, name: str) -> Sequence[Settings]:
        if not name:
            return self._layers
        synonyms = type(self.step).step_synonyms
        return [inner for layer in self._layers for key, inner in layer.steps.items() if synonyms.get(key, key) == name]
