"""Help of a step or pipeline, made of its declarations: text that ``help()`` and ``?`` show."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.display.signature import own_parameters
from gpipe.controller.parameters import types as p

WIDTH = 110
"""Characters of a line with names."""


def help_of(cls: type[StepBase], summary: str) -> str:
    """Describe a class: its summary, steps, parameters, references and an example."""
    common = f"Parameters of every step\n------------------------\n{_filled(StepBase.parameters())}"
    parts = [inspect.cleandoc(summary), *_steps(cls), *_parameters(cls), common, *_references(cls), _example(cls)]
    return "\n\n".join(parts)


def _steps(cls: type[StepBase]) -> Iterator[str]:
    if names := cls.substeps():
        told = "The exposure decides which of them run, and their order. ``help(pipe.NAME)`` describes a step."
        yield f"Steps\n-----\n{_filled(names)}\n{told}"


def _parameters(cls: type[StepBase]) -> Iterator[str]:
    own = own_parameters(cls)
    if own:
        width = max(map(len, own))
        yield "\n".join(["Parameters", "----------", *(_line(name, one, width) for name, one in own.items())])


def _line(name: str, declared: p.Parameter, width: int) -> str:
    value = f"{declared.default()!r} {declared.unit}".strip()
    return f"{name:{width}} = {value}: {declared.help or declared.allowed()}"


def _references(cls: type[StepBase]) -> Iterator[str]:
    if cls.references:
        names = ", ".join(ref.type + " (optional)" * ref.optional for ref in cls.references)
        yield f"References\n----------\n{names}; ``override_{cls.references[0].type}=`` takes a file or an open model."


def _example(cls: type[StepBase]) -> str:
    name, module = cls.__name__, cls.__module__.rpartition(".")[0] or cls.__module__
    lines = _example_of_steps(cls) or [f">>> result = {name}.call(exposure{_first(cls)})"]
    return "\n".join(["Examples", "--------", f">>> from {module} import {name}", *lines])


def _first(cls: type[StepBase]) -> str:
    return next((f", {name}={one.default()!r}" for name, one in own_parameters(cls).items()), "")


def _example_of_steps(cls: type[StepBase]) -> list[str]:
    """Show both ways to set a parameter of a step: that with most of them, which people come for."""
    if not cls.substeps():
        return []
    step, kind = max(cls.substeps().items(), key=lambda item: len(own_parameters(item[1])))
    parameter, declared = next(iter(own_parameters(kind).items()), ("skip", p.Boolean(True)))
    value = repr(declared.default())
    return [
        f">>> result = {cls.__name__}.call(exposure, steps={{{step!r}: {{{parameter!r}: {value}}}}})",
        f">>> pipe = {cls.__name__}()",
        f">>> pipe.{step}.{parameter} = {value}",
        ">>> result = pipe.run(exposure)  # without the parameters that CRDS recommends",
    ]


def _filled(names: Iterable[str]) -> str:
    return textwrap.fill(", ".join(names), WIDTH)
