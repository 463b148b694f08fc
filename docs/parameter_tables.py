"""Puts a step's parameters, as declared in the code, where its page says ``<!-- parameters -->``."""

from gpipe.pipeline import Detector1Pipeline

MARK = "<!-- parameters -->"


def fill_in(_app, docname, source):
    """Sphinx hook: replace the mark on the page of a step by a table."""
    if MARK in source[0]:
        step = Detector1Pipeline.step_defs[docname.rsplit("/", 1)[-1]]
        source[0] = source[0].replace(MARK, table(step))


def table(step):
    """Markdown table of a step class: name, default, unit, allowed values and meaning."""
    rows = [f"| `{p.name}` | `{p.default!r}` | {p.unit} | {p.allowed} | {p.help} |" for p in step.own_parameters()]
    if not rows:
        return "This step has no parameters of its own."
    head = ["| parameter | default | unit | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(head + rows)
