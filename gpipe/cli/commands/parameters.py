"""``gpipe parameters``."""

from typing import Any

import click

from gpipe.cli.json_lines import print_object
from gpipe.cli.logging_options import logged, logging_options


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pipeline")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FILE]")
@click.option("--changed", is_flag=True, help="Leave out parameters that have their default.")
@click.option("--why", metavar="NAME", help="Show all values that are given for a parameter, such as jump.skip.")
@click.option("-s", "--set", "assignments", multiple=True, metavar="STEP.PARAM=VALUE", help="Set a parameter.")
@click.option("--config", "config_file", type=click.Path(), help="Parameter file.")
@click.option("--no-crds-parameters", is_flag=True, help="Do not use parameter files of CRDS.")
@click.option("--export", type=click.Path(), help="Write the parameters to an ASDF file, which --config reads.")
@logging_options
def command(pipeline: str, arguments: tuple[str, ...], **options: Any) -> None:
    """Show the parameters of a pipeline or step: value, unit, origin, meaning.

    With FILE the parameters are those for this exposure: CRDS may recommend other values than the defaults.
    """
    with logged(options):
        settled = _settled(pipeline, arguments, options)
    if options["export"]:
        settled.step.export_config(options["export"])
        click.echo(options["export"])
    elif options["as_json"]:
        rows = [vars(row) for row in settled.rows(changed=options["changed"])]
        print_object("parameters", {"parameters": rows})
    elif options["why"]:
        _explain(settled, options["why"])
    else:
        for row in settled.rows(changed=options["changed"]):
            click.echo(row)


def _settled(pipeline: str, arguments: tuple[str, ...], options: dict[str, Any]) -> Any:
    from gpipe.batch.choice import named_class
    from gpipe.batch.settings import SettledParameters
    from gpipe.cli.options import check_names, given, options_in
    from gpipe.controller.call import CallOptions

    parameters, files = options_in(arguments)
    check_names(files)
    if len(files) > 1:
        raise click.UsageError(f"found {' '.join(files)}, expected one file or none")
    cls = named_class(pipeline)
    values = given(cls, options["assignments"], parameters)
    how = CallOptions(
        values.parameters,
        values.steps,
        options["config_file"],
        uses_crds_parameters=not options["no_crds_parameters"],
    )
    return SettledParameters(cls, files[0] if files else None, how)


def _explain(settled: Any, name: str) -> None:
    row, chain = settled.row(name), settled.chain(name)
    click.echo(f"{name} = {row.value!r}{f' {row.unit}' if row.unit else ''}   ({row.allowed}: {row.meaning})")
    width = max(len(str(origin)) for origin, _ in chain)
    for number, (origin, value) in enumerate(chain):
        click.echo(f"  {origin!s:{width}}  {value!r}{'  ←' if number == 0 else ''}")
