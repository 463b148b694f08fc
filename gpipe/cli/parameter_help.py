"""Help of a pipeline or step: its parameters as options, grouped by step."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from gpipe.batch.settings import Row, SettledParameters
from gpipe.cli.strun_line import StrunLine
from gpipe.controller import Step
from gpipe.controller.parameters import Parameter
from gpipe.controller.parameters.origins import DEFAULT

Entries = list[tuple[str, str]]

COMMON: Mapping[str, Parameter] = Step.parameters()
FIRST_COLUMN = 48
NOTE = "* marks what is not the usual default. The log and other options of the command: gpipe strun -h"


def parameter_help(line: StrunLine) -> str:
    """Describe the parameters of a command line's pipeline or step, with the values that it would use.

    Those that all steps have are told once, and again only for a step whose own default, or value, is another one. The
    name of a step among the inputs leaves out the other steps; for an exposure the values of CRDS count, too.
    """
    steps = _steps(line)
    exposure = next((path for path in line.paths if Path(path).is_file()), None)
    settled = line.settled(exposure)
    formatter = click.HelpFormatter(width=120)
    formatter.write_usage(f"gpipe strun {line.what}", "[OPTIONS] INPUT")
    documented = line.cls.substeps()[steps[0]] if len(steps) == 1 else line.cls
    formatter.write_paragraph()
    formatter.write_text((inspect.getdoc(documented) or "").partition("\n\n")[0])
    for title, entries in _sections(settled, steps, only=len(steps) == 1):
        with formatter.section(title):
            formatter.write_dl(entries, col_max=FIRST_COLUMN)
    formatter.write_paragraph()
    formatter.write_text(NOTE)
    return formatter.getvalue().rstrip()


def _steps(line: StrunLine) -> list[str]:
    """The steps to tell of: one that is named where inputs are, or all."""
    names = [line.cls.step_synonyms.get(name, name) for name in line.inputs]
    return [name for name in names if name in line.cls.substeps()][:1] or [*line.cls.substeps()]


def _sections(settled: SettledParameters, steps: list[str], *, only: bool) -> Iterator[tuple[str, Entries]]:
    """Titles, and the parameters below each."""
    rows = settled.rows()
    if not only:
        whole = [row for row in rows if "." not in row.name]
        if own := [_entry(row) for row in whole if row.name not in COMMON]:
            yield type(settled.step).alias, own
        of_each = " (of each step: --steps.STEP.NAME)" if steps else ""
        yield f"Input and output{of_each}", [_entry(row) for row in whole if row.name in COMMON]
    for step in steps:
        of_step = [row for row in rows if row.name.rpartition(".")[0] == step]
        told = [_entry(row) for row in of_step if only or _last(row) not in COMMON or _is_changed(row)]
        yield step, told or [("", "no parameters of its own")]


def _entry(row: Row) -> tuple[str, str]:
    """The option of a parameter and its description."""
    name = f"--steps.{row.name}" if "." in row.name else f"--{row.name}"
    value = f"{row.value!r}{f' {row.unit}' if row.unit else ''}"
    origin = "" if row.origin == DEFAULT else f", {row.origin}"
    return f"{'* ' if _is_changed(row) else ''}{name}", f"{row.meaning}  [{value}{origin}]"


def _is_changed(row: Row) -> bool:
    """Tell whether something gives the value, or a step declares another default for what all steps have."""
    name = _last(row)
    return row.origin != DEFAULT or (name in COMMON and row.value != COMMON[name].default())


def _last(row: Row) -> str:
    return row.name.rpartition(".")[2]
