"""Command line: ``gpipe …``."""

import sys
from pathlib import Path

import click

from gpipe.exceptions import GpipeError


class OneLineErrors(click.Group):
    """Commands that print a user's error in one line on stderr, with the exit status of its class."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except GpipeError as error:
            click.echo(f"gpipe: {error}", err=True)
            sys.exit(error.exit_status)


@click.group(cls=OneLineErrors)
@click.version_option(package_name="gpipe")
def main() -> None:
    """Calibrate JWST exposures: uncalibrated ramps in, count-rate images out."""


@main.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to work."
)
@click.option("--subarray", default="FULL", show_default=True, help="FULL, or a NIRCam subarray such as SUB160.")
@click.option("--seed", default=1, show_default=True, help="Seed of the simulated exposure.")
@click.option("--backend", default=None, help="numpy, cupy or auto.")
def demo(folder: Path, subarray: str, seed: int, backend: str | None) -> None:
    """Simulate a NIRCam exposure with known truth, calibrate it, and show what came out."""
    from gpipe.demo import run_demo

    run_demo(folder, subarray=subarray, seed=seed, backend=backend)
