"""Answers for programs: one JSON object a line on the standard output."""

import json
from collections.abc import Mapping
from typing import Any

from gpipe.cli.printing import print_line


def print_json(values: Mapping[str, Any]) -> None:
    """Print an object on a line; what JSON does not know becomes text."""
    print_line(json.dumps(values, default=str, ensure_ascii=False))


def print_object(command: str, values: Mapping[str, Any]) -> None:
    """Print the whole answer of a command, with the name of its schema."""
    print_json({"schema": f"gpipe.{command}/1", **values})


def print_failure(error: BaseException, message: str, status: int) -> None:
    """Print the event of a command that fails before, or outside of, the work on an exposure."""
    from gpipe.batch.events import failure

    print_json({**failure(error).as_dict(), "message": message, "exit_status": status})
