"""Options of commands that take exposures and say how to calibrate them."""

from collections.abc import Callable
from typing import Any

import click

OUTPUT = {"output_dir": "-o", "output_file": "--name", "suffix": "--suffix", "output_ext": "--ext"}
"""Options that set parameters of the same meaning."""
OPTIONS = (
    click.argument("files", nargs=-1, type=click.Path()),
    click.option("-p", "--pipeline", help="Pipeline or step: alias or class. By default the first file decides."),
    click.option("-o", "--output-dir", type=click.Path(), help="Folder of the products; by default the current one."),
    click.option("-s", "--set", "assignments", multiple=True, metavar="STEP.PARAM=VALUE", help="Set a parameter."),
    click.option("--skip", "skipped", multiple=True, metavar="STEP", help="Skip a step."),
    click.option("--save", "saved", multiple=True, metavar="STEP", help="Save the result of a step."),
    click.option("--override", "overrides", multiple=True, metavar="TYPE=FILE", help="Use this reference file."),
    click.option("--config", "config_file", type=click.Path(), help="Parameter file."),
    click.option("--no-crds-parameters", is_flag=True, help="Do not use parameter files of CRDS."),
    click.option("--name", "output_file", help="Base of the products' names."),
    click.option("--suffix", help="End of the results' names."),
    click.option("--ext", "output_ext", type=click.Choice(["fits", "asdf"]), help="File type of the products."),
    click.option("--backend", help="numpy, cupy or auto."),
    click.option("--cores", help="Cores that all work shares: a number, or quarter, half, all (the default)."),
    click.option(
        "--max-memory",
        default="auto",
        show_default=True,
        help="Memory that arrays may take, such as 4GB; auto: 60 % of what is left.",
    ),
)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; `arguments` takes the values."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def arguments(files: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Give what the command line says as arguments of `gpipe.batch.run` and `gpipe.batch.plan`."""
    from gpipe.batch.choice import chosen_for
    from gpipe.batch.files import expanded
    from gpipe.cli.options import given, names_in

    parameters, names = names_in(files)
    paths = expanded(names)
    cls = chosen_for(paths, options["pipeline"])
    values = given(
        cls,
        options["assignments"],
        parameters,
        skipped=options["skipped"],
        saved=options["saved"],
        overrides=options["overrides"],
    )
    named = _output_settings(options, values.parameters)
    return {
        "files": paths,
        "pipeline": cls,
        "steps": values.steps,
        "uses_crds_parameters": not options["no_crds_parameters"],
        **{name: options[name] for name in ("config_file", "backend", "max_memory", "cores")},
        "output_dir": ".",
        **values.parameters,
        **named,
    }


def _output_settings(options: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are parameters, too. UsageError: -s gives another value to one of them."""
    named = {name: options[name] for name in OUTPUT if options[name]}
    for name in (name for name in named if parameters.get(name, named[name]) != named[name]):
        raise click.UsageError(
            f"found {OUTPUT[name]} {named[name]} and -s {name}={parameters[name]}, expected one of them"
        )
    return named
