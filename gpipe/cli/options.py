"""Parameters on the command line: ``-s jump.rejection_threshold=5``, ``--jump.rejection_threshold 5``,
``--steps.jump.rejection_threshold=5``, and short forms for the commonest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from gpipe.controller import Step
from gpipe.controller.parameters import List
from gpipe.controller.parameters.types import nearest, unknown_name
from gpipe.exceptions import ParameterError
from gpipe.pipeline.catalog import available


@dataclass(frozen=True)
class Option:
    """A parameter as an option: ``--jump.skip=true``, ``--jump.skip true``; the value is None where there is none."""

    name: str
    value: str | None


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
    options: Iterable[Option] = (),
    *,
    skipped: Iterable[str] = (),
    saved: Iterable[str] = (),
    overrides: Iterable[str] = (),
) -> Given:
    """Collect the values of a command line. The declared parameter of each name says what its text means.

    Parameters
    ----------
    assignments : texts like ``jump.rejection_threshold=5``, for the whole without the step.
    options : the same as options.
    skipped, saved : names of steps.
    overrides : texts like ``gain=my_gain.fits``; every step that uses the type gets the file.

    Raises
    ------
    ParameterError
        A text is no assignment, the whole has no such parameter, or no step uses a reference type.
    click.UsageError
        The whole has no parameter of an option's name, or the value is missing.
    """
    found, options = Given(), list(options)
    check_options(options, [cls])
    pairs = [_halves(text, "STEP.PARAMETER=VALUE") for text in assignments]
    for path, value in [*pairs, *((option.name, option.value or "") for option in options)]:
        step, _, name = path.removeprefix("steps.").rpartition(".")
        if not step and name not in cls.parameters():
            raise ParameterError(unknown_name(cls.__name__, name, cls.parameters()))
        if step and name == "class":
            raise ParameterError(f"{path}: found {value!r}; the class of a step is chosen in Python only (step_defs)")
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


def options_in(arguments: Sequence[str]) -> tuple[list[Option], list[str]]:
    """Split arguments into parameters (``--jump.skip true``, ``--jump.skip=true``) and the others, in order."""
    options, others = [], []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if not argument.startswith("--"):
            others.append(argument)
            continue
        name, equals, value = argument.removeprefix("--").partition("=")
        if not equals and waiting and not waiting[0].startswith("--"):
            equals, value = "=", waiting.pop(0)
        options.append(Option(name, value if equals else None))
    return options, others


def check_names(names: Iterable[str]) -> None:
    """Refuse an option among the names of files. UsageError: there is one."""
    for name in names:
        if name.startswith("-") and name != "-":
            raise click.UsageError(f"No such option: {name}")


def names_in(arguments: Sequence[str]) -> tuple[list[Option], list[str]]:
    """Split arguments into parameters and names of files. UsageError: there is another option."""
    options, names = options_in(arguments)
    check_names(names)
    if not names:  # it may be what follows an option that there is not
        check_options(options, [entry.cls for entry in available() if entry.cls])
    return options, names


def check_options(options: Iterable[Option], classes: Sequence[type[Step]]) -> None:
    """Refuse options that are parameters of none of the classes, or have no value; the nearest name is told.

    Names of steps and of their parameters are checked with their values, later. UsageError: see above.
    """
    known = {name for cls in classes for name in cls.parameters()}
    for option in options:
        if "." not in option.name and option.name not in known:
            near = nearest(option.name, [*known, *_other_names(classes)])
            hint = f"; did you mean --{near}?" if near else ""
            raise click.UsageError(f"No such option: --{option.name}{hint}")
        if option.value is None:
            raise click.UsageError(f"--{option.name}: found no value, expected one")


def _other_names(classes: Iterable[type[Step]]) -> list[str]:
    """List the options of the command at work, and the parameters of the steps of the classes."""
    context = click.get_current_context(silent=True)
    flags = [flag for one in (context.command.params if context else ()) for flag in one.opts]
    own = [flag.removeprefix("--") for flag in flags if flag.startswith("--")]
    steps = {name: step for cls in classes for name, step in cls.substeps().items()}
    return [*own, *(f"{name}.{parameter}" for name, step in steps.items() for parameter in step.parameters())]


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
