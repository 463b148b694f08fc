"""``gpipe strun``."""

from typing import Any

import click

from gpipe.cli import show_version
from gpipe.cli.logging_options import log_configuration_of_strun

LEVELS = click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False)
STREAMS = click.Choice(["stdout", "stderr", "null"])


@click.command(add_help_option=False, no_args_is_help=True, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="CLASS|FILE INPUT")
@click.option("--save-parameters", type=click.Path(), help="Write the parameters to an ASDF file, then run.")
@click.option("--disable-crds-steppars", is_flag=True, help="Do not use parameter files of CRDS.")
@click.option("-v", "--verbose", is_flag=True, help="Show the whole log, DEBUG lines included.")
@click.option("--log-level", type=LEVELS, metavar="LEVEL", help="Least level of the log's lines.  [default: INFO]")
@click.option("--log-file", type=click.Path(), help="Write the log to this file, too.")
@click.option("--log-stream", type=STREAMS, help="Where the log goes.  [default: stderr]")
@click.option("--logcfg", type=click.Path(), help="Deprecated: configuration file of the log.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show it.")
@click.option("-h", "--help", "wants_help", is_flag=True, help="Show this; of a CLASS, or of one STEP, the parameters.")
@click.pass_context
def command(
    ctx: click.Context,
    arguments: tuple[str, ...],
    wants_help: bool,
    save_parameters: str | None,
    disable_crds_steppars: bool,
    **log_options: Any,
) -> None:
    """Run a pipeline or step on one exposure and write the products, as strun of jwst does.

    CLASS is a name of gpipe list or the path of a class, in which jwst. means gpipe's; FILE is a parameter file that
    names its class. Every parameter is an option: --save_calibrated_ramp=true, --steps.jump.rejection_threshold 5.
    """
    if wants_help and not arguments:
        click.echo(ctx.get_help())
        return
    from gpipe.cli.strun_line import read_line

    line = read_line(arguments, uses_crds_parameters=not disable_crds_steppars)
    if wants_help:
        from gpipe.cli.parameter_help import parameter_help

        click.echo(parameter_help(line))
        return
    if log_options["logcfg"]:
        click.echo("gpipe: --logcfg is deprecated; use --log-level, --log-file and --log-stream", err=True)
    if save_parameters:
        line.save_parameters(save_parameters)
    line.run(log_configuration_of_strun(**log_options))
