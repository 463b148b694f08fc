"""Signatures of steps: their parameters, typed and with their defaults, as declared."""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, Literal

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.configurable import Configurable

_TYPES: Mapping[type[p.Parameter], Any] = {
    p.Boolean: bool,
    p.Cores: int | str,
    p.Float: float,
    p.FloatList: Sequence[float],
    p.Integer: int,
    p.IntegerList: Sequence[int],
    p.List: Sequence[Any],
    p.Override: Any,
    p.Path: str | os.PathLike[str],
    p.String: str,
}


def of_call(function: Callable[..., Any], cls: type[StepBase]) -> Signature:
    """Return the signature of ``call`` or ``plan`` of a class: the input, the parameters of the class, the options."""
    _, source, *options = inspect.signature(function).parameters.values()
    options = [option for option in options if option.kind is not Parameter.VAR_POSITIONAL]
    if not cls.substeps():
        options = [option for option in options if option.name != "steps"]
    own = _parameters(cls)
    first = [one.replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for one in own if one.name in cls.by_position]
    return _joined([source, *first], [one for one in own if one.name not in cls.by_position], options)


def of_class(cls: type[StepBase]) -> Signature:
    """Return the signature of a class: its name, and its parameters."""
    options = [one for one in inspect.signature(cls.__init__).parameters.values() if one.name not in ("self", "parent")]
    return _joined([], _parameters(cls), options)


def own_parameters(cls: type[Configurable]) -> dict[str, p.Parameter]:
    """List the parameters that not every step has, but for overrides of references."""
    common, declared = StepBase.parameters(), cls.parameters()
    names = (name for base in reversed(cls.__mro__) for name in vars(base))  # in the order of their declaration
    own = (name for name in names if name in declared and name not in common)
    return {name: declared[name] for name in own if not name.startswith("override_")}


def type_of(declared: p.Parameter) -> Any:
    """Return the type of the values that a parameter takes, as an annotation."""
    found = Literal[declared.options] if isinstance(declared, p.Option) else _type_of_kind(declared)
    return found | None if declared.allow_none and found is not Any else found


def _type_of_kind(declared: p.Parameter) -> Any:
    return next((_TYPES[kind] for kind in type(declared).__mro__ if kind in _TYPES), Any)


def _parameters(cls: type[StepBase]) -> list[Parameter]:
    own = own_parameters(cls)
    declared = own | {name: one for name, one in cls.parameters().items() if name not in own}
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=one.default(), annotation=type_of(one))
        for name, one in declared.items()
    ]


def _joined(first: Iterable[Parameter], parameters: Sequence[Parameter], options: Iterable[Parameter]) -> Signature:
    """Put keywords after each other, those of the step first; an option gives way to a parameter of its name."""
    taken = {one.name for one in parameters}
    more = [one for one in options if one.name not in taken and one.kind is not Parameter.VAR_KEYWORD]
    free = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in more]
    return Signature([*first, *parameters, *free], return_annotation=Any)
