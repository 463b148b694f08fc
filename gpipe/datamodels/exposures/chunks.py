"""Parts of an exposure, cut out of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from array_api_compat import array_namespace, is_array_api_obj

from gpipe.arrays import Array
from gpipe.datamodels.exposures.ramp import Ramp

WITHOUT_INTEGRATIONS = ("pixeldq", "average_dark_current")


@dataclass(frozen=True)
class Span:
    """Some rows, or some integrations, of an exposure.

    Attributes
    ----------
    inner : what the part is for.
    outer : with the rows around it that come along.
    by_rows : whether these are rows.
    columns : of the rows, in the same manner; None for all of them.
    """

    inner: slice
    outer: slice
    by_rows: bool = True
    columns: "Span | None" = None

    @property
    def core(self) -> slice:
        """Where ``inner`` is in ``outer``."""
        return slice(self.inner.start - self.outer.start, self.inner.stop - self.outer.start)


def span_of(start: int, stop: int, *, total: int, reach: int = 0, columns: Span | None = None) -> Span:
    """Rows from ``start`` to ``stop`` of ``total``, with ``reach`` rows around them."""
    return Span(slice(start, stop), slice(max(0, start - reach), min(total, stop + reach)), columns=columns)


def spans(total: int, length: int, *, reach: int = 0, by_rows: bool = True) -> list[Span]:
    """Cut ``total`` rows, with ``reach`` rows around each part, or integrations into runs of ``length``."""
    ends = [(start, min(start + length, total)) for start in range(0, total, length)]
    if by_rows:
        return [span_of(start, stop, total=total, reach=reach) for start, stop in ends]
    return [Span(slice(start, stop), slice(start, stop), by_rows=False) for start, stop in ends]


def cut(exposure: Any, span: Span) -> Any:
    """The part of a ramp that a span covers: new, contiguous arrays on the same device; the whole as it is."""
    columns = outer_columns(span)
    inside = columns or slice(None)
    part = map_arrays(exposure, lambda name, x: own(index(name, x, span.outer, span.by_rows)[..., inside]))
    if not span.by_rows:
        return part
    return replace(part, rows=span.outer, columns=columns, of_interleaved=exposure.is_interleaved)


def outer_columns(span: Span) -> slice | None:
    """The columns of a part with those around them; None for all."""
    return span.columns.outer if span.columns else None


def trim(part: Any, rows: slice) -> Any:
    """Some rows of a part, counted from its first one: views."""
    if (rows.start, rows.stop) == (0, part.shape[-2]):
        return part
    trimmed = map_arrays(part, lambda _, x: x[..., rows, :])
    if not isinstance(part, Ramp) or part.rows is None:
        return trimmed
    start = part.rows.start
    return replace(trimmed, rows=slice(start + rows.start, start + rows.stop))


def core_of(part: Any, span: Span) -> Any:
    """What a part that covers rows of a span, and what is around them, is for."""
    part = trim(part, span.core)
    if span.columns is None:
        return part
    inside = span.columns.core
    return replace(map_arrays(part, lambda _, x: x[..., inside]), columns=span.columns.inner)


def put_together(pieces: Sequence[tuple[Span, Array]]) -> Array:
    """Arrays (…, row), in any order, of spans of rows or of integrations."""
    ordered = [piece for _, piece in sorted(pieces, key=lambda pair: pair[0].inner.start)]
    if len(ordered) == 1:
        return ordered[0]
    return array_namespace(*ordered).concat(ordered, axis=-1 if pieces[0][0].by_rows else 0)


def index(name: str, x: Array, which: slice, by_rows: bool) -> Array:
    """A view of some rows, or integrations, of the array of this name."""
    if by_rows:
        return x[..., which, :]
    return x if name in WITHOUT_INTEGRATIONS else x[which, ...]


def own(view: Array) -> Array:
    """A new, contiguous array of the same values."""
    return array_namespace(view).asarray(view, copy=True)


def unshared(results: Sequence[Any]) -> list[Any]:
    """Results of which none shares arrays with another, for somebody who may write to them."""

    def copied(result: Any) -> Any:
        result = map_arrays(result, lambda name, x: own(x) if name in result.shared else x)
        return replace(result, shared=())

    return [copied(result) if getattr(result, "shared", ()) else result for result in results]


def arrays_of(exposure: Any) -> Iterator[tuple[str, Array]]:
    """Its arrays by name."""
    for field in fields(exposure):
        value = getattr(exposure, field.name)
        if is_array_api_obj(value):
            yield field.name, value


def map_arrays(exposure: Any, function: Callable[[str, Array], Array]) -> Any:
    """The exposure with what ``function`` makes of the name and the values of each array."""
    return replace(exposure, **{name: function(name, value) for name, value in arrays_of(exposure)})
