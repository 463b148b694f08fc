"""``gpipe completion``."""

import click

LINES = {
    "bash": 'eval "$(_GPIPE_COMPLETE=bash_source gpipe)"',
    "zsh": 'eval "$(_GPIPE_COMPLETE=zsh_source gpipe)"',
    "fish": "_GPIPE_COMPLETE=fish_source gpipe | source",
}
START_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/gpipe.fish"}


@click.command()
@click.argument("shell", type=click.Choice(list(LINES)))
def command(shell: str) -> None:
    """Print the line for the start file of a shell that completes gpipe's commands and options."""
    click.echo(LINES[shell])
    click.echo(f"Put this line into {START_FILES[shell]}.", err=True)
