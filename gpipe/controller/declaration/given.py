"""Facts of an input that decide, beside its metadata, which steps of a pipeline run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Given:
    """An input, as far as the order of steps depends on it.

    Attributes
    ----------
    shape : of the science array.
    exptypes : of the companions.
    """

    shape: tuple[int, ...]
    exptypes: frozenset[str]

    @classmethod
    def of(cls, header: object, companions: Iterable[str]) -> "Given":
        """Collect the facts of an exposure; a group has no shape."""
        return cls(tuple(getattr(header, "shape", ())), frozenset(companions))
