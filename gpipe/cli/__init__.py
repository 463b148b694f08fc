"""Command line: ``gpipe …``. A command's module is imported when the command is asked for."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from gpipe.cli.errors import in_words_of, told_in_one_line

COMMANDS = {
    "run": "Calibrate exposures and write the products.",
    "plan": "Show what a run would do: steps, memory, products, references.",
    "refs": "List, check or fetch the references that exposures need.",
    "strun": "Run a pipeline or step as strun of jwst does.",
    "parameters": "Show parameters, and where their values come from.",
    "list": "List pipelines and steps.",
    "look": "Draw a picture of a product.",
    "demo": "Simulate an exposure with known truth, calibrate it and show what came out.",
    "info": "Show versions, backends and settings: what a report of a problem needs.",
    "completion": "Print what completes gpipe's commands in your shell.",
}
"""Each command with its line in the list, which is so made without the command's module."""


class Commands(click.Group):
    """Commands by name, with errors of users in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"gpipe.cli.commands.{cmd_name}").command
        self.commands_at_work = [found, *(found.commands.values() if isinstance(found, click.Group) else ())]
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not (ctx.resilient_parsing or args[0].startswith("-")):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No such command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else "."))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, *others: Any, **kwargs: Any) -> Any:
        with told_in_one_line(self._reworded, as_json="--json" in (sys.argv if args is None else args)):
            status = super().main(args, *others, **{**kwargs, "standalone_mode": False})
        sys.exit(status if isinstance(status, int) else 0)

    def _reworded(self, message: str) -> str:
        """Give a message of Python's functions in the words of the command: the options stand for their names."""
        params = [param for command in self.commands_at_work for param in command.params]
        options = {param.name: param.opts[-1] for param in params if isinstance(param, click.Option)}
        if log_file := options.get("log_file"):
            options.setdefault("logcfg", log_file)
        return in_words_of({name: option for name, option in options.items() if name in PYTHON_NAMES}, message)


PYTHON_NAMES = {"pipeline", "output_dir", "output_file", "output_ext", "max_memory", "config_file", "backend", "logcfg"}
"""Names of arguments in messages that users of the command line know as options."""


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end, if it is wanted."""
    if wanted:
        import gpipe

        click.echo(f"gpipe {gpipe.__version__}")
        ctx.exit()


COMMON = "Commands that read exposures also take -q, -v, --log-file FILE, --json, --no-color and --debug."


@click.group(cls=Commands, epilog=COMMON, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show it.")
def main() -> None:
    """Calibrate JWST exposures: from uncalibrated ramps to count rates, and from these to calibrated images."""
