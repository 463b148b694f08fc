"""Work of a step on one exposure, cut or whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.controller.declaration.results import Produced
from gpipe.datamodels.files.products import with_own_metadata


def apart(results: Sequence[Any]) -> list[Any]:
    """Results with metadata of their own: they go ways of their own from here."""
    return [*results[:1], *map(with_own_metadata, results[1:])]


def mended(results: Sequence[Any], mend: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Results of a step, the main one with what was yet to be done."""
    return (mend(results[0]), *results[1:])


def total(count: Any, rows: slice, exposure: Any) -> Any:
    """The sum of a count over some rows of an exposure."""
    if isinstance(count, int):
        return count
    found = exposure.backend.to_host(count)[..., rows].sum(axis=-1)
    return found if found.ndim else int(found)


def _nothing(counts: Mapping[str, Any]) -> None:
    """Most steps count nothing."""


def _nothing_to_mend(counts: Mapping[str, Any]) -> None:
    """Most steps are done with a part when they leave it."""


@dataclass(frozen=True)
class Work:
    """What a step does with one exposure.

    Attributes
    ----------
    apply : from a part of the exposure to the same part after the step; `Produced` where there are several results,
        or counts. It is called on several threads: it changes no metadata and says nothing in the log.
    end : called once, after the last part, with the sums of what the parts counted.
    mend : from the sums of what the parts counted to what is yet to be done with each part after ``apply``, as only
        they can tell; None where there is nothing, as nearly always. Later steps go on with a part before that is
        known, and where there is something the exposure is gone through again.
    """

    apply: Callable[[Any], Any]
    end: Callable[[Mapping[str, Any]], None] = field(default=_nothing)
    mend: Callable[[Mapping[str, Any]], Callable[[Any], Any] | None] = field(default=_nothing_to_mend)

    def whole(self, exposure: Any) -> Any:
        """The step on an exposure that is not cut."""
        outcome = self.apply(exposure)
        produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
        rows = slice(0, exposure.shape[-2])
        counts = {name: total(number, rows, exposure) for name, number in produced.counts.items()}
        self.end(counts)
        mend = self.mend(counts)
        results = mended(produced.results, mend) if mend else produced.results
        if len(results) == 1 and not produced.side_products:
            return results[0]
        return replace(produced, results=tuple(apart(results)))
