"""An instance of a step or pipeline: a line, or a table for notebooks."""

from html import escape
from typing import Any

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters.origins import Kind

COLOURS = {Kind.DEFAULT: "#777", Kind.CRDS: "#0072b2"}
BY_USER = "#d55e00"
"""Colour of values that the user chose."""


def line(step: StepBase) -> str:
    """Describe an instance as its class with the values that differ from the defaults, those of its steps included."""
    values = [f"{name}={shown(value)}" for name, value in _differing(step).items()]
    steps = [f"{name}={text}" for name, one in _steps(step).items() if not (text := line(one)).endswith("()")]
    return f"{type(step).__name__}({', '.join([*values, *steps])})"


def shown(value: Any) -> str:
    """Describe a value; a model or a function by its name, without its address."""
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if value is None or isinstance(value, bool | int | float | str | StepBase):
        return repr(value)
    return getattr(value, "__qualname__", None) or f"<{type(value).__qualname__}>"


def html(step: StepBase) -> str:
    """Make a table of an instance, folded step by step; the colour of an origin tells whose choice a value is."""
    return f"{_table(step)}{''.join(_folded(one) for one in _steps(step).values())}"


def _steps(step: StepBase) -> dict[str, Any]:
    return {name: getattr(step, name) for name in step.substeps()}


def _differing(step: StepBase) -> dict[str, Any]:
    values = {name: (getattr(step, name), one.default()) for name, one in type(step).parameters().items()}
    return {name: value for name, (value, default) in values.items() if value is not default and value != default}


def _folded(step: StepBase) -> str:
    return f"<details><summary><code>{escape(f'{step.name}: {line(step)}')}</code></summary>{_table(step)}</details>"


def _table(step: StepBase) -> str:
    rows = "".join(_row(step, name) for name in type(step).parameters())
    heads = "".join(f"<th>{head}</th>" for head in (escape(step.name), "value", "from", "meaning"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(step: StepBase, name: str) -> str:
    declared, origin = type(step).parameters()[name], step.origin(name)
    value = f"{shown(getattr(step, name))} {declared.unit}".strip()
    colour = COLOURS.get(origin.kind, BY_USER)
    cells = (f"<code>{escape(name)}</code>", f"<code>{escape(value)}</code>")
    told = f'<span style="color:{colour}">{escape(str(origin))}</span>'
    all_cells = (*cells, told, escape(declared.help))
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in all_cells) + "</tr>"
