"""``gpipe run``."""

from typing import Any

import click

from gpipe.cli.commands.plan import print_plans
from gpipe.cli.json_lines import print_json
from gpipe.cli.logging_options import log_configuration, logging_options
from gpipe.cli.run_options import arguments, run_options


@click.command(context_settings={"ignore_unknown_options": True})
@run_options
@click.option(
    "--if-exists",
    type=click.Choice(["replace", "skip", "error"]),
    default="replace",
    show_default=True,
    help="Replace products that exist, skip exposures whose products are made from the same, or refuse the run.",
)
@click.option("--look", is_flag=True, help="Draw a picture of each exposure beside its products.")
@click.option("--dry-run", is_flag=True, help="Show the plan of each file, as gpipe plan does.")
@click.option("--keep-going/--stop", default=True, help="After a failure: try all files (the default), or stop.")
@logging_options
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], **options: Any) -> None:
    """Calibrate exposures and write the products.

    FILES are paths, patterns, folders (all *_uncal.fits in them), @list.txt, or - for names on the standard input.
    Every file is tried; the end says which failed. --STEP.PARAM VALUE is the same as -s STEP.PARAM=VALUE, and --PARAM
    VALUE, of the pipeline or of a lone step, as -s PARAM=VALUE.
    """
    from gpipe.batch import run
    from gpipe.cli.printing import print_line, shown_on_terminal

    how = arguments(files, options)
    if options["dry_run"]:
        print_plans(how, options)
        return
    as_json = options["as_json"]
    log = log_configuration(**{name: options[name] for name in ("quiet", "verbose", "log_file")})
    how |= {"logcfg": log, "keep_going": options["keep_going"], "if_exists": options["if_exists"]}
    if as_json:
        report = run(**how, follow=lambda event: print_json(event.as_dict()))
    else:
        with shown_on_terminal(quiet=options["quiet"] or options["verbose"]):
            report = run(**how, tell=print_line)
    pictures = report.save_pictures() if options["look"] else ()
    if as_json:
        ctx.exit(report.exit_status)
    for picture in pictures:
        print_line(str(picture))
    if len(report.outcomes) == 1:
        report.raise_errors()
        return
    logged = f". Log: {options['log_file']}" if options["log_file"] else ""
    print_line(f"{report}{logged}")
    ctx.exit(report.exit_status)
