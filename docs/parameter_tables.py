"""Puts a step's parameters, as declared in the code, where its page says ``<!-- parameters -->``."""

from gpipe.controller import Step
from gpipe.pipeline.catalog import named

MARK = "<!-- parameters -->"


def fill_in(_app, docname, source):
    """Sphinx hook: replace the mark on the page of a step by a table."""
    if MARK in source[0]:
        step = named(docname.rsplit("/", 1)[-1]).cls
        source[0] = source[0].replace(MARK, table(step))


def table(step):
    """Markdown table of a step class: name, default, allowed values with their unit, and meaning."""
    own = {n: p for n, p in step.parameters().items() if not hasattr(Step, n) and not n.startswith("override_")}
    if not own:
        return "This step has no parameters of its own."
    rows = [f"| `{n}` | `{p.default()!r}` | {p.allowed()} | {p.help} |" for n, p in own.items()]
    return "\n".join(["| parameter | default | allowed | meaning |", "| --- | --- | --- | --- |", *rows])
