"""Weight of a YAML tree with its aliases written out: a few bytes can stand for gigabytes, or have no end at all."""

from typing import Any

import yaml

DEEPEST = 60
"""Levels of a tree; files of parameters and of references have less than half as many."""


class TooHeavyError(yaml.MarkedYAMLError):
    """A tree is too deep, contains itself, or holds too much."""


class TreeWeight:
    """Weight of a tree, one for each node and each character, found from the events of a parser.

    Parameters
    ----------
    most : the greatest weight that is allowed.
    deepest : levels that are allowed.
    counts_characters : False for the weight of nodes alone.
    """

    def __init__(self, most: int, *, deepest: int = DEEPEST, counts_characters: bool = True) -> None:
        self._most, self._deepest, self._total = most, deepest, 0
        self._counts_characters = counts_characters
        self._weights: dict[str, int | None] = {}
        """Of nodes by their anchor; None for a collection that has not ended."""
        self._open: list[tuple[str | None, int]] = []
        """Collections that have not ended: anchor, and total when they began."""

    def add(self, event: Any) -> None:
        """Add the next event of a document.

        Raises
        ------
        TooHeavyError
            The tree so far is too heavy, too deep, or has an alias of a node inside that node.
        """
        if isinstance(event, yaml.AliasEvent):
            self._count(self._weight_of(event), event)
        elif isinstance(event, yaml.ScalarEvent):
            weight = 1 + (len(event.value) if self._counts_characters else 0)
            self._count(weight, event)
            self._note(event.anchor, weight)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            self._note(anchor, self._total - before)

    def _begin(self, event: Any) -> None:
        self._open.append((event.anchor, self._total))
        if len(self._open) > self._deepest:
            raise _error(f"found more than {self._deepest} levels, expected fewer", event)
        self._count(1, event)
        self._note(event.anchor, None)

    def _note(self, anchor: str | None, weight: int | None) -> None:
        if anchor is not None:
            self._weights[anchor] = weight

    def _weight_of(self, event: Any) -> int:
        weight = self._weights.get(event.anchor, 0)  # an unknown one is refused by the parser
        if weight is None:
            raise _error(f"found {event.anchor!r} inside itself, expected a tree with an end", event)
        return weight

    def _count(self, weight: int, event: Any) -> None:
        self._total += weight
        if self._total > self._most:
            unit = "characters" if self._counts_characters else "nodes"
            raise _error(f"found more than {self._most} {unit} with aliases written out, expected fewer", event)


def _error(problem: str, event: Any) -> TooHeavyError:
    return TooHeavyError(problem=problem, problem_mark=event.start_mark)
