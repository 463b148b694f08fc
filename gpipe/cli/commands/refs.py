"""``gpipe refs``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from gpipe.cli.json_lines import print_object
from gpipe.cli.logging_options import logged, logging_options

LACKING = 4
OPTIONS = (
    click.argument("files", nargs=-1, type=click.Path()),
    click.option("-p", "--pipeline", help="Pipeline or step: alias or class. By default the first file decides."),
    click.option("-s", "--set", "assignments", multiple=True, metavar="STEP.PARAM=VALUE", help="Set a parameter."),
    click.option("--skip", "skipped", multiple=True, metavar="STEP", help="Skip a step: it needs no references."),
    click.option("--override", "overrides", multiple=True, metavar="TYPE=FILE", help="Use this reference file."),
    click.option("--config", "config_file", type=click.Path(), help="Parameter file."),
    click.option("--no-crds-parameters", is_flag=True, help="Do not use parameter files of CRDS."),
)


@click.group()
def command() -> None:
    """List, check or fetch the references that exposures need, before anything runs.

    FILES and options are those of gpipe run.
    """


def _of_files(name: str) -> Any:
    """Make a function a command on files, with the options that all have."""

    def decorate(function: Any) -> Any:
        function = logging_options(function)
        for option in reversed(OPTIONS):
            function = option(function)
        return command.command(name, context_settings={"ignore_unknown_options": True})(function)

    return decorate


@_of_files("list")
@click.option("--names", is_flag=True, help="Print files only, rules too, by their path from CRDS_PATH (for rsync).")
@click.option("--context", help="Show what this context would change, and for which exposures.")
@click.pass_context
def list_references(
    ctx: click.Context, files: tuple[str, ...], names: bool, context: str | None, **options: Any
) -> None:
    """List the references, and say which are missing. Exit status 4: one is."""
    from gpipe.references import changes, needed

    if context:
        with logged(options):
            others = changes(context=context, **_arguments(files, options))
        if options["as_json"]:
            print_object("refs", {"context": context, "changes": [vars(one) for one in others]})
        else:
            click.echo("\n".join(map(str, others)) or f"{context} changes nothing")
        return
    with logged(options):
        found = needed(**_arguments(files, options))
    _tell(ctx, found, names=names, as_json=options["as_json"])


@_of_files("check")
@click.pass_context
def check_references(ctx: click.Context, files: tuple[str, ...], **options: Any) -> None:
    """Open each reference that is there, and say what is damaged or missing. Exit status 4: one is."""
    from gpipe.references import check, needed

    with logged(options):
        found = check(needed(**_arguments(files, options)))
    _tell(ctx, found, as_json=options["as_json"])


@_of_files("fetch")
@click.pass_context
def fetch_references(ctx: click.Context, files: tuple[str, ...], **options: Any) -> None:
    """Download what is missing or damaged into the cache, from the server that CRDS_SERVER_URL names."""
    from gpipe.references import check, fetch, needed

    with logged(options):
        found = check(needed(**_arguments(files, options)))
        with _bar(sum(one.bytes or 0 for one in found.lacking)) as advance:
            fetched = fetch(found, advance)
    _tell(ctx, fetched, as_json=options["as_json"])


def _tell(ctx: click.Context, found: Any, *, names: bool = False, as_json: bool = False) -> None:
    from gpipe.cli.printing import print_line

    if as_json:
        print_object("refs", found.as_dict())
    else:
        print_line("\n".join(found.names()) if names else str(found))
    for problem in found.problems:
        click.echo(f"gpipe: {problem}", err=True)
    if names and found.lacking:
        click.echo(f"gpipe: {found.totals()}", err=True)
    ctx.exit(LACKING if found.lacking else max((one.exit_status for one in found.problems), default=0))


def _arguments(files: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What the command line says, as arguments of `gpipe.references.needed`."""
    from gpipe.batch.choice import chosen_for
    from gpipe.batch.files import expanded
    from gpipe.cli.options import given, names_in

    parameters, names = names_in(files)
    paths = expanded(names)
    how: dict[str, Any] = {"steps": None}
    if parameters or any(options[name] for name in ("assignments", "skipped", "overrides")):
        cls = chosen_for(paths[:1], options["pipeline"])
        values = given(
            cls, options["assignments"], parameters, skipped=options["skipped"], overrides=options["overrides"]
        )
        how = {"steps": values.steps, **values.parameters}
    return {
        "files": paths,
        "pipeline": options["pipeline"],
        "config_file": options["config_file"],
        "uses_crds_parameters": not options["no_crds_parameters"],
        **how,
    }


@contextmanager
def _bar(total: int) -> Iterator[Any]:
    """Show a bar on stderr while files arrive; nothing where that is no terminal."""
    import sys

    if not (total and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("fetching", total=total)
        yield lambda name, count: progress.update(task, description=name, advance=count)
