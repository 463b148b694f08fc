"""WCS in metadata trees: exposures and models share them, as nobody changes one that others may have."""

import copy
from collections.abc import Iterator
from typing import Any


def copied_tree(tree: Any) -> Any:
    """Make a deep copy of a tree, in which each WCS is that of the tree."""
    return copy.deepcopy(tree, {id(wcs): wcs for wcs in _wcs_in(tree)})


def is_wcs(value: Any) -> bool:
    """Tell whether a value is a WCS; ``gwcs``, which takes a second, is not imported for the answer."""
    return type(value).__name__ == "WCS" and type(value).__module__.partition(".")[0] == "gwcs"


def _wcs_in(node: Any) -> Iterator[Any]:
    for value in node.values() if isinstance(node, dict) else node:
        if is_wcs(value):
            yield value
        elif isinstance(value, dict | list):
            yield from _wcs_in(value)
