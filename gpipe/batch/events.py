"""Events of a run on many files, for programs that follow it; ``event.schema.json`` describes them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gpipe.exceptions import details

SCHEMA = "gpipe.event/1"


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run.

    Attributes
    ----------
    event : planned, started, step, product, done, failed or summary.
    name : the exposure's file; empty for the summary.
    values : what belongs to the event, by the names of the schema.
    """

    event: str
    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the event as ``gpipe run --json`` prints it."""
        return {"schema": SCHEMA, "event": self.event, "name": self.name, **self.values}


Follow = Callable[[RunEvent], None]


def failure(error: BaseException, name: str = "") -> RunEvent:
    """Make the event of an exposure that failed, or of a run that fails before work."""
    return RunEvent("failed", name, details(error))
