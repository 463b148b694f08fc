"""Parameters as jwst declares them: a text with a line ``name = float(default=4.0, min=0)  # help`` for each."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from gpipe.controller.parameters import types as p

_NUMBERS = ("min", "max")
_KINDS: Mapping[str, tuple[Callable[..., p.Parameter], tuple[str, ...]]] = {
    "boolean": (p.Boolean, ()),
    "float": (p.Float, _NUMBERS),
    "float_list": (p.FloatList, _NUMBERS),
    "input_file": (p.Path, ()),
    "int_list": (p.IntegerList, _NUMBERS),
    "integer": (p.Integer, _NUMBERS),
    "list": (p.List, _NUMBERS),
    "force_list": (p.List, _NUMBERS),
    "output_file": (p.OutputFile, ()),
    "string": (p.String, ()),
    "string_list": (p.List, _NUMBERS),
}
"""For each check of jwst's the kind of parameter, and the names of its unnamed arguments."""
_NAMES = {
    p.Boolean: "boolean",
    p.Cores: "string",
    p.Float: "float",
    p.FloatList: "float_list",
    p.Integer: "integer",
    p.IntegerList: "int_list",
    p.List: "list",
    p.Option: "option",
    p.OutputFile: "output_file",
    p.Override: "is_string_or_datamodel",
    p.Path: "string",
    p.String: "string",
}


def parameters_of(spec: str, label: str) -> dict[str, p.Parameter]:
    """Make the parameters that a text declares, by name; ``label`` names its class in errors.

    TypeError: a line is none of jwst's, its check is not known, or a section in brackets has parameters.
    """
    stripped = (line.strip() for line in spec.splitlines())
    lines = [line for line in stripped if line and not line.startswith("#")]
    while lines and lines[-1].startswith("["):
        lines.pop()  # a section without parameters
    return dict(_parameter(line, label) for line in lines)


def spec_of(parameters: Mapping[str, p.Parameter]) -> str:
    """Describe parameters as jwst would declare them, a line each."""
    return "\n".join(f"{name} = {_check(declared)}  # {declared.help}" for name, declared in parameters.items())


def _parameter(line: str, label: str) -> tuple[str, p.Parameter]:
    name, _, rest = (part.strip() for part in line.partition("="))
    try:
        call = ast.parse(rest, mode="eval").body
        if not (name.isidentifier() and isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            raise ValueError("no check")
        arguments = [_value(argument) for argument in call.args]
        given = {str(keyword.arg): _value(keyword.value) for keyword in call.keywords}
        comment = rest.encode()[call.end_col_offset :].decode()
        return name, _made(call.func.id, arguments, given, comment.strip(" #"))
    except (KeyError, SyntaxError, TypeError, ValueError):
        known = ", ".join(sorted([*_KINDS, "option"]))
        raise TypeError(
            f"{label}.spec: found {line!r}, expected name = check(default=...) with one of {known}"
        ) from None


def _made(check: str, arguments: list[Any], given: dict[str, Any], help: str) -> p.Parameter:
    default = given.pop("default", None)
    if check == "option":
        return p.Option(default, arguments, help=help, **given)
    kind, names = _KINDS[check]
    declared = dict(zip(names, arguments, strict=False)) | given
    return kind(default, help=help, **{key: value for key, value in declared.items() if value is not None})


def _value(node: ast.expr) -> Any:
    """A value as configobj reads it: ``list('a', 'b')`` is a list, and a bare word is text."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "list":
        return [_value(argument) for argument in node.args]
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def _check(declared: p.Parameter) -> str:
    options = [repr(option) for option in getattr(declared, "options", ())]
    default = declared.default()
    shown = f"list({', '.join(map(repr, default))})" if isinstance(default, list) else repr(default)
    limits = [f"{name}={value}" for name in _NUMBERS if (value := getattr(declared, name, None)) is not None]
    check = next(_NAMES[kind] for kind in type(declared).__mro__ if kind in _NAMES)
    return f"{check}({', '.join([*options, f'default={shown}', *limits])})"
