"""Ref: a reference file that a step needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


def _always(meta: Any) -> bool:
    """Most references serve every exposure."""
    return True


@dataclass(frozen=True)
class Ref:
    """A reference file that a step needs.

    Attributes
    ----------
    type : its type in CRDS.
    optional : True where the step works without it, too.
    missing : consequence if CRDS says N/A: the step is skipped with a warning, or the run is refused.
    when : tells from the metadata of an exposure if the step needs it. CRDS is asked for no other reference, and
        headers name no other.
    """

    type: str
    optional: bool = False
    missing: Literal["skip", "error"] = "skip"
    when: Callable[[Any], bool] = _always
