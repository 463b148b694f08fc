"""``gpipe look``."""

from pathlib import Path

import click


class _Pixel(click.ParamType):
    """Column and row with a comma between them."""

    name = "X,Y"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        try:
            column, row = (int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"found {value!r}, expected a column and a row, such as 512,300")
        return column, row


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["rate", "dq", "ramp"]), help="By default rate or ramp, as the file has it.")
@click.option("--pixel", type=_Pixel(), help="Column and row, counted from 0, of the pixel that ramp draws.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="PNG, PDF or SVG; by default a PNG here.")
@click.option("--open", "opens", is_flag=True, help="Open the picture.")
def command(file: Path, kind: str | None, pixel: tuple[int, int] | None, output: Path | None, opens: bool) -> None:
    """Draw a product of stage 1: rates, flags, or the groups of single pixels."""
    from gpipe.quicklook import look
    from gpipe.suffixes import stem

    path = output or Path(f"{stem(file.name)}{f'_{kind}' if kind else ''}.png")
    look(file, kind, pixel=pixel, path=path)
    click.echo(path)
    if opens:
        click.launch(str(path))
