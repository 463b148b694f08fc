"""Sphinx extension: a page for each command, made from its help, in ``commands/`` (not in the repository)."""

import re
from pathlib import Path

import click

from gpipe.cli import main


def setup(app):
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}


def page(command, name, depth=1):
    """Markdown of a command and of the commands in it: what it does, usage, and a table of its options."""
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    paragraphs = (command.help or "").split("\f")[0].split("\n\n")
    usage = "\n".join([name, *command.collect_usage_pieces(context)]).replace("\n", " ")
    options = [parameter for parameter in command.get_params(context) if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context))]
    lines = [f"{'#' * depth} {name}", *(_plain(text) for text in paragraphs), f"```\n{usage}\n```"]
    lines.append("\n".join(["| option | |", "| --- | --- |", *(f"| `{_cell(o)}` | {_plain(h)} |" for o, h in rows)]))
    for inner in getattr(command, "list_commands", lambda _: ())(context):
        lines.append(page(command.get_command(context, inner), f"{name} {inner}", depth + 1))
    return "\n\n".join(lines) + "\n"


def _plain(text):
    """Text of a terminal in one line, in which no character marks up anything."""
    return re.sub(r"([\\`*_\[\]<>|$#-])", r"\\\1", " ".join(text.split()))


def _cell(text):
    return text.replace("|", r"\|")


def _write(app):
    folder, context = Path(app.srcdir, "commands"), click.Context(main)
    folder.mkdir(exist_ok=True)
    pages = {name: page(main.get_command(context, name), f"gpipe {name}") for name in main.list_commands(context)}
    for old in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in pages}:
        old.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
