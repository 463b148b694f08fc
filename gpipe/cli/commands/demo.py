"""``gpipe demo``."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Where to work."
)
@click.option("--subarray", default="FULL", show_default=True, help="FULL, or a NIRCam subarray such as SUB160.")
@click.option("--seed", default=1, show_default=True, help="Seed of the simulated exposure.")
@click.option("--backend", default=None, help="numpy, cupy or auto.")
def command(folder: Path, subarray: str, seed: int, backend: str | None) -> None:
    """Simulate a NIRCam exposure with known truth, calibrate it, and compare the rates with the truth.

    It ends with the paths of products and picture, with what jwst needs for such an exposure, and with the command
    for a file of your own.
    """
    from gpipe.demo import run_demo

    run_demo(folder, subarray=subarray, seed=seed, backend=backend)
