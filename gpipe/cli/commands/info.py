"""``gpipe info``."""

import click

from gpipe.cli.json_lines import print_object
from gpipe.cli.logging_options import JSON


@click.command()
@JSON
def command(as_json: bool) -> None:
    """Show versions, backends and settings: what a report of a problem needs."""
    import gpipe

    if as_json:
        print_object("info", vars(gpipe.info()))
        return
    click.echo(gpipe.info())
