"""Exposures between two sections: put together of parts, on shelves where nobody needs them whole."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from threading import Lock
from typing import Any, cast

from array_api_compat import array_namespace, device, is_numpy_array

from gpipe.arrays import Array
from gpipe.datamodels.parts import WITHOUT_INTEGRATIONS, Span, arrays_of, index, map_arrays, own
from gpipe.datamodels.ramp import InFlight, Outline, Ramp
from gpipe.datamodels.scratch import forget, mapped_array, scratch_array


class Assembly:
    """Exposures, made of parts that may come in any order and from several threads.

    Parameters
    ----------
    total : rows, or integrations, of the whole.
    shelf : rows of a shelf, a multiple of those of a part, for ramps that `Shelves` may hold; None for wholes.
    stored : the exposure that the parts were cut from, where its arrays are at hand.
    kept : names of its arrays that are as they were; they are part of the new whole, too.
    on_disk : whether the large arrays of ramps are kept in scratch files.
    grows : whether wholes on the host are to take memory part by part, since other arrays go meanwhile.
    """

    def __init__(
        self,
        total: int,
        *,
        by_rows: bool,
        shelf: int | None = None,
        stored: InFlight | None = None,
        kept: Sequence[str] = (),
        on_disk: bool = False,
        grows: bool = False,
    ) -> None:
        self._total, self._by_rows, self._on_disk, self._grows = total, by_rows, on_disk, grows
        self._shelf = shelf or total
        self._stored, self._kept = stored, kept if stored is not None else ()
        self._made: dict[int, list[Any]] = {}
        self._lock = Lock()

    def add(self, span: Span, results: Sequence[Any]) -> None:
        """Add the results of a part, one for each exposure. A part that is the whole is taken as it is."""
        if (span.inner.start, span.inner.stop) == (0, self._total) and not self._on_disk:
            self._made[0] = [replace(result, rows=None) if isinstance(result, Ramp) else result for result in results]
            return
        number, start = divmod(span.inner.start, self._shelf)
        with self._lock:
            if number not in self._made:
                length = min(self._shelf, self._total - number * self._shelf)
                self._made[number] = [self._room(result, length) for result in results]
        inner = slice(start, start + span.inner.stop - span.inner.start)
        for whole, result in zip(self._made[number], results, strict=True):
            for name, values in arrays_of(result):
                if name not in self._kept or not isinstance(result, Ramp):
                    index(name, getattr(whole, name), inner, self._by_rows)[...] = values
            if self._on_disk:
                forget(whole)

    def whole(self) -> list[Any]:
        """The exposures, when all parts were added: wholes, or one on several shelves."""
        made = [self._made[number] for number in sorted(self._made)]
        return made[0] if len(made) == 1 else [Shelves.of([exposure for (exposure,) in made])]

    def _room(self, result: Any, length: int) -> Any:
        def room(name: str, values: Array) -> Array:
            return getattr(self._stored, name) if name in self._kept else self._empty(name, values, length)

        if isinstance(result, Ramp):
            return replace(map_arrays(result, room), rows=None)
        return map_arrays(result, lambda name, values: self._empty(name, values, length))

    def _empty(self, name: str, values: Array, length: int) -> Array:
        shape = list(values.shape)
        if self._by_rows:
            shape[-2] = length
        elif name not in WITHOUT_INTEGRATIONS:
            shape[0] = length
        if self._on_disk and len(shape) == 4:
            return scratch_array(tuple(shape), values.dtype)
        on_shelf = self._shelf < self._total
        if math.prod(shape[:-2]) > 1 and (on_shelf or self._grows) and is_numpy_array(values):
            return mapped_array(tuple(shape), values.dtype, huge=on_shelf)
        return array_namespace(values).empty(tuple(shape), dtype=values.dtype, device=device(values))


@dataclass(frozen=True)
class Shelves(Outline):
    """A ramp in pieces of some rows, each of which goes when nobody will ask for its rows again.

    Attributes
    ----------
    pieces : all of the same number of rows but for the last one; None for those that are gone.
    later : what is yet to be done to all rows, in order.
    """

    pieces: list[Ramp | None]
    later: tuple[Callable[[Ramp], Ramp], ...] = ()

    @classmethod
    def of(cls, pieces: Sequence[Ramp]) -> "Shelves":
        """The pieces, from the first row to the last."""
        first = pieces[0]
        rows = sum(piece.shape[-2] for piece in pieces)
        return cls(first.header, first.backend, (*first.shape[:-2], rows, first.shape[-1]), list(pieces))

    def after(self, finish: Callable[[Ramp], Ramp]) -> "Shelves":
        """The same ramp, once ``finish`` has been at its rows: when they are lent."""
        return replace(self, later=(*self.later, finish))

    def lend(self, spans: Sequence[Span]) -> Callable[[Span], Ramp]:
        """What gives the rows of each span, as new arrays, once; in any order and on any thread."""
        size, lock = cast(Ramp, self.pieces[0]).shape[-2], Lock()

        def under(span: Span) -> range:
            return range(span.outer.start // size, -(-span.outer.stop // size))

        wanted = Counter(number for span in spans for number in under(span))

        def take(span: Span) -> Ramp:
            found = [_rows(cast(Ramp, self.pieces[k]), span.outer, first=k * size) for k in under(span)]
            part = replace(_stacked(found), rows=span.outer)
            with lock:
                wanted.subtract(under(span))
                for number in under(span):
                    forget(self.pieces[number])
                    if not wanted[number]:
                        self.pieces[number] = None
            return reduce(lambda rows, finish: finish(rows), self.later, part)

        return take


def _rows(piece: Ramp, rows: slice, *, first: int) -> Ramp:
    """Views of those rows that a piece has, where ``first`` is the number of its first one."""
    inside = slice(max(rows.start - first, 0), min(rows.stop - first, piece.shape[-2]))
    return cast(Ramp, map_arrays(piece, lambda name, x: index(name, x, inside, by_rows=True)))


def _stacked(pieces: Sequence[Ramp]) -> Ramp:
    """New arrays of the rows of all pieces."""

    def joined(name: str, x: Array) -> Array:
        others = [getattr(piece, name) for piece in pieces[1:]]
        return array_namespace(x).concat([x, *others], axis=-2) if others else own(x)

    return cast(Ramp, map_arrays(pieces[0], joined))
