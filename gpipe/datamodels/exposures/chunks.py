"""Chunks of an exposure: some rows, some columns or some integrations, cut out of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from array_api_compat import array_namespace

from gpipe.arrays import Array


@dataclass(frozen=True)
class Chunk:
    """Some rows, or some integrations, of an exposure.

    Attributes
    ----------
    own : the rows (integrations) that the chunk is for.
    with_halo : those, and the rows around them that come along.
    by_rows : whether these are rows.
    columns : of the rows, in the same manner; None for all of them.
    """

    own: slice
    with_halo: slice
    by_rows: bool = True
    columns: "Chunk | None" = None

    @property
    def core(self) -> slice:
        """The place of ``own`` in ``with_halo``."""
        return slice(self.own.start - self.with_halo.start, self.own.stop - self.with_halo.start)


def chunk_of_rows(start: int, stop: int, *, total: int, halo: int = 0, columns: Chunk | None = None) -> Chunk:
    """Make the chunk of rows from ``start`` to ``stop`` of ``total``, with ``halo`` rows around them."""
    return Chunk(slice(start, stop), slice(max(0, start - halo), min(total, stop + halo)), columns=columns)


def chunks_of(total: int, length: int, *, halo: int = 0, by_rows: bool = True) -> list[Chunk]:
    """Cut ``total`` rows, with ``halo`` rows around each chunk, or integrations into runs of ``length``."""
    ends = [(start, min(start + length, total)) for start in range(0, total, length)]
    if by_rows:
        return [chunk_of_rows(start, stop, total=total, halo=halo) for start, stop in ends]
    return [Chunk(slice(start, stop), slice(start, stop), by_rows=False) for start, stop in ends]


def cut(exposure: Any, chunk: Chunk) -> Any:
    """Cut a chunk, with its halo, out of an exposure: new, contiguous arrays on the same device."""
    if not chunk.by_rows:
        return _parts(exposure, {"i": chunk.with_halo}, copied)
    columns = columns_with_halo(chunk)
    taken = _parts(exposure, {"y": chunk.with_halo, "x": columns or slice(None)}, copied)
    return replace(taken, rows=chunk.with_halo, columns=columns, of_interleaved=exposure.is_interleaved)


def columns_with_halo(chunk: Chunk) -> slice | None:
    """The columns of a chunk with those around them; None for all."""
    return chunk.columns.with_halo if chunk.columns else None


def trim(exposure: Any, rows: slice) -> Any:
    """Take some rows of a chunk, counted from its first one: views."""
    if (rows.start, rows.stop) == (0, exposure.shape[-2]):
        return exposure
    trimmed = _parts(exposure, {"y": rows})
    if exposure.rows is None:
        return trimmed
    start = exposure.rows.start
    return replace(trimmed, rows=slice(start + rows.start, start + rows.stop))


def without_halo(exposure: Any, chunk: Chunk) -> Any:
    """Take off the halo of an exposure that was cut as ``chunk``: views."""
    exposure = trim(exposure, chunk.core)
    if chunk.columns is None:
        return exposure
    return replace(_parts(exposure, {"x": chunk.columns.core}), columns=chunk.columns.own)


def join(pieces: Sequence[tuple[Chunk, Array]]) -> Array:
    """Join arrays (…, row), in any order, of chunks of rows or of integrations."""
    ordered = [piece for _, piece in sorted(pieces, key=lambda pair: pair[0].own.start)]
    if len(ordered) == 1:
        return ordered[0]
    return array_namespace(*ordered).concat(ordered, axis=-1 if pieces[0][0].by_rows else 0)


def index(exposure: Any, name: str, which: slice, by_rows: bool) -> Array:
    """A view of some rows, or integrations, of the array of this name; of all of it if it has none."""
    return exposure.planes[name].part(getattr(exposure, name), {"y" if by_rows else "i": which})


def copied(view: Array) -> Array:
    """A new, contiguous array of the same values."""
    return array_namespace(view).asarray(view, copy=True)


def with_separate_arrays(results: Sequence[Any]) -> list[Any]:
    """Results of which none shares arrays with another, for somebody who may write to them."""

    def separate(result: Any) -> Any:
        result = map_arrays(result, lambda name, x: copied(x) if name in result.shared else x)
        return replace(result, shared=())

    return [separate(result) if getattr(result, "shared", ()) else result for result in results]


def arrays_of(exposure: Any) -> Iterator[tuple[str, Array]]:
    """Its arrays by name."""
    for name in exposure.planes:
        value = getattr(exposure, name)
        if value is not None:
            yield name, value


def map_arrays(exposure: Any, function: Callable[[str, Array], Array]) -> Any:
    """Put the result of ``function``, of the name and the values of each array, into the exposure."""
    return replace(exposure, **{name: function(name, value) for name, value in arrays_of(exposure)})


def _parts(exposure: Any, where: Mapping[str, slice], change: Callable[[Array], Array] = lambda view: view) -> Any:
    return map_arrays(exposure, lambda name, x: change(exposure.planes[name].part(x, where)))
