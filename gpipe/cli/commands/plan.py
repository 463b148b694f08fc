"""``gpipe plan``."""

from typing import Any

import click

from gpipe.cli.run_options import arguments, run_options


@click.command(context_settings={"ignore_unknown_options": True})
@run_options
@click.option("-v", "--verbose", is_flag=True, help="Show sections and chunks, too.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def command(files: tuple[str, ...], verbose: bool, **options: Any) -> None:
    """Show what gpipe run would do: steps, memory, products, references. No pixel is read.

    FILES and options are those of gpipe run. Several files have one line each, and the totals follow.
    """
    print_plans(arguments(files, options), with_sections=verbose)


def print_plans(how: dict[str, Any], *, with_sections: bool) -> None:
    """Print the plans of files; ``how`` are arguments of `gpipe.batch.plan`."""
    from gpipe.batch import plan
    from gpipe.cli.printing import print_line
    from gpipe.controller.plan.lines import described, headline, totals

    plans = plan(**how)
    tell = described if len(plans) == 1 else headline
    for one in plans:
        print_line(tell(one))
        if with_sections:
            print_line(str(one).partition("\n")[2])
    if len(plans) > 1:
        print_line(totals(plans))
