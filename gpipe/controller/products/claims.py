"""Names of products, each for one product of one input: claimed before work, and held to while products are written."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gpipe.exceptions import OutputError
from gpipe.forks import Lock


@dataclass(frozen=True)
class Owner:
    """An input that products are made of; ``place`` in the list, and in the group, tells inputs of one name apart."""

    name: str
    place: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (input {'.'.join(map(str, self.place))})" if self.place else self.name


class NameClashError(OutputError):
    """A product would take the place of a file that is needed: an input, another product, or one that is to stay."""


class Claims:
    """The names of all products of a call.

    Parameters
    ----------
    inputs : paths of the files that the call reads.
    """

    def __init__(self, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
        self._inputs = {_place(path) for path in inputs}
        self._owners: dict[str, Owner] = {}
        self._lock = Lock()

    def take(self, path: Path, owner: Owner, *, overwrites_input: bool = False) -> None:
        """Claim a name. OutputError: it is that of an input, of a product of another input, or of a folder."""
        place = _place(path)
        if place in self._inputs and not overwrites_input:
            raise NameClashError(
                f"{path}: found an input under the name of a product; expected another name or folder (output_dir, "
                "output_file, suffix), or overwrite_input=True"
            )
        if os.path.isdir(path) and not os.path.islink(path):
            raise OutputError.at(path, "a folder under the name of a product", "a file or nothing")
        with self._lock:
            first = self._owners.setdefault(place, owner)
        if first != owner:
            raise NameClashError(
                f"{path}: found as the name of a product of {first} and of {owner}; expected a name for each (calls of "
                "their own with output_dir or output_file, or an association with product names)"
            )


def _place(path: str | os.PathLike[str]) -> str:
    """The path without links in its folder; a link under the last name is a file by itself, which is replaced."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)
