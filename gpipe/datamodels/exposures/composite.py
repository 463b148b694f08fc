"""Composites: exposures that are made of pieces, each of them an exposure of its own kind.

A step that accepts the kind of the pieces works on each of them and does not know the composite.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Self, TypeVar

from gpipe.datamodels.exposures.in_flight import Exposure, WithHeader

Piece = TypeVar("Piece", bound=Exposure)


class Composite(ABC):
    """An exposure made of pieces.

    Attributes
    ----------
    piece : the kind of its pieces.
    """

    piece: ClassVar[type[Exposure]]

    @abstractmethod
    def map(self, apply: Callable[[Any], Any]) -> Self:
        """Return the composite of the results of ``apply``, called for each piece in order."""


def is_of(kind: type, kinds: tuple[type, ...]) -> bool:
    """Tell whether a kind of exposure, or that of the pieces of a composite, is among some kinds."""
    return issubclass(kind, kinds) or (issubclass(kind, Composite) and issubclass(kind.piece, kinds))


@dataclass(frozen=True)
class Pieces(WithHeader, Composite, Generic[Piece]):
    """A composite that holds its pieces in a tuple, such as the slits of a frame. All of them share its header.

    Attributes
    ----------
    header, backend : as in `Exposure`.
    pieces : in the order of the product; each gets the header of the composite.
    """

    pieces: tuple[Piece, ...] = field(kw_only=True)

    def __post_init__(self) -> None:
        shared = (one if one.header is self.header else replace(one, header=self.header) for one in self.pieces)
        object.__setattr__(self, "pieces", tuple(shared))

    @classmethod
    def make(cls, frame: Exposure, pieces: Iterable[Piece]) -> Self:
        """Make a composite of pieces cut out of a frame, whose header it takes over."""
        return cls(frame.header, frame.backend, pieces=tuple(pieces))

    def map(self, apply: Callable[[Piece], Piece]) -> Self:
        return replace(self, pieces=tuple(apply(one) for one in self.pieces))

    def drop(self, unwanted: Callable[[Piece], bool]) -> Self:
        """Leave out the pieces for which ``unwanted`` is true."""
        return replace(self, pieces=tuple(one for one in self.pieces if not unwanted(one)))

    def part(self, belongs: Callable[[Piece], bool]) -> tuple[Self, Self]:
        """Split into the pieces for which ``belongs`` is true, and the others."""
        return self.drop(lambda one: not belongs(one)), self.drop(belongs)

    def join(self, others: Self) -> Self:
        """Append the pieces of another composite, whose header is given up."""
        return replace(self, pieces=self.pieces + others.pieces)

    def reduce(self, apply: Callable[[Piece], Any]) -> list[Any]:
        """Return the results of ``apply`` where they are no pieces any more, such as a table of each slit."""
        return [apply(one) for one in self.pieces]
