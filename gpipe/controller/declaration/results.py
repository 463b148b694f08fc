"""References that a step receives, and results that it hands back."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpipe.datamodels.references.reference import Reference


class Skip(Exception):  # noqa: N818 - a step raises it to say "not applied", which is no error
    """Raised in ``Step.apply``: the exposure goes on unchanged, and the step's status is SKIPPED.

    Parameters
    ----------
    reason : one line for the log.
    level : ``logging.WARNING`` unless the step says otherwise.
    """

    def __init__(self, reason: str, level: int = logging.WARNING) -> None:
        super().__init__(reason)
        self.reason, self.level = reason, level


@dataclass(frozen=True)
class SideProduct:
    """A file that a parameter of a step asked for, beside the step's result.

    Attributes
    ----------
    model : an exposure in flight, a ``stdatamodels`` model with NumPy arrays, or whatever else has ``meta`` and
        ``save(path)``. One that grows an existing file has ``joined_with(path)``, which gives what to write.
    suffix : the end of the product's name; None takes that of the step.
    output_file : the whole name, for products that a parameter names. A folder in it counts.
    output_ext : file type, for products that have only one; None takes that of the step.
    """

    model: Any
    suffix: str | None = None
    output_file: str | None = None
    output_ext: str | None = None


@dataclass(frozen=True)
class Produced:
    """Several results of a step, the main one first, files on the side, and what a chunk of an exposure counted.

    ``companions`` are those that the step changed, by exptype, exposures in flight: later steps get them.

    Counts are integers, (…, row), so that rows which belong to another chunk can be left out of the sum, or one number
    of what is not counted by row.
    """

    results: tuple[Any, ...]
    side_products: tuple[SideProduct, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    companions: Mapping[str, Sequence[Any]] = field(default_factory=dict)


class References:
    """The references of one step by type.

    ``references["gain"]`` is that which must be there; ``references.get("flat")`` is None where CRDS says N/A or the
    step did not want one. ``folder`` is where the exposure is, and with it files that its metadata name.
    """

    def __init__(self, by_type: Mapping[str, Reference | None], folder: str = "") -> None:
        self._by_type, self.folder = dict(by_type), folder

    def __getitem__(self, reftype: str) -> Reference:
        found = self._by_type[reftype]
        if found is None:
            raise KeyError(f"{reftype}: no reference of this type applies to the exposure")
        return found

    def get(self, reftype: str) -> Reference | None:
        """The reference of a type, or None."""
        return self._by_type.get(reftype)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_type)

    @property
    def names(self) -> dict[str, str]:
        """The texts of the product's ``R_*`` keywords, by reference type."""
        return {reftype: "N/A" if ref is None else ref.name for reftype, ref in self._by_type.items()}
