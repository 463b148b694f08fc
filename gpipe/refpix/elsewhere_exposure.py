"""Reference pixels in the interior of an exposure, gathered from its chunks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.datamodels import Ramp
from gpipe.refpix.borders_exposure import first_row
from gpipe.refpix.elsewhere import KINDS, flagged_within, interior, kind_of
from gpipe.refpix.orientation import Orientation


class Gathered:
    """Values of reference pixels that do not lie at an edge, of chunks in any order and from several threads.

    Parameters
    ----------
    at : orientation of the whole array.
    shape : its rows and columns, science frame.
    """

    def __init__(self, at: Orientation, shape: tuple[int, ...]) -> None:
        self._at, self._shape = at, shape
        self._interior = interior(at, shape)
        self._rows: dict[int, tuple[np.ndarray, Mapping[str, Array]]] = {}
        """Columns and values by row of the exposure; a row that comes with two chunks is the same in both."""

    def add(self, chunk: Ramp) -> Array:
        """Gather those of a chunk before it is corrected; return their number in each row."""
        xp, first = array_namespace(chunk.pixeldq), first_row(chunk)
        flagged = flagged_within(chunk.pixeldq, *self._interior, first_row=first)
        counts = xp.count_nonzero(flagged, axis=-1)
        if bool(xp.any(flagged)):
            self._gather(chunk, chunk.backend.to_host(flagged), first)
        return counts

    def _gather(self, chunk: Ramp, flagged: np.ndarray, first: int) -> None:
        xp = array_namespace(chunk.data)
        arrays = {"data": chunk.data}
        if chunk.zeroframe is not None:
            arrays["zeroframe"] = chunk.zeroframe[:, None, ...]
        for row in np.flatnonzero(flagged.any(axis=-1)).tolist():
            columns = np.flatnonzero(flagged[row])
            index = xp.asarray(columns, device=device(chunk.data))
            values = {name: xp.take(array[..., row, :], index, axis=-1) for name, array in arrays.items()}
            self._rows[first + row] = columns, values

    def of(self, name: str) -> tuple[Array, ...]:
        """The values of ``data`` or ``zeroframe`` for even and odd detector columns: (integration, group, pixel)."""
        found = [(row, *self._rows[row]) for row in sorted(self._rows)]
        kinds = [
            kind_of(self._at, self._shape, row, column) for row, columns, _ in found for column in columns.tolist()
        ]
        values: list[Any] = [arrays[name] for _, _, arrays in found]
        xp = array_namespace(*values)
        joined = xp.concat(values, axis=-1)
        each = (np.flatnonzero(np.asarray(kinds) == kind) for kind in range(KINDS))
        return tuple(xp.take(joined, xp.asarray(index, device=device(joined)), axis=-1) for index in each)
