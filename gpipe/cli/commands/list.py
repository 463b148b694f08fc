"""``gpipe list``."""

import click

from gpipe.cli.json_lines import print_object
from gpipe.cli.logging_options import JSON


@click.command()
@click.argument("pattern", default="*")
@click.option("--pipelines", "kind", flag_value="pipeline", help="Pipelines only.")
@click.option("--steps", "kind", flag_value="step", help="Steps only.")
@JSON
def command(pattern: str, kind: str | None, as_json: bool) -> None:
    """List pipelines and steps in the order in which they run.

    PATTERN is a part of names; * stands for any text. An arrow marks what gpipe does not have yet: run it with jwst.
    """
    from gpipe.exceptions import ParameterError
    from gpipe.pipeline.catalog import available

    entries = [entry for entry in available(pattern) if kind in (None, entry.kind)]
    if not entries:
        raise ParameterError(f"found {pattern!r}, expected a part of a name of gpipe list, or a pattern")
    if as_json:
        rows = [{**vars(one), "cls": one.cls and f"{one.cls.__module__}.{one.cls.__name__}"} for one in entries]
        print_object("list", {"entries": rows})
        return
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        click.echo(f"{'✓' if entry.cls else '→'} {entry.name:{width}}  {entry.meaning or 'jwst'}")
