"""Parts of an exposure: cut out of it, and put together again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from threading import Lock
from typing import Any

from array_api_compat import array_namespace, device, is_array_api_obj

from gpipe.arrays import Array
from gpipe.datamodels.ramp import InFlight, Ramp
from gpipe.datamodels.scratch import forget, scratch_array

WITHOUT_INTEGRATIONS = ("pixeldq", "average_dark_current")


@dataclass(frozen=True)
class Span:
    """Some rows, or some integrations, of an exposure.

    Attributes
    ----------
    inner : what the part is for.
    outer : with the rows around it that come along.
    by_rows : whether these are rows.
    """

    inner: slice
    outer: slice
    by_rows: bool = True

    @property
    def core(self) -> slice:
        """Where ``inner`` is in ``outer``."""
        return slice(self.inner.start - self.outer.start, self.inner.stop - self.outer.start)


def spans(total: int, length: int, *, reach: int = 0, by_rows: bool = True) -> list[Span]:
    """Cut ``total`` rows, with ``reach`` rows around each part, or integrations into runs of ``length``."""
    reach = reach if by_rows else 0
    inner = [slice(start, min(start + length, total)) for start in range(0, total, length)]
    return [Span(s, slice(max(0, s.start - reach), min(total, s.stop + reach)), by_rows) for s in inner]


def cut(exposure: Any, span: Span) -> Any:
    """The part of a ramp that a span covers: new, contiguous arrays on the same device; the whole as it is."""
    part = _map_arrays(exposure, lambda name, x: _own(_index(name, x, span.outer, span.by_rows)))
    return replace(part, rows=span.outer) if span.by_rows else part


def trim(part: Any, rows: slice) -> Any:
    """Some rows of a part, counted from its first one: views."""
    if (rows.start, rows.stop) == (0, part.shape[-2]):
        return part
    trimmed = _map_arrays(part, lambda _, x: x[..., rows, :])
    if not isinstance(part, Ramp) or part.rows is None:
        return trimmed
    start = part.rows.start
    return replace(trimmed, rows=slice(start + rows.start, start + rows.stop))


def put_together(pieces: Sequence[tuple[Span, Array]]) -> Array:
    """Arrays (…, row), in any order, of spans of rows or of integrations."""
    ordered = [piece for _, piece in sorted(pieces, key=lambda pair: pair[0].inner.start)]
    if len(ordered) == 1:
        return ordered[0]
    return array_namespace(*ordered).concat(ordered, axis=-1 if pieces[0][0].by_rows else 0)


class Assembly:
    """Whole exposures, made of parts that may come in any order and from several threads.

    Parameters
    ----------
    total : rows, or integrations, of the whole.
    stored : the exposure that the parts were cut from, where its arrays are at hand.
    kept : names of its arrays that are as they were.
    overwrite : whether the others may be written to.
    on_disk : whether the large arrays of ramps are kept in scratch files.
    """

    def __init__(
        self,
        total: int,
        *,
        by_rows: bool,
        stored: InFlight | None = None,
        kept: Sequence[str] = (),
        overwrite: bool = False,
        on_disk: bool = False,
    ) -> None:
        self._total, self._by_rows, self._on_disk = total, by_rows, on_disk
        self._stored, self._kept, self._overwrite = stored, kept if stored is not None else (), overwrite
        self._whole: list[Any] | None = None
        self._lock = Lock()

    def add(self, span: Span, results: Sequence[Any]) -> None:
        """Add the results of a part, one for each whole exposure. A part that is the whole is taken as it is."""
        if (span.inner.start, span.inner.stop) == (0, self._total) and not self._on_disk:
            self._whole = [replace(result, rows=None) if isinstance(result, Ramp) else result for result in results]
            return
        with self._lock:
            if self._whole is None:
                self._whole = [self._room(result) for result in results]
        for whole, result in zip(self._whole, results, strict=True):
            for name, values in _arrays(result):
                if name not in self._kept or not isinstance(result, Ramp):
                    _index(name, getattr(whole, name), span.inner, self._by_rows)[...] = values
            if self._on_disk:
                forget(whole)

    def whole(self) -> list[Any]:
        """The whole exposures, when all parts were added."""
        assert self._whole is not None
        return self._whole

    def _room(self, result: Any) -> Any:
        if not isinstance(result, Ramp):
            return _map_arrays(result, self._empty)
        return replace(_map_arrays(result, self._room_in_stored), rows=None)

    def _room_in_stored(self, name: str, values: Array) -> Array:
        existing = getattr(self._stored, name, None)
        if existing is None or not (self._overwrite or name in self._kept) or existing.dtype != values.dtype:
            return self._empty(name, values)
        return existing

    def _empty(self, name: str, values: Array) -> Array:
        shape = list(values.shape)
        if self._by_rows:
            shape[-2] = self._total
        elif name not in WITHOUT_INTEGRATIONS:
            shape[0] = self._total
        if self._on_disk and len(shape) == 4:
            return scratch_array(tuple(shape), values.dtype)
        return array_namespace(values).empty(tuple(shape), dtype=values.dtype, device=device(values))


def _index(name: str, x: Array, which: slice, by_rows: bool) -> Array:
    if by_rows:
        return x[..., which, :]
    return x if name in WITHOUT_INTEGRATIONS else x[which, ...]


def _own(view: Array) -> Array:
    return array_namespace(view).asarray(view, copy=True)


def _arrays(exposure: Any) -> Iterator[tuple[str, Array]]:
    for field in fields(exposure):
        value = getattr(exposure, field.name)
        if is_array_api_obj(value):
            yield field.name, value


def _map_arrays(exposure: Any, function: Callable[[str, Array], Array]) -> Any:
    return replace(exposure, **{name: function(name, value) for name, value in _arrays(exposure)})
