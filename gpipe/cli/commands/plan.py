"""``gpipe plan``."""

from typing import Any

import click

from gpipe.cli.json_lines import print_object
from gpipe.cli.logging_options import logged, logging_options
from gpipe.cli.run_options import arguments, run_options


@click.command(context_settings={"ignore_unknown_options": True})
@run_options
@logging_options
def command(files: tuple[str, ...], **options: Any) -> None:
    """Show what gpipe run would do: steps, memory, products, references. No pixel is read.

    FILES and options are those of gpipe run. Several files have one line each, and the totals follow. -v shows
    sections and chunks, too.
    """
    print_plans(arguments(files, options), options)


def print_plans(how: dict[str, Any], options: dict[str, Any]) -> None:
    """Print the plans of files; ``how`` are arguments of `gpipe.batch.plan`, ``options`` those of the command."""
    from gpipe.batch import plan

    with logged(options):
        plans = plan(**how)
    if options["as_json"]:
        for one in plans:
            print_object("plan", one.as_dict())
    else:
        _print_lines(plans, with_sections=options["verbose"])


def _print_lines(plans: list[Any], *, with_sections: bool) -> None:
    from gpipe.cli.printing import print_line
    from gpipe.controller.plan.lines import described, headline, totals

    tell = described if len(plans) == 1 else headline
    for one in plans:
        print_line(tell(one))
        if with_sections:
            print_line(str(one).partition("\n")[2])
    if len(plans) > 1:
        print_line(totals(plans))
