"""Identity of products: a key of all that they are made from, in their headers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

KEY, INPUT = "GP_KEY", "GP_INPUT"
COMMENTS = {KEY: "digest of what made it", INPUT: "digest of the input file"}
EXTRA, PRIMARY, HEADER = "extra_fits", "PRIMARY", "header"
"""Where ``stdatamodels`` keeps keywords that no schema knows."""


class Identity(Protocol):
    """What the products of a run are made from."""

    def keywords(self) -> Mapping[str, str]:
        """Return the keywords for the headers of its products."""

    def is_in(self, products: Sequence[Path]) -> bool:
        """Tell whether an earlier run has made all of these products from the same."""


def mark(model: Any, keywords: Mapping[str, str]) -> None:
    """Put keywords into a product, in place; those that it has from its input are none of its own."""
    tree = getattr(model, "instance", {})
    cards = tree.get(EXTRA, {}).get(PRIMARY, {}).get(HEADER, [])
    others = [card for card in cards if card[0] not in COMMENTS]
    if keywords:
        others += [[name, value, COMMENTS[name]] for name, value in keywords.items()]
    if others or cards:
        tree.setdefault(EXTRA, {}).setdefault(PRIMARY, {})[HEADER] = others
