"""Command line of strun: what it runs, on what, with which parameters."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gpipe.batch import run
from gpipe.batch.choice import class_in_file, named_class
from gpipe.batch.settings import SettledParameters
from gpipe.cli.options import Given, check_names, given, options_in
from gpipe.controller import Step
from gpipe.controller.call import CallOptions
from gpipe.exceptions import InputError


@dataclass(frozen=True)
class StrunLine:
    """A command line of strun.

    Attributes
    ----------
    what : its first word, the name of a class or a parameter file.
    cls : the pipeline or step.
    config_file : the parameter file; None for a name.
    inputs : the other words.
    values : of the parameters.
    uses_crds_parameters : whether parameter files of CRDS count.
    """

    what: str
    cls: type[Step]
    config_file: Path | None
    inputs: Sequence[str]
    values: Given
    uses_crds_parameters: bool = True

    @property
    def paths(self) -> list[str]:
        """The inputs; those without a folder are in ``input_dir``."""
        folder = self.values.parameters.get("input_dir") or ""
        return [path if os.path.dirname(path) else os.path.join(folder, path) for path in self.inputs]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the whole; of an input the results are saved whatever the command line says."""
        return {**self.values.parameters, **({"save_results": True} if self.inputs else {})}

    def settled(self, path: str | None) -> SettledParameters:
        """Return all parameters as a run would use them; None leaves out what CRDS recommends for an exposure."""
        how = CallOptions(
            self.parameters,
            self.values.steps,
            self.config_file,
            uses_crds_parameters=self.uses_crds_parameters,
        )
        return SettledParameters(self.cls, path, how)

    def save_parameters(self, path: str) -> None:
        """Write the parameters to a file, with the template of metadata that a delivery to CRDS needs."""
        self.settled(next(iter(self.paths), None)).step.export_config(path, include_metadata=True)

    def run(self, logcfg: Any) -> None:
        """Calibrate the exposure and write its products. GpipeError: as of a call; InputError: it is not one input."""
        if len(self.inputs) != 1:
            found = " and ".join(self.inputs) or "no exposure"
            raise InputError(f"found {found}, expected one exposure or association; gpipe run takes several")
        report = run(
            self.paths,
            pipeline=self.cls,
            steps=self.values.steps,
            config_file=self.config_file,
            logcfg=logcfg,
            uses_crds_parameters=self.uses_crds_parameters,
            **self.parameters,
        )
        report.raise_errors()


def read_line(arguments: Sequence[str], *, uses_crds_parameters: bool = True) -> StrunLine:
    """Read the words of a command line that are no options of the command itself.

    click.UsageError: an option is none, has no value, or there is nothing to run. ParameterError: there is no such
    class, or a parameter is wrong.
    """
    options, names = options_in(arguments)
    check_names(names)
    if not names:
        raise click.UsageError("found no pipeline or step, expected its name or a parameter file")
    what, *inputs = names
    file = Path(what) if Path(what).is_file() else None
    cls = class_in_file(file) if file else named_class(what)
    return StrunLine(what, cls, file, inputs, given(cls, (), options), uses_crds_parameters)
