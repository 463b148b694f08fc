"""``gpipe info``."""

import click


@click.command()
def command() -> None:
    """Show versions, backends and settings: what a report of a problem needs."""
    import gpipe

    click.echo(gpipe.info())
