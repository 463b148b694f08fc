"""Work of a step on one exposure, cut or whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpipe.controller.declaration.results import Produced, Skip
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.files.products import with_own_metadata


def with_separate_metadata(results: Sequence[Any]) -> list[Any]:
    """Results of which none shares its metadata with the first one."""
    first, *others = results
    return [first, *(with_own_metadata(other) if other.header is first.header else other for other in others)]


def fixed(results: Sequence[Any], fix: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Results of a step, the main one with its last change."""
    return (fix(results[0]), *results[1:])


def sum_counts(count: Any, rows: slice, exposure: Exposure) -> Any:
    """The sum of a count over some rows of an exposure."""
    if isinstance(count, int):
        return count
    found = exposure.backend.to_host(count)[..., rows].sum(axis=-1)
    return found if found.ndim else int(found)


def _as_counted(counts: Mapping[str, Any]) -> Mapping[str, int]:
    """Most steps count nothing, or have found what they counted."""
    return counts


def _nothing_to_fix(counts: Mapping[str, Any]) -> None:
    """Most steps are done with a chunk when they leave it."""


@dataclass(frozen=True)
class Work:
    """Work of a step on one exposure.

    Attributes
    ----------
    apply : from a chunk of the exposure to the same chunk after the step; `Produced` where there are several results,
        or counts. It is called on several threads: it changes no metadata and says nothing in the log.
    end : called once, after the last chunk, with the sums of what the chunks counted. It gives what the step has found,
        for logs and progress: numbers by plural nouns (``{"jumps": 29053}``); by default the sums.
    fix : from the sums of what the chunks counted to a last change of each chunk after ``apply``, which only the sums
        can tell; None where there is none, as nearly always. Later steps go on with a chunk before it is known; where
        there is one, the pass is repeated.
    companions : companions that the step changed, by exptype, exposures in flight: later steps get them.
    skipped : the reason for which the status of the step is SKIPPED though it leaves something with the exposure; None
        where it is COMPLETE.
    """

    apply: Callable[[Any], Any]
    end: Callable[[Mapping[str, Any]], Mapping[str, int] | None] = field(default=_as_counted)
    fix: Callable[[Mapping[str, Any]], Callable[[Any], Any] | None] = field(default=_nothing_to_fix)
    companions: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    skipped: Skip | None = None

    def whole(self, exposure: Any) -> Any:
        """The step on an exposure that is not cut."""
        outcome = self.apply(exposure)
        produced = outcome if isinstance(outcome, Produced) else Produced((outcome,))
        rows = slice(0, exposure.shape[-2])
        counts = {name: sum_counts(number, rows, exposure) for name, number in produced.counts.items()}
        self.end(counts)
        fix = self.fix(counts)
        results = fixed(produced.results, fix) if fix else produced.results
        companions = {**self.companions, **produced.companions}
        if len(results) == 1 and not produced.side_products and not companions:
            return results[0]
        return Produced(tuple(with_separate_metadata(results)), produced.side_products, companions=companions)
